/** `now`: a call waits for it. `later`: work ahead, behind everything that is waited for. */
export type Urgency = 'now' | 'later'

/** Bounds how many containers are started at once: more of them at a time only make each slower. */
export class Starts {
  #maxParallel: number
  #running = 0
  #queues: Record<Urgency, (() => void)[]> = { now: [], later: [] }

  constructor(maxParallel: number) {
    this.#maxParallel = maxParallel
  }

  async run<T>(urgency: Urgency, start: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#maxParallel) await new Promise<void>((resolve) => this.#queues[urgency].push(resolve))
    else this.#running++
    try {
      return await start()
    } finally {
      this.#next()
    }
  }

  /** The place goes to the next in line, or becomes free. */
  #next(): void {
    const next = this.#queues.now.shift() ?? this.#queues.later.shift()
    if (next === undefined) this.#running--
    else next()
  }
}
