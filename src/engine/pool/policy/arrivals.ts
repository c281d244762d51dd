/**
 * What is known of a function's calls, and what that says of the next one. Pure: the time is passed in, in ms of one clock.
 *
 * A worker is not kept for a function but for a *level*: the k-th worker of a function is used whenever k calls run at
 * once, so the time between two such moments is its idle gap. Each level has a histogram of its gaps (levels far up share
 * one), about 300 bytes; the first also knows whether the calls come regularly.
 */

/** How soon the next call of a level is expected. */
export interface Forecast {
  /** Calls saved per ms of waiting, at the best moment to stop waiting: the value of keeping the level. */
  perMs: number
  /** Probability that a call comes until that moment. */
  probability: number
  /** Time until that moment. */
  withinMs: number
  /** Time until a worker becomes useful: one that is started after it serves as well. */
  earlyMs: number
  /** After this time without a call, the outlook may differ. */
  holdsMs: number
}

const secondMs = 1000
/** Gaps below a second share one bin: memory is not freed for so short a time. Above, bins get wider with the gap. */
const binsPerOctave = 3
const octaves = 20
const bins = 1 + binsPerOctave * octaves
const binEndsMs = Float64Array.from({ length: bins }, (_, bin) => secondMs * 2 ** (bin / binsPerOctave))

/**
 * Gaps that are both older than about a day and further back than this are forgotten: a rare function keeps its few, a
 * busy one learns what a night is.
 */
const rememberedGaps = 64
const rememberedMs = 24 * 3600 * secondMs
/**
 * The prior: before any gap was seen, as if `assumedGaps` gaps of `assumedGapMs` had been. After any silence, the same
 * time again is as likely as not. The prior stays beside what is seen, so that a busy function that falls silent is given
 * up soon.
 */
const assumedGaps = 1
const assumedGapMs = 600 * secondMs

/** It is too early for a worker while the call rate is below this share of its later value. */
const atOnceShare = 0.85

const binOf = (gapMs: number): number =>
  gapMs <= secondMs ? 0 : Math.min(bins - 1, Math.ceil(Math.log2(gapMs / secondMs) * binsPerOctave))

/** The gaps of a level; newer gaps weigh more. */
class Gaps {
  #counts = new Float32Array(bins)
  #total = 0
  #logSum = 0
  /** Weight of the next gap. It grows, which saves shrinking all others. */
  #weight = 1

  note(gapMs: number): void {
    this.#weight *= 1 + Math.min(1 / rememberedGaps, gapMs / rememberedMs)
    if (this.#weight > 1e6) this.#rescale()
    const bin = binOf(gapMs)
    this.#counts[bin] = (this.#counts[bin] as number) + this.#weight
    this.#total += this.#weight
    this.#logSum += this.#weight * bin
  }

  /** The outlook from observed and assumed gaps after `ageMs` without a call. */
  outlook(ageMs: number): Forecast {
    const assumed = assumedGaps * this.#weight
    const scaleMs = this.#typicalMs(assumed)
    let bin = binOf(ageMs)
    let from = ageMs
    let still = assumed * (scaleMs / (scaleMs + ageMs)) + this.#beyond(bin, ageMs)
    const all = still
    let hits = 0
    let exposure = 0
    const best: Forecast = { perMs: 0, probability: 0, withinMs: 0, earlyMs: 0, holdsMs: 0 }
    let atOncePerMs = 0
    for (; bin < bins; bin++) {
      const until = binEndsMs[bin] as number
      if (until <= from) continue
      const assumedHits = (assumed * scaleMs * (until - from)) / ((scaleMs + from) * (scaleMs + until))
      const now = this.#within(bin, from, until) + assumedHits
      exposure += (still - now / 2) * (until - from)
      hits += now
      still -= now
      if (best.holdsMs === 0) {
        best.holdsMs = until - from
        atOncePerMs = hits / exposure
      }
      if (hits > best.perMs * exposure) {
        best.perMs = hits / exposure
        best.probability = hits / all
        best.withinMs = until - ageMs
      }
      from = until
      // Even if all remaining gaps ended now, waiting longer would not pay.
      if (hits + still < best.perMs * exposure) break
    }
    if (atOncePerMs < best.perMs * atOnceShare) best.earlyMs = best.holdsMs
    return best
  }

  /** Geometric mean of the gaps, including the assumed ones. */
  #typicalMs(assumed: number): number {
    const bin = (this.#logSum + assumed * binOf(assumedGapMs)) / (this.#total + assumed)
    return secondMs * 2 ** ((bin - 0.5) / binsPerOctave)
  }

  /** Weight of the gaps longer than `ageMs`, which lies in `bin`. */
  #beyond(bin: number, ageMs: number): number {
    let sum = this.#within(bin, ageMs, binEndsMs[bin] as number)
    for (let n = bin + 1; n < bins; n++) sum += this.#counts[n] as number
    return sum
  }

  #within(bin: number, from: number, until: number): number {
    const begin = bin === 0 ? 0 : (binEndsMs[bin - 1] as number)
    const share = (until - from) / ((binEndsMs[bin] as number) - begin)
    return (this.#counts[bin] as number) * Math.max(0, Math.min(1, share))
  }

  #rescale(): void {
    for (let bin = 0; bin < bins; bin++) this.#counts[bin] = (this.#counts[bin] as number) / this.#weight
    this.#total /= this.#weight
    this.#logSum /= this.#weight
    this.#weight = 1
  }
}

