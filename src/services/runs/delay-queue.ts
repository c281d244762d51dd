import type { Clock } from '../../domain/clock.ts'

/** Longest interval between checks of the wall clock: it may be set, and machines sleep. */
const recheckMs = 30_000

/** Items that must not begin before their time, with one timer. */
export class DelayQueue<Item> {
  #clock: Clock
  #due: (item: Item) => void
  #waiting = new Map<Item, number>()
  #armedFor = Number.POSITIVE_INFINITY
  #stopTimer = () => {}

  /** `due`: called for each item when its time has come. */
  constructor(clock: Clock, due: (item: Item) => void) {
    this.#clock = clock
    this.#due = due
  }

  /** Due at once when the time has passed, or is null. */
  add(item: Item, atMs: number | null): void {
    if (atMs === null || atMs <= this.#clock.now()) return this.#due(item)
    this.#waiting.set(item, atMs)
    if (atMs < this.#armedFor) this.#arm(atMs)
  }

  delete(item: Item): void {
    this.#waiting.delete(item)
  }

  #arm(atMs: number): void {
    this.#stopTimer()
    this.#armedFor = atMs
    this.#stopTimer = this.#clock.after(Math.min(atMs - this.#clock.now(), recheckMs), () => this.#look())
  }

  #look(): void {
    const now = this.#clock.now()
    this.#armedFor = Number.POSITIVE_INFINITY
    for (const [item, atMs] of [...this.#waiting]) {
      if (atMs > now) continue
      this.#waiting.delete(item)
      this.#due(item)
    }
    const next = Math.min(...this.#waiting.values())
    if (next < this.#armedFor) this.#arm(next)
  }
}
