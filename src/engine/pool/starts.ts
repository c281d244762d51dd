import { FairQueue } from '../../domain/fair-queue.ts'
import type { Urgency } from './policy/urgency.ts'

export interface StartsOptions {
  maxParallel: number
  /** False while nothing can be started: no place is given until `look` is called. */
  mayStart(): boolean
  /** Most concurrent starts of one project; null: all places. */
  mostOf?(projectId: string): number | null
}

/** Releases the place early: the engine has done its part of the start. */
export type ReleasePlace = () => void

/** Limits how many containers are started at once: beyond the limit each start only gets slower. Projects take turns. */
export class Starts {
  #options: StartsOptions
  #running = 0
  #runningOf = new Map<string, number>()
  #lines: Record<Urgency, FairQueue<() => void>> = { now: new FairQueue(), later: new FairQueue() }

  constructor(options: StartsOptions) {
    this.#options = options
  }

  async run<T>(urgency: Urgency, projectId: string, start: (leave: ReleasePlace) => Promise<T>): Promise<T> {
    if (this.#hasPlace() && this.#mayGo(projectId)) this.#count(projectId, 1)
    else
      await new Promise<void>((resolve) => {
        this.#lines[urgency].add(projectId, () => {
          this.#count(projectId, 1)
          resolve()
        })
      })
    const leave = this.#leaveOnce(projectId)
    try {
      return await start(leave)
    } finally {
      leave()
    }
  }

  /** Gives out free places: the reason that held them back may be over. */
  look(): void {
    while (this.#hasPlace()) {
      const next = this.#lines.now.next(this.#mayGo) ?? this.#lines.later.next(this.#mayGo)
      if (next === undefined) return
      next()
    }
  }

  #hasPlace(): boolean {
    return this.#running < this.#options.maxParallel && this.#options.mayStart()
  }

  #mayGo = (projectId: string): boolean => {
    const most = this.#options.mostOf?.(projectId) ?? null
    return most === null || (this.#runningOf.get(projectId) ?? 0) < most
  }

  #count(projectId: string, change: 1 | -1): void {
    this.#running += change
    const running = (this.#runningOf.get(projectId) ?? 0) + change
    if (running > 0) this.#runningOf.set(projectId, running)
    else this.#runningOf.delete(projectId)
  }

  #leaveOnce(projectId: string): ReleasePlace {
    let holdsPlace = true
    return () => {
      if (!holdsPlace) return
      holdsPlace = false
      this.#count(projectId, -1)
      this.look()
    }
  }
}
