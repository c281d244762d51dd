import { Turns } from '../../domain/turns.ts'

/** `now`: a call waits for it. `later`: work ahead, behind everything that is waited for. */
export type Urgency = 'now' | 'later'

export interface StartsOptions {
  maxParallel: number
  /** False while nothing can be started: then nobody gets a place, until `look` is called. */
  mayStart(): boolean
}

/** Whoever starts something gives its place back early with this: the engine has done its part. */
export type LeavePlace = () => void

/** Bounds how many containers are started at once: more of them at a time only make each slower. Projects take turns. */
export class Starts {
  #options: StartsOptions
  #running = 0
  #lines: Record<Urgency, Turns<() => void>> = { now: new Turns(), later: new Turns() }

  constructor(options: StartsOptions) {
    this.#options = options
  }

  async run<T>(urgency: Urgency, projectId: string, start: (leave: LeavePlace) => Promise<T>): Promise<T> {
    if (this.#hasPlace()) this.#running++
    else await new Promise<void>((resolve) => this.#lines[urgency].add(projectId, resolve))
    const leave = this.#leaveOnce()
    try {
      return await start(leave)
    } finally {
      leave()
    }
  }

  /** Gives out the places that are free: what held them back may be over. */
  look(): void {
    while (this.#hasPlace()) {
      const next = this.#lines.now.next() ?? this.#lines.later.next()
      if (next === undefined) return
      this.#running++
      next()
    }
  }

  #hasPlace(): boolean {
    return this.#running < this.#options.maxParallel && this.#options.mayStart()
  }

  #leaveOnce(): LeavePlace {
    let holdsPlace = true
    return () => {
      if (!holdsPlace) return
      holdsPlace = false
      this.#running--
      this.look()
    }
  }
}
