import { onlyMachine, type Placement } from '../../domain/platform/machine.ts'
import type { Caller, Lease, LoadFailure, Revision } from '../../domain/platform/worker.ts'
import type { ColdReason } from '../../domain/runs/start-kind.ts'
import type { MemoryRequest } from './memory-queue.ts'
import type { ConcurrencyLimit } from './policy/concurrency-limit.ts'
import type { FunctionStatistics } from './policy/function-statistics.ts'
import type { PoolWorker } from './pool-worker.ts'

/** A worker that belongs to a group. */
export interface BoundWorker {
  worker: PoolWorker
  inFlight: number
  calls: number
  /** Clock time (elapsed ms) since which it runs no call. */
  idleSince: number
  /** Clock time of the last report of held memory. */
  heldSince: number
  /** Memory reserved for it; 0 once released. */
  heldBytes: number
  /** Settles when the pause is in force; null: not paused. */
  sleep: Promise<void> | null
  /** Settles when it runs again; null: nobody is resuming it. */
  waking: Promise<void> | null
  /** False after the engine could not pause it. */
  mayPause: boolean
  /** Takes no more calls and ends when its calls in flight have ended. */
  leaving: boolean
}

/** A call that waits for a worker. */
export interface WaitingCall extends PromiseWithResolvers<Lease | LoadFailure> {
  since: number
  revision: Revision
  caller: Caller | undefined
}

/** The workers of one revision and the calls that wait for them. */
export class WorkerGroup implements MemoryRequest {
  /** The newest of equal revisions: minimum, maximum and deadline may differ. */
  revision: Revision
  readonly workers = new Set<BoundWorker>()
  readonly waiters: WaitingCall[] = []
  /** Workers that are being bound or started for the group. */
  provisioning = 0
  /** The part of `provisioning` that is provided whether calls wait or not. */
  provisioningAnyway = 0
  /** The part of `provisioning` that is starting, by machine. */
  #coming = new Map<string, number>()
  /** Consecutive attempts that brought no usable worker. */
  failures = 0
  /** Time of the last failure. */
  failedAt = Number.NEGATIVE_INFINITY
  /** The scheduled retry after a failure; null: nothing is held back. */
  retry: { forCalls: boolean; stop(): void } | null = null
  /** Cancels the next check of calls that were left to busy workers; null: there are none. */
  stopPatience: (() => void) | null = null
  /** Statistics that outlive the group. */
  readonly habits: FunctionStatistics
  readonly workBound: ConcurrencyLimit
  /** Number of workers that run a call. */
  atWork = 0
  /** True when the function has newer code or limits. */
  retired = false
  /** The cold-start reason for workers that leave when their calls have ended. */
  retiredFor: ColdReason = 'new_code'
  /** Workers with room for a call. The one used last is on top, so that the others can expire. */
  #free: BoundWorker[] = []

  constructor(revision: Revision, habits: FunctionStatistics, workBound: ConcurrencyLimit) {
    this.revision = revision
    this.habits = habits
    this.workBound = workBound
  }

  get projectId(): string {
    return this.revision.projectId
  }

  /** Memory of one of its workers, in bytes. */
  get bytes(): number {
    return this.revision.memoryBytes
  }

  get placement(): Placement {
    return this.revision.placement
  }

  /** Its workers on a machine, and those on their way there. */
  likeAt = (machine: string): number => {
    let count = this.#coming.get(machine) ?? 0
    for (const { worker } of this.workers) if ((worker.machine ?? onlyMachine) === machine) count++
    return count
  }

  /** One more, or one fewer, is on its way there. */
  countComing(machine: string, change: 1 | -1): void {
    const coming = (this.#coming.get(machine) ?? 0) + change
    if (coming > 0) this.#coming.set(machine, coming)
    else this.#coming.delete(machine)
  }

  /** When its oldest call began to wait; infinite: none waits. */
  get since(): number {
    return this.waiters[0]?.since ?? Number.POSITIVE_INFINITY
  }

  get hasNothing(): boolean {
    return this.waiters.length > 0 && this.workers.size + this.provisioning === 0
  }

  get isEmpty(): boolean {
    return this.workers.size === 0 && this.waiters.length === 0 && this.provisioning === 0
  }

  /** Number of workers that can serve. */
  get serving(): number {
    let count = 0
    for (const bound of this.workers) if (!bound.leaving && !bound.worker.isEnding) count++
    return count
  }

  /** Number of calls that its workers run. */
  get running(): number {
    let count = 0
    for (const bound of this.workers) count += bound.inFlight
    return count
  }

  /** True when the work bound may hold waiting calls back: they are served when a worker comes free, and checked each second. */
  get hasHeldBack(): boolean {
    return this.waiters.length > 0 && this.workBound.most !== Number.POSITIVE_INFINITY
  }

  /** How many more workers the function's maximum allows. */
  get room(): number {
    return (this.revision.maxWorkers ?? Number.POSITIVE_INFINITY) - this.workers.size - this.provisioning
  }

  /**
   * Takes a worker with room and counts one more call on it; undefined when there is none, or when the work bound is reached. A
   * worker that has just died is skipped.
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

  /** Ends a call of this worker. */
  release(bound: BoundWorker): void {
    if (--bound.inFlight === 0) this.atWork--
    if (bound.leaving || bound.worker.isEnding || bound.inFlight !== this.revision.concurrency - 1) return
    this.#free.push(bound)
  }

  /** No further call is assigned to this worker. */
  leave(bound: BoundWorker): void {
    bound.leaving = true
    const at = this.#free.indexOf(bound)
    if (at >= 0) this.#free.splice(at, 1)
  }

  /** Idle workers, the one unused for longest first. */
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
