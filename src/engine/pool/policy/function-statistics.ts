import type { Revision } from '../../../domain/platform/worker.ts'
import { Arrivals, type Forecast } from './arrivals.ts'
import { isWorthWarming, retentionValue } from './pool-policy.ts'

/** A worker that is started ahead is ready this long before its call. */
const leadMs = 2000
const shortestPauseMs = 1000

/** Weight of the newest value in a moving average. */
const newest = 0.2

/** Statistics of a function version that outlive its workers: arrivals, run time and cost of a start. */
export class FunctionStatistics<Called extends Pick<Revision, 'concurrency' | 'memoryBytes'> = Revision> {
  /** The newest revision that was called. */
  revision: Called
  readonly arrivals: Arrivals
  /** Mean cost of a start that was not warm, in ms: what an eviction would cost again. */
  coldMs = 300
  /** Mean run time of a call; 0: none has ended. */
  runMs = 0

  constructor(revision: Called) {
    this.revision = revision
    this.arrivals = new Arrivals(revision.concurrency)
  }

  noteCold(ms: number): void {
    this.coldMs += (ms - this.coldMs) * newest
  }

  noteRun(ms: number): void {
    this.runMs = this.runMs === 0 ? ms : this.runMs + (ms - this.runMs) * newest
  }

  /** The outlook of an idle worker that is used when `more` further calls run at once; the worker used last serves the first. */
  outlookOfIdle(more: number, nowMs: number): Forecast {
    return this.arrivals.outlook(this.arrivals.level + more, nowMs)
  }

  /** See `retentionValue`. */
  worthOf(outlook: Forecast): number {
    return retentionValue(outlook.perMs, this.coldMs, this.revision.memoryBytes)
  }

  /**
   * Whether to start the first worker now although nobody calls: null means yes, else the time until the next check. `price`: the
   * worth of the workers that would be evicted; see `evictionCost`.
   */
  pauseBeforeWarming(nowMs: number, price: () => number): number | null {
    const outlook = this.arrivals.outlook(1, nowMs + this.coldMs + leadMs)
    if (outlook.earlyMs > 0) return Math.max(shortestPauseMs, outlook.earlyMs)
    const view = { probability: outlook.probability, savedMs: this.coldMs, worth: this.worthOf(outlook) }
    return isWorthWarming({ ...view, price: price() }) ? null : Math.max(shortestPauseMs, outlook.holdsMs)
  }
}
