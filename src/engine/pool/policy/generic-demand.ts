import { Arrivals, levelsKnown } from './arrivals.ts'

/**
 * What is known of how the generic workers of a shape are taken. Pure: the time is passed in, in ms of one clock.
 *
 * The n-th of them is taken when n are within the time that one refill takes, as the n-th worker of a function is used when
 * n calls run at once. So takes are arrivals that run for as long as a refill.
 */
export class GenericDemand {
  #takes = new Arrivals()
  /** When the workers taken last are replaced. */
  #replacedAt: number[] = []
  /** Most that were ever taken within one refill, of those that are told apart: nobody has missed one more. */
  #most = 0

  /** One was taken for a call, or would have been if it had been there. */
  note(nowMs: number, refillMs: number): void {
    this.#replace(nowMs)
    this.#takes.began(nowMs)
    this.#replacedAt.push(nowMs + refillMs)
    this.#most = Math.max(this.#most, Math.min(levelsKnown, this.#takes.level))
  }

  /** Takes expected per ms of the first, the second and so on: of none more than of those before it, beyond the last none. */
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