/** Calls within this time count as one arrival: a timer may call several times at once. */
const oneArrivalMs = 2 * secondMs
const remembered = 8
/** Calls are regular when at least this number and this share of the last intervals are nearly the same. */
const fewestIntervals = 3
const regularShare = 0.75
/** Allowed deviation of regular calls. */
const unevenness = (periodMs: number): number => Math.max(1.5 * secondMs, periodMs * 0.02)

/** The time range in which the next regular call comes, and its probability. */
export interface Due {
  fromMs: number
  untilMs: number
  probability: number
}

/** The last intervals between arrivals, which show whether calls are regular. */
class Rhythm {
  #intervals = new Float64Array(remembered)
  #count = 0
  #lastAt = Number.NEGATIVE_INFINITY
  /** Computed on demand, not with every call. */
  #isKnown = true
  /** Null: the calls are not regular. */
  #periodMs: number | null = null
  #probability = 0

  note(nowMs: number): void {
    const interval = nowMs - this.#lastAt
    if (interval < oneArrivalMs) return
    this.#lastAt = nowMs
    if (interval === Number.POSITIVE_INFINITY) return
    this.#intervals[this.#count++ % remembered] = interval
    this.#isKnown = false
  }

  /** When the next regular call is due; null when calls are not regular, or when the expected call did not come. */
  due(nowMs: number): Due | null {
    if (!this.#isKnown) this.#find()
    const periodMs = this.#periodMs
    if (periodMs === null) return null
    const spare = unevenness(periodMs)
    // One missed call is tolerated: the one after it is as likely as not.
    for (let turn = 1; turn <= 2; turn++) {
      const at = this.#lastAt + turn * periodMs
      if (nowMs > at + spare) continue
      return { fromMs: at - spare, untilMs: at + spare, probability: this.#probability / turn }
    }
    return null
  }

  #find(): void {
    this.#isKnown = true
    if (this.#count < fewestIntervals) return
    const known = this.#intervals.slice(0, Math.min(this.#count, remembered)).sort()
    const median = known[known.length >> 1] as number
    const spare = unevenness(median)
    const same = known.filter((interval) => Math.abs(interval - median) <= spare)
    this.#probability = same.length / known.length
    const mean = same.reduce((sum, interval) => sum + interval, 0) / same.length
    this.#periodMs = this.#probability >= regularShare ? mean : null
  }
}

/** How late an expected call may be. */
const expectedSpareMs = 5 * secondMs
/** Number of levels with times of their own; higher levels count as the last. */
export const levelsKnown = 32
/** 1, 2, 3–4, 5–8, 9–16, 17–32. */
const classOf = (level: number): number => (level <= 1 ? 0 : 32 - Math.clz32(level - 1))

/** The arrivals of one function version's calls. */
export class Arrivals {
  /** Calls that run or wait. */
  #running = 0
  /** Number of calls that share a worker. */
  #perWorker: number
  #gaps: (Gaps | undefined)[] = []
  /** For each level, the time since which no call needs its worker. */
  #leftAt: number[] = []
  #rhythm = new Rhythm()
  #expectedAt = Number.NEGATIVE_INFINITY

  constructor(perWorker = 1) {
    this.#perWorker = perWorker
  }

  /** Number of workers that the current calls need. */
  get level(): number {
    return Math.ceil(this.#running / this.#perWorker)
  }

  /** Notes a call, whether there is a worker for it or not. */
  began(nowMs: number): void {
    const before = this.#running++
    if (before % this.#perWorker !== 0) return
    const level = before / this.#perWorker + 1
    if (level === 1) this.#rhythm.note(nowMs)
    const leftAt = this.#leftAt[level]
    if (leftAt === undefined) return
    const at = classOf(level)
    let gaps = this.#gaps[at]
    if (gaps === undefined) {
      gaps = new Gaps()
      this.#gaps[at] = gaps
    }
    gaps.note(nowMs - leftAt)
  }

  ended(nowMs: number): void {
    if (this.#running === 0) return
    const level = this.#running-- / this.#perWorker
    if (this.#running % this.#perWorker === 0 && level <= levelsKnown) this.#leftAt[Math.ceil(level)] = nowMs
  }

  /** The outlook of the worker that is used when `level` calls run at once; a busy worker counts as if it were idle. */
  outlook(level: number, nowMs: number): Forecast {
    const leftAt = level <= this.level ? nowMs : (this.#leftAt[Math.min(level, levelsKnown)] ?? nowMs)
    const ageMs = nowMs - leftAt
    const due = level === 1 ? this.due(nowMs) : null
    const gaps = this.#gaps[classOf(Math.min(level, levelsKnown))] ?? unknown
    return due === null ? gaps.outlook(ageMs) : regular(due, nowMs)
  }

  /** When the next call is due, if it was announced or calls are regular. */
  due(nowMs: number): Due | null {
    const untilMs = this.#expectedAt + expectedSpareMs
    if (nowMs > untilMs) return this.#rhythm.due(nowMs)
    return { fromMs: this.#expectedAt, untilMs, probability: 1 }
  }

  /** Announces a call at a known time. */
  expect(atMs: number): void {
    this.#expectedAt = atMs
  }
}

const unknown = new Gaps()

/** No call comes before its time; from then on it may come at any moment. */
function regular({ fromMs, untilMs, probability }: Due, nowMs: number): Forecast {
  const awayMs = Math.max(0, (fromMs + untilMs) / 2 - nowMs, (untilMs - nowMs) / 2)
  const holdsMs = fromMs > nowMs ? (fromMs - nowMs) / 20 : untilMs - nowMs
  const earlyMs = Math.max(0, fromMs - nowMs)
  return { perMs: probability / Math.max(1, awayMs), probability, withinMs: untilMs - nowMs, earlyMs, holdsMs }
}
