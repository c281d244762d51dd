import type { Revision } from '../../../domain/worker.ts'
import { Arrivals, type Outlook } from './arrivals.ts'
import { worthKeeping } from './pool-policy.ts'

/** Weight of the newest of what is averaged. */
const newest = 0.2

/** What is known of a function version beyond the life of its workers: when it is called, how long it runs, what a start costs. */
export class Habits<Called extends Pick<Revision, 'concurrency' | 'memoryBytes'> = Revision> {
  /** The newest that was asked for. */
  revision: Called
  readonly arrivals: Arrivals
  /** Mean cost of a start that was not warm, in ms: what an eviction would cost again. */
  coldMs = 300
  /** Mean time of a call; 0: none has ended. */
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

  worthOf(outlook: Outlook): number {
    return worthKeeping(outlook.perMs, this.coldMs, this.revision.memoryBytes)
  }
}
