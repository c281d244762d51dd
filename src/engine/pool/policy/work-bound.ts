/**
 * How many of a function's workers are at work at once. More than the processors can run only wait for each other, serve nobody
 * sooner, and hold up everybody else's.
 */

export interface WorkView {
  /** In force; infinite: there is none. */
  most: number
  /** Most workers at work in the time that was looked at. */
  atWork: number
  /** Of the time that the function's calls took, what their workers were ready to run and had no processor. */
  stalledShare: number
  /** Times in a row, with this one, that it was little. */
  calm: number
  /** As many workers of the function as can run at a time. */
  processors: number
}

/** For each processor: one runs while the answer of another is on its way. */
const perProcessor = 2
/** Half of the time without a processor: of pure computation that is twice as many as there are processors. */
const tooMuch = 0.5
const little = 0.2
/** Short windows say little: one alone is often calm in the middle of a flood. */
const calmEnough = 3

/** The bound from now on. Calls that wait for something else are not held back: they stall little, whatever their number. */
export function nextBound({ most, atWork, stalledShare, calm, processors }: WorkView): number {
  const least = Math.ceil(perProcessor * processors)
  if (stalledShare > tooMuch && atWork > least) return Math.max(least, Math.ceil(Math.min(most, atWork) / 2))
  return calm >= calmEnough ? most * 2 : most
}

/** Time over which is looked. */
const windowMs = 200
/** A call that has waited so long is not held back any more: long calls all get a part of the processors, as programs do. */
const patienceMs = 5000

/** The bound of one function's workers, learned from how its calls went. */
export class WorkBound {
  most = Number.POSITIVE_INFINITY
  #processors: number
  #since = Number.NEGATIVE_INFINITY
  #runMs = 0
  #stalledMs = 0
  #wasSaid = false
  #atWork = 0
  #calm = 0

  /**
   * `processors`: that workers run on. `capMillicpu`: what one of the function's may use of them; null: whatever there is. What it
   * may not use is told as a stall, too: so many more are at work before that is a sign of anything.
   */
  constructor(processors: number, capMillicpu: number | null = null) {
    this.#processors = processors / Math.min(1, (capMillicpu ?? 1000) / 1000)
  }

  /** Whether one more worker may begin to work. `waitsSince`: of the oldest call that waits. */
  admits(atWork: number, waitsSince: number, now: number): boolean {
    return atWork < this.most || this.isOverdue(waitsSince, now)
  }

  /** It is let in whatever the number. */
  isOverdue(waitsSince: number, now: number): boolean {
    return now - waitsSince > patienceMs
  }

  /** A call has ended. `stalledMs`: what its worker had no processor for, since it said so last; undefined: it did not say. */
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
    this.most = nextBound({ most, atWork: this.#atWork, stalledShare, calm: this.#calm, processors: this.#processors })
    if (this.most > most) this.#calm = 0
  }
}
