import type { Urgency } from '../engine/pool/policy/urgency.ts'

export interface QueuedStart<Event> {
  urgency: Urgency
  takesMs: number
  /** The event at the end of the start. */
  event: Event
  /** Checked when it is next; if it returns false, it has cancelled itself. */
  isNeeded(): boolean
}

/** The counterpart of the pool's `Starts`: at most `maxParallel` at once, those that calls wait for first. */
export class StartQueue<Event> {
  #maxParallel: number
  #begin: (takesMs: number, event: Event) => void
  #running = 0
  #lines: Record<Urgency, QueuedStart<Event>[]> = { now: [], later: [] }

  constructor(maxParallel: number, begin: (takesMs: number, event: Event) => void) {
    this.#maxParallel = maxParallel
    this.#begin = begin
  }

  add(start: QueuedStart<Event>): void {
    this.#lines[start.urgency].push(start)
    this.#next()
  }

  /** A start has ended. */
  ended(): void {
    this.#running--
    this.#next()
  }

  #next(): void {
    while (this.#running < this.#maxParallel) {
      const start = this.#lines.now.shift() ?? this.#lines.later.shift()
      if (start === undefined) return
      if (!start.isNeeded()) continue
      this.#running++
      this.#begin(start.takesMs, start.event)
    }
  }
}
