import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Log } from '../../domain/runs/log.ts'
import type { BackgroundCpu } from './background-cpu.ts'
import type { Calls } from './calls.ts'
import type { Groups } from './groups.ts'
import type { MemoryQueue } from './memory-queue.ts'
import { retryPauseMs } from './policy/pool-policy.ts'
import { loadFailure, type Provider, type Provision } from './provider.ts'
import { startFailed } from './refusals.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'
import type { WorkerRemovals } from './worker-removals.ts'

export interface WorkerScalingParts {
  clock: Clock
  log: Log
  groups: Groups
  line: MemoryQueue
  departures: WorkerRemovals
  leftRunning: BackgroundCpu
  provider: Provider
  calls: Calls
}

/** A failed start is retried once before the waiting calls are refused. */
const triesPerStart = 2

/** Keeps each group at the number of workers that its calls and its minimum need, from their start to their end. */
export class WorkerScaling {
  #parts: WorkerScalingParts
  #providing = new Set<Promise<void>>()
  #closed = false

  constructor(parts: WorkerScalingParts) {
    this.#parts = parts
  }

  /** Provides the workers that the group needs now; after a failure, only once the pause is over. */
  provideFor(group: WorkerGroup): void {
    if (this.#closed || this.#isPausing(group)) return
    for (let n = this.#parts.provider.wanted(group); n > 0; n--) this.provide(group)
    this.#lookAtBusyLater(group)
  }

  /**
   * Provides one more worker. `anyway`: whether a call waits for it or not. When there is no memory for it, the group enters the
   * memory queue.
   */
  provide(group: WorkerGroup, anyway = false): void {
    const providing = this.#provide(group, anyway).finally(() => this.#providing.delete(providing))
    this.#providing.add(providing)
  }

  /** Calls that the work bound held back may have waited long enough. */
  lookAtHeldBack(group: WorkerGroup): void {
    if (!group.hasHeldBack) return
    this.#parts.calls.serve(group, null)
    this.provideFor(group)
  }

  /** Stops providing. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true
    for (const group of this.#parts.groups.all()) group.stopTimers()
    const noneGeneric = this.#parts.provider.close()
    while (this.#providing.size > 0) await Promise.all(this.#providing)
    await noneGeneric
  }

  async #provide(group: WorkerGroup, anyway: boolean): Promise<void> {
    const { clock, groups, line, provider } = this.#parts
    const from = clock.elapsed()
    const place = provider.takePlace(group, anyway)
    try {
      const got = await provider.provide(group, place)
      place.leave()
      if (got !== null && got !== 'no_memory') this.#join(group, got)
    } catch (error) {
      place.leave()
      this.#failed(group, from, error)
    }
    if (!line.has(group)) this.provideFor(group)
    groups.removeIfEmpty(group)
  }

  #join(group: WorkerGroup, provision: Provision): void {
    const { clock, departures, calls } = this.#parts
    const { worker, tookMs } = provision
    const failure = loadFailure(provision)
    if (failure !== null) {
      departures.end(worker, group.bytes, group.projectId)
      calls.answerAll(group, failure)
      return this.#notLoaded(group)
    }
    group.habits.noteCold(tookMs)
    const bound = group.add(worker, clock.elapsed())
    this.#parts.leftRunning.begin(group, bound)
    void worker.gone.then(() => this.#gone(group, bound))
    calls.serve(group, provision)
    if (bound.inFlight === 0 && (group.retired || this.#closed)) departures.leave(group, bound, group.retiredFor)
  }

  #gone(group: WorkerGroup, bound: BoundWorker): void {
    const { clock, groups, departures } = this.#parts
    const hasDied = !bound.leaving
    if (hasDied) departures.noteLeaving(group, bound, 'worker_died')
    group.workers.delete(bound)
    void this.#parts.leftRunning.end(group, bound)
    departures.releaseMemory(group, bound)
    if (hasDied && bound.calls === 0) this.#failed(group, clock.elapsed(), diedIdle(bound))
    this.provideFor(group)
    groups.removeIfEmpty(group)
  }

  /** Retries after a pause. Starts that began before the last failure count as the same failure. */
  #failed(group: WorkerGroup, from: number, error: unknown): void {
    const { log, clock, calls } = this.#parts
    const { functionId, image } = group.revision
    log.error({ err: error, function: functionId, image }, 'a worker did not start')
    if (from >= group.failedAt) group.failures++
    group.failedAt = clock.elapsed()
    const isLost = group.failures >= triesPerStart && group.serving + group.provisioning === 0
    if (isLost) calls.refuse(group, startFailed(error))
    this.#retryLater(group)
  }

  /** A minimum alone retries code that could not be loaded only after a pause; the pause grows. */
  #notLoaded(group: WorkerGroup): void {
    if (this.#parts.groups.minimum(group) === 0) return
    group.failures++
    this.#retryLater(group)
  }

  /** Whether starts are held back. Work ahead pauses alone; a call that comes meanwhile starts a worker at once. */
  #isPausing(group: WorkerGroup): boolean {
    if (group.retry === null) return false
    if (group.retry.forCalls || group.waiters.length === 0) return true
    group.stopRetry()
    group.failures = 0
    return false
  }

  #retryLater(group: WorkerGroup): void {
    if (this.#closed || group.retry !== null) return
    const forCalls = group.waiters.length > 0
    const stop = this.#parts.clock.after(retryPauseMs(group.failures, forCalls), () => {
      group.retry = null
      this.provideFor(group)
      this.#parts.groups.removeIfEmpty(group)
    })
    group.retry = { forCalls, stop }
  }

  /** Calls that were left to busy workers are checked again after the time that a start would have taken. */
  #lookAtBusyLater(group: WorkerGroup): void {
    const { clock, provider } = this.#parts
    if (group.stopPatience !== null || group.waiters.length === 0 || provider.servedByBusy(group) === 0) return
    group.stopPatience = clock.after(provider.startMs(group), () => {
      group.stopPatience = null
      this.provideFor(group)
    })
  }
}

const diedIdle = ({ worker }: BoundWorker): FaasError =>
  new FaasError('engine_failed', `Worker ${worker.name} ended before it served a call.`)
