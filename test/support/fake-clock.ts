import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../src/domain/clock.ts'
import { builtAt } from './builders.ts'

interface Timer {
  /** On the monotonic clock, as real timers are. */
  at: number
  fn: () => void
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #elapsed = 0
  #offset: number
  #timers = new Set<Timer>()
  /** Timers fire this time before they are due, as real ones may by a fraction of a millisecond. */
  earlyMs = 0

  constructor(now = builtAt) {
    this.#offset = now
  }

  now(): number {
    return Math.floor(this.#offset + this.#elapsed)
  }

  elapsed(): number {
    return this.#elapsed
  }

  after(ms: number, fn: () => void): () => void {
    const early = ms > this.earlyMs ? this.earlyMs : 0
    const timer = { at: this.#elapsed + Math.max(0, ms) - early, fn }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size
  }

  /** Lets time pass; timers fire at their moments, in order. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) this.#fire(next)
    this.#elapsed = end
  }

  /** The same, but the work that a timer started (promises, immediates) continues before the next timer fires. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await settled()
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) {
      this.#fire(next)
      await settled()
    }
    this.#elapsed = end
  }

  /** Somebody sets the wall clock; timers do not notice. */
  setWall(now: number): void {
    this.#offset = now - this.#elapsed
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer)
    this.#elapsed = Math.max(this.#elapsed, timer.at)
    timer.fn()
  }

  #nextUntil(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    }
    return next
  }
}

/** Everything that was started has come to rest. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}
