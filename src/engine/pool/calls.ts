import type { Clock } from '../../domain/clock.ts'
import type { FaasError } from '../../domain/errors.ts'
import type { Caller, Lease, LoadFailure, Revision } from '../../domain/platform/worker.ts'
import type { Log } from '../../domain/runs/log.ts'
import type { BackgroundCpu } from './background-cpu.ts'
import type { Eviction } from './eviction.ts'
import type { Groups } from './groups.ts'
import type { Memory } from './memory.ts'
import type { MemoryMeter } from './memory-meter.ts'
import type { MemoryQueue } from './memory-queue.ts'
import type { Pauses } from './pauses.ts'
import type { Provision } from './provider.ts'
import { callerDisconnected, neverFits, noWorkerInTime, shuttingDown, tooManyWaiting } from './refusals.ts'
import { type WaitLimits, waitFor } from './waiting.ts'
import type { BoundWorker, WaitingCall, WorkerGroup } from './worker-group.ts'
import type { WorkerRemovals } from './worker-removals.ts'

export interface CallsParts {
  clock: Clock
  log: Log
  groups: Groups
  memory: Memory
  line: MemoryQueue
  room: Eviction
  departures: WorkerRemovals
  pauses: Pauses
  heldTime: MemoryMeter
  leftRunning: BackgroundCpu
  limits: WaitLimits
  engineIsUp(): boolean
  /** Called when a call waits: its group may want another worker. */
  onWait(group: WorkerGroup): void
}

type Ended = Parameters<Lease['release']>[0] & {}

/** A call and the worker that runs it. */
interface Assignment {
  group: WorkerGroup
  bound: BoundWorker
  revision: Revision
  caller: Caller | undefined
  since: number
  /** How the worker was provided, when it was provided for this call; else null. */
  start: Provision | null
}

/** Assigns workers to calls and takes them back. A call that finds no worker waits; the oldest call is served first. */
export class Calls {
  #parts: CallsParts
  #running = 0
  #onQuiet: () => void = () => {}
  #closed = false

  constructor(parts: CallsParts) {
    this.#parts = parts
  }

  /** See `Pool`. */
  acquire(revision: Revision, caller?: Caller): Lease | Promise<Lease | LoadFailure> {
    if (this.#closed) return Promise.reject(shuttingDown())
    const group = this.#parts.groups.of(revision)
    const since = this.#parts.clock.elapsed()
    // Calls that already wait are served first.
    const bound = group.hasHeldBack ? undefined : group.take(since)
    if (bound === undefined) return this.#wait(group, revision, since, caller)
    group.habits.arrivals.began(since)
    if (bound.inFlight === 1) this.#parts.heldTime.note(group, bound, since, false)
    return this.#give({ group, bound, revision, caller, since, start: null })
  }

  /** Assigns the group's free workers to its waiting calls. The first call is charged with the worker's start. */
  serve(group: WorkerGroup, start: Provision | null): void {
    let told = start
    const since = this.#parts.clock.elapsed()
    while (group.waiters.length > 0) {
      const bound = group.take(since)
      if (bound === undefined) return
      if (bound.inFlight === 1) this.#parts.heldTime.note(group, bound, since, false)
      const waiter = group.waiters.shift() as WaitingCall
      waiter.resolve(this.#give({ group, bound, revision: waiter.revision, caller: waiter.caller, since, start: told }))
      told = null
    }
  }

  /** No worker can be provided: the waiting calls are refused. */
  refuse(group: WorkerGroup, error: unknown): void {
    for (const waiter of this.#takeWaiters(group)) waiter.reject(error)
  }

  /** The code cannot be loaded: every waiting call would have got this worker, so all have the same answer. */
  answerAll(group: WorkerGroup, failure: LoadFailure): void {
    for (const waiter of this.#takeWaiters(group)) waiter.resolve(failure)
  }

  /** Refuses the calls that wait and all later ones. */
  close(): void {
    this.#closed = true
    for (const group of this.#parts.groups.all()) this.refuse(group, shuttingDown())
  }

  /** Resolves when no call runs. */
  async untilIdle(): Promise<void> {
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#onQuiet = resolve
      })
    }
  }

  #wait(
    group: WorkerGroup,
    revision: Revision,
    since: number,
    caller: Caller | undefined,
  ): Promise<Lease | LoadFailure> {
    const { clock, groups, limits, engineIsUp, onWait } = this.#parts
    const refusal = this.#refusal(group, revision, caller)
    if (refusal !== null) {
      groups.removeIfEmpty(group)
      return Promise.reject(refusal)
    }
    const { timeoutMs } = limits
    const tooLate = () => noWorkerInTime(timeoutMs, engineIsUp())
    const onGiveUp = () => this.#giveUp(group, waiter)
    const options = { clock, timeoutMs, signal: caller?.signal, tooLate, onGiveUp }
    const waiter: WaitingCall = { since, revision, caller, ...waitFor<Lease | LoadFailure>(options) }
    group.habits.arrivals.began(since)
    group.waiters.push(waiter)
    onWait(group)
    return waiter.promise
  }

  /** The reason why the call may not even wait; null: it may. */
  #refusal(group: WorkerGroup, revision: Revision, caller: Caller | undefined): FaasError | null {
    const never = this.#parts.memory.neverFits(revision.memoryBytes, revision.placement)
    if (never !== null) return neverFits(never, revision.placement)
    if (group.waiters.length >= this.#parts.limits.maxWaiting) return tooManyWaiting(group.waiters.length)
    return caller?.signal.aborted ? callerDisconnected() : null
  }

  /** The next waiting call takes its place in the queue at once. */
  #giveUp(group: WorkerGroup, waiter: WaitingCall): void {
    group.waiters.splice(group.waiters.indexOf(waiter), 1)
    group.habits.arrivals.ended(this.#parts.clock.elapsed())
    this.#parts.groups.removeIfEmpty(group)
    this.#noteIdle()
  }

  #takeWaiters(group: WorkerGroup): WaitingCall[] {
    const waiters = group.waiters.splice(0)
    const now = this.#parts.clock.elapsed()
    for (let n = waiters.length; n > 0; n--) group.habits.arrivals.ended(now)
    return waiters
  }

