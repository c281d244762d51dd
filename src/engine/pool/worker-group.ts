import type { ColdReason } from '../../domain/start-kind.ts'
import type { Caller, Lease, LoadFailure, Revision } from '../../domain/worker.ts'
import type { InLine } from './memory-line.ts'
import type { Habits } from './policy/habits.ts'
import type { WorkBound } from './policy/work-bound.ts'
import type { PoolWorker } from './pool-worker.ts'

/** A worker that belongs to a group. */
export interface BoundWorker {
  worker: PoolWorker
  inFlight: number
  calls: number
  /** Clock time (elapsed ms) since when nothing runs in it. */
  idleSince: number
  /** Until when it was told of how long it held its memory. */
  heldSince: number
  /** Memory that is reserved for it; 0 once given back. */
  heldBytes: number
  /** Settles when the pause is in force; null: it is not paused. */
  sleep: Promise<void> | null
  /** Settles when it runs again; null: nobody wakes it. */
  waking: Promise<void> | null
  /** False when the engine could not pause it. */
  mayPause: boolean
  /** Takes no more calls; goes when those in flight have ended. */
  leaving: boolean
}

/** A call that waits for a worker. */
export interface WaitingCall extends PromiseWithResolvers<Lease | LoadFailure> {
  since: number
  revision: Revision
  caller: Caller | undefined
}

/** The workers of one revision, and the calls that wait for one. */
export class WorkerGroup implements InLine {
  /** The newest of the equal ones: bounds and deadline may differ. */
  revision: Revision
  readonly workers = new Set<BoundWorker>()
  readonly waiters: WaitingCall[] = []
  /** Workers being bound or started for it. */
  provisioning = 0
  /** Those of them that come whether calls wait or not. */
  provisioningAnyway = 0
  /** Tries in a row that brought no worker which could serve a call. */
  failures = 0
  /** When the last of them failed. */
  failedAt = Number.NEGATIVE_INFINITY
  /** The next try, when the last one failed; null: nothing holds it back. */
  retry: { forCalls: boolean; stop(): void } | null = null
  /** The next look at calls that were left to busy workers; null: there are none. */
  stopPatience: (() => void) | null = null
  /** Outlives the group. */
  readonly habits: Habits
  readonly workBound: WorkBound
  /** Workers that run a call. */
  atWork = 0
  /** Its function has newer code or limits. */
  retired = false
  /** Why, for those that leave when their calls have ended. */
  retiredFor: ColdReason = 'new_code'
  /** Workers with room for a call; the one used last is on top, so that the others can grow old. */
  #free: BoundWorker[] = []

  constructor(revision: Revision, habits: Habits, workBound: WorkBound) {
    this.revision = revision
    this.habits = habits
    this.workBound = workBound
  }

  get projectId(): string {
    return this.revision.projectId
  }

  /** Memory of one of its workers. */
  get bytes(): number {
    return this.revision.memoryBytes
  }

  /** Since when its oldest call waits; infinite: none does. */
  get since(): number {
    return this.waiters[0]?.since ?? Number.POSITIVE_INFINITY
  }

  get hasNothing(): boolean {
    return this.waiters.length > 0 && this.workers.size + this.provisioning === 0
  }

  get isEmpty(): boolean {
    return this.workers.size === 0 && this.waiters.length === 0 && this.provisioning === 0
  }

  /** Workers that can serve. */
  get serving(): number {
    let count = 0
    for (const bound of this.workers) if (!bound.leaving && !bound.worker.isEnding) count++
    return count
  }

  /** Calls that its workers run. */
  get running(): number {
    let count = 0
    for (const bound of this.workers) count += bound.inFlight
    return count
  }

  /** Calls wait, and a worker that is there may be theirs: they are served when one comes free, and looked at each second. */
  get hasHeldBack(): boolean {
    return this.waiters.length > 0 && this.workBound.most !== Number.POSITIVE_INFINITY
  }

  /** How many more workers its function's bound allows. */
  get room(): number {
    return (this.revision.maxWorkers ?? Number.POSITIVE_INFINITY) - this.workers.size - this.provisioning
  }

  /**
   * A worker with room, that counts one call more; undefined when there is none, or as many are at work as may be. One that has
   * just died is passed over.
   */
  take(now: number): BoundWorker | undefined {
    let bound = this.#free[this.#free.length - 1]
    while (bound?.worker.isEnding) {
      this.#free.pop()
      bound = this.#free[this.#free.length - 1]
    }
    if (bound === undefined) return undefined
    if (bound.inFlight === 0 && !this.workBound.admits(this.atWork, this.since, now)) return undefined
    this.failures = 0
    if (bound.inFlight++ === 0) this.atWork++
    bound.calls++
    if (bound.inFlight >= this.revision.concurrency) this.#free.pop()
    return bound
  }

  add(worker: PoolWorker, idleSince: number): BoundWorker {
    const bound: BoundWorker = {
      ...{ worker, inFlight: 0, calls: 0, idleSince, heldSince: idleSince, heldBytes: this.bytes, leaving: false },
      ...{ sleep: null, waking: null, mayPause: true },
    }
    this.workers.add(bound)
    this.#free.push(bound)
    return bound
  }

  /** A call of this worker has ended. */
  giveBack(bound: BoundWorker): void {
    if (--bound.inFlight === 0) this.atWork--
    if (bound.leaving || bound.worker.isEnding || bound.inFlight !== this.revision.concurrency - 1) return
    this.#free.push(bound)
  }

  /** No call is given to it from now on. */
  leave(bound: BoundWorker): void {
    bound.leaving = true
    const at = this.#free.indexOf(bound)
    if (at >= 0) this.#free.splice(at, 1)
  }

  /** Those that could go now, the one unused for longest first. */
  idle(): BoundWorker[] {
    return this.#free.filter((bound) => bound.inFlight === 0 && !bound.worker.isEnding)
  }

  stopRetry(): void {
    this.retry?.stop()
    this.retry = null
  }

  stopTimers(): void {
    this.stopRetry()
    this.stopPatience?.()
    this.stopPatience = null
  }
}
