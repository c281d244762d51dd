import type { Clock } from '../../src/domain/clock.ts'
import { builtAt } from './builders.ts'

interface Timer {
  at: number
  fn: () => void
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number
  #timers = new Set<Timer>()

  constructor(now = builtAt) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#now
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + ms, fn }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size
  }

  /** Lets time pass; timers fire at their moments, in order. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) {
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.fn()
    }
    this.#now = end
  }

  #nextUntil(end: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.at <= end)
    return due.sort((a, b) => a.at - b.at)[0]
  }
}
