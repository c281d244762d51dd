import type { Clock } from '../../domain/clock.ts'

export interface Timed {
  /** Clock time in elapsed ms. */
  deadlineAt: number
}

/** The deadlines of a worker's calls, with one timer for all: most timers of single calls would be set and cleared in vain. */
export class Deadlines<T extends Timed> {
  #clock: Clock
  #onPassed: (late: T) => void
  #waiting = new Set<T>()
  #stopTimer: (() => void) | null = null
  #timerAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onPassed: (late: T) => void) {
    this.#clock = clock
    this.#onPassed = onPassed
  }

  add(timed: T): void {
    this.#waiting.add(timed)
    if (timed.deadlineAt < this.#timerAt) this.#setTimer(timed.deadlineAt)
  }

  /** The call ended in time. The timer stays: the next call will most likely need it. */
  delete(timed: T): void {
    this.#waiting.delete(timed)
  }

  find(is: (timed: T) => boolean): T | undefined {
    for (const timed of this.#waiting) if (is(timed)) return timed
    return undefined
  }

  close(): void {
    this.#waiting.clear()
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
      } else if (this.#waiting.delete(timed)) {
        this.#onPassed(timed)
      }
    }
    if (next < this.#timerAt) this.#setTimer(next)
  }
}
