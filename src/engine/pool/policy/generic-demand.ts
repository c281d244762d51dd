import { Arrivals, levelsKnown } from './arrivals.ts'

/**
 * How the generic workers of a shape are consumed. Pure: the time is passed in, in ms of one clock.
 *
 * The n-th worker is consumed when n takes fall within the duration of one refill, just as the n-th worker of a function is used
 * when n calls run at once. Takes are therefore modelled as arrivals that run for the duration of a refill.
 */
export class GenericDemand {
  #takes = new Arrivals()
  /** When the workers taken last will have been replaced. */
  #replacedAt: number[] = []
  /** Most workers taken within one refill: one more was never missed. */
  #most = 0

  /** Notes a take by a call, or a take that failed because no worker was ready. */
  note(nowMs: number, refillMs: number): void {
    this.#replace(nowMs)
    this.#takes.began(nowMs)
    this.#replacedAt.push(nowMs + refillMs)
    this.#most = Math.max(this.#most, Math.min(levelsKnown, this.#takes.level))
  }

  /** Expected takes per ms of the first worker, the second and so on; the values never increase. */
  perMs(nowMs: number): number[] {
    this.#replace(nowMs)
    const all: number[] = []
    let least = Number.POSITIVE_INFINITY
    for (let nth = 1; nth <= this.#most; nth++) {
      least = Math.min(least, this.#takes.outlook(nth, nowMs).perMs)
      all.push(least)
    }
    return all
  }

  #replace(nowMs: number): void {
    while ((this.#replacedAt[0] ?? Number.POSITIVE_INFINITY) <= nowMs)
      this.#takes.ended(this.#replacedAt.shift() as number)
  }
}
