/** `now`: a call waits for it. `later`: work ahead, behind everything that is waited for. */
export type Urgency = 'now' | 'later'

export interface StartInLine<Event> {
  urgency: Urgency
  takesMs: number
  /** When it is through. */
  event: Event
  /** Asked when its turn comes; when it is not, it has undone itself. */
  isNeeded(): boolean
}

/** What `Starts` is in the pool: at most `maxParallel` at once, those that calls wait for first. */
export class StartLine<Event> {
  #maxParallel: number
  #begin: (takesMs: number, event: Event) => void
  #running = 0
  #lines: Record<Urgency, StartInLine<Event>[]> = { now: [], later: [] }

  constructor(maxParallel: number, begin: (takesMs: number, event: Event) => void) {
    this.#maxParallel = maxParallel
    this.#begin = begin
  }

  add(start: StartInLine<Event>): void {
    this.#lines[start.urgency].push(start)
    this.#next()
  }

  /** One that had begun is through. */
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
