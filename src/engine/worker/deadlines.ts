import type { Clock } from '../../domain/clock.ts'

export interface WithDeadline {
  /** Clock time in elapsed ms. */
  deadlineAt: number
  /** Its position among the waiting calls, set by `Deadlines`. */
  place?: number | undefined
}

/** The deadlines of a worker's calls, with one timer for all: most timers of single calls would be set and cleared in vain. */
export class Deadlines<T extends WithDeadline> {
  #clock: Clock
  #onPassed: (late: T) => void
  /** Each knows its place. A `Set` would keep what comes and goes: see `InFlight`. */
  #waiting: T[] = []
  #stopTimer: (() => void) | null = null
  #timerAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onPassed: (late: T) => void) {
    this.#clock = clock
    this.#onPassed = onPassed
  }

  add(timed: T): void {
    if (timed.place === undefined) timed.place = this.#waiting.push(timed) - 1
    if (timed.deadlineAt < this.#timerAt) this.#setTimer(timed.deadlineAt)
  }

  /** The call ended in time. The timer stays: the next call will most likely need it. */
  delete(timed: T): void {
    const { place } = timed
    if (place === undefined) return
    timed.place = undefined
    const last = this.#waiting.pop() as T
    if (last === timed) return
    this.#waiting[place] = last
    last.place = place
  }

  find(is: (timed: T) => boolean): T | undefined {
    return this.#waiting.find(is)
  }

  close(): void {
    for (const timed of this.#waiting.splice(0)) timed.place = undefined
    this.#stopTimer?.()
  }

  #setTimer(at: number): void {
    this.#stopTimer?.()
    this.#timerAt = at
    this.#stopTimer = this.#clock.after(Math.max(0, at - this.#clock.elapsed()), () => this.#look())
  }

  #look(): void {
    this.#stopTimer = null
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#clock.elapsed()
    let next = Number.POSITIVE_INFINITY
    for (const timed of [...this.#waiting]) {
      if (timed.deadlineAt > now) {
        next = Math.min(next, timed.deadlineAt)
      } else if (timed.place !== undefined) {
        this.delete(timed)
        this.#onPassed(timed)
      }
    }
    if (next < this.#timerAt) this.#setTimer(next)
  }
}