  #give(assignment: Assignment): Lease | Promise<Lease | LoadFailure> {
    this.#running++
    return assignment.bound.sleep === null ? this.#lease(assignment, 0) : this.#awaken(assignment)
  }

  #lease({ group, bound, revision, start, since }: Assignment, resumeMs: number): Lease {
    return {
      kind: 'lease',
      worker: bound.worker.name,
      startKind: start?.startKind ?? 'warm',
      coldReason: start?.reason ?? null,
      loadMs: start?.bound.loadMs ?? 0,
      resumeMs,
      functions: start?.bound.loaded ? start.bound.functions : undefined,
      call: (call) => bound.worker.call(call, revision.timeoutMs),
      cancel: (executionId, graceMs) => bound.worker.cancel(executionId, graceMs),
      release: (outcome) => this.#release(group, bound, since, outcome),
    }
  }

  /** Resumes the paused worker; when that fails, the call gets another one. */
  async #awaken(assignment: Assignment): Promise<Lease | LoadFailure> {
    const { group, bound, revision, caller } = assignment
    const { clock, log, pauses, departures } = this.#parts
    const from = clock.elapsed()
    try {
      await pauses.wake(bound)
      if (!bound.worker.isEnding) return this.#lease(assignment, clock.elapsed() - from)
    } catch (error) {
      log.warn({ err: error, worker: bound.worker.name }, 'a paused worker could not be resumed')
    }
    departures.leave(group, bound, 'worker_died')
    this.#endCall(group, bound, clock.elapsed())
    return this.acquire(revision, caller)
  }

  #release(group: WorkerGroup, bound: BoundWorker, since: number, outcome: Ended | undefined): void {
    const now = this.#parts.clock.elapsed()
    group.habits.noteRun(now - since)
    this.#parts.leftRunning.noteCall(bound, outcome?.cpuMs)
    group.workBound.noteEnd(now, now - since, outcome?.stalledMs, group.atWork)
    this.#endCall(group, bound, now)
  }

  #endCall(group: WorkerGroup, bound: BoundWorker, now: number): void {
    if (bound.worker.isEnding) this.#parts.departures.leave(group, bound, 'worker_died')
    group.release(bound)
    group.habits.arrivals.ended(now)
    if (bound.inFlight === 0) this.#nowIdle(group, bound, now)
    this.serve(group, null)
    if (--this.#running === 0) this.#onQuiet()
  }

  /** The worker ends if it must, or if another function needs its memory more. */
  #nowIdle(group: WorkerGroup, bound: BoundWorker, now: number): void {
    const { departures, room, heldTime, pauses } = this.#parts
    heldTime.note(group, bound, now, true)
    if (bound.leaving) return departures.endBound(group, bound)
    if (group.retired && group.waiters.length === 0) return departures.leave(group, bound, group.retiredFor)
    bound.idleSince = now
    pauses.nowIdle(bound)
    if (room.shouldYield(group, bound.worker.machine)) return departures.leave(group, bound, 'evicted')
    this.#noteIdle()
  }

  #noteIdle(): void {
    if (!this.#parts.line.isEmpty) this.#parts.memory.noteIdle()
  }
}
