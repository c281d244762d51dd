/**
 * Limits how many of a function's workers run calls at once. More busy workers than the processors can run only wait for each
 * other, serve nobody sooner, and delay the workers of others.
 */

export interface ConcurrencyView {
  /** Limit in force; infinite: none. */
  most: number
  /** Most workers at work during the window. */
  atWork: number
  /** Share of the calls' run time in which their workers were ready to run but had no processor. */
  stalledShare: number
  /** Consecutive windows, including this one, with little stalling. */
  calm: number
  /** Number of the function's workers that can run at the same time. */
  processors: number
}

/** Workers for each processor: one runs while the response of the other is on its way. */
const perProcessor = 2
/** Stalled share that lowers the limit: at one half, pure computation has twice as many workers as processors. */
const tooMuch = 0.5
const little = 0.2
/** Short windows say little: a single one is often calm in the middle of a flood. */
const calmEnough = 3

/** The limit from now on. Calls that wait for I/O are not held back: they stall little, whatever their number. */
export function nextLimit({ most, atWork, stalledShare, calm, processors }: ConcurrencyView): number {
  const least = Math.ceil(perProcessor * processors)
  if (stalledShare > tooMuch && atWork > least) return Math.max(least, Math.ceil(Math.min(most, atWork) / 2))
  return calm >= calmEnough ? most * 2 : most
}

/** Length of a window. */
const windowMs = 200
/** A call that has waited this long is no longer held back: long calls share the processors, as programs do. */
const patienceMs = 5000

/** The limit for one function's workers, learned from how its calls went. */
export class ConcurrencyLimit {
  most = Number.POSITIVE_INFINITY
  #processors: number
  #since = Number.NEGATIVE_INFINITY
  #runMs = 0
  #stalledMs = 0
  #wasSaid = false
  #atWork = 0
  #calm = 0

  /**
   * `processors`: number that workers run on. `capMillicpu`: CPU cap of one worker; null: none. Time throttled by the cap also
   * counts as stalled, so more workers may be at work before the limit reacts.
   */
  constructor(processors: number, capMillicpu: number | null = null) {
    this.#processors = processors / Math.min(1, (capMillicpu ?? 1000) / 1000)
  }

  /** Whether one more worker may begin a call. `waitsSince`: start of the oldest call's wait. */
  admits(atWork: number, waitsSince: number, now: number): boolean {
    return atWork < this.most || this.isOverdue(waitsSince, now)
  }

  /** Whether the oldest call has waited long enough to be admitted despite the limit. */
  isOverdue(waitsSince: number, now: number): boolean {
    return now - waitsSince > patienceMs
  }

  /** Notes the end of a call. `stalledMs`: time without a processor since the worker's last report; undefined: not reported. */
  noteEnd(now: number, runMs: number, stalledMs: number | undefined, atWork: number): void {
    if (stalledMs !== undefined) {
      this.#wasSaid = true
      this.#stalledMs += stalledMs
    }
    this.#runMs += runMs
    if (atWork > this.#atWork) this.#atWork = atWork
    if (now - this.#since >= windowMs) this.#look(now)
  }

  #look(now: number): void {
    if (this.#wasSaid) this.#learn(this.#stalledMs / this.#runMs)
    this.#since = now
    this.#runMs = 0
    this.#stalledMs = 0
    this.#wasSaid = false
    this.#atWork = 0
  }

  #learn(stalledShare: number): void {
    this.#calm = stalledShare < little ? this.#calm + 1 : 0
    const { most } = this
    this.most = nextLimit({ most, atWork: this.#atWork, stalledShare, calm: this.#calm, processors: this.#processors })
    if (this.most > most) this.#calm = 0
  }
}
