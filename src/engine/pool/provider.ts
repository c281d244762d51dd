import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { ColdReason, StartKind } from '../../domain/execution.ts'
import type { Log } from '../../domain/log.ts'
import type { Endings } from './endings.ts'
import type { GenericWorkers } from './generic-workers.ts'
import { coldReason, servedByBusy, workersWanted } from './policy/pool-policy.ts'
import type { PoolGroups } from './pool-groups.ts'
import type { PoolMemory } from './pool-memory.ts'
import type { Bound, PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import type { Starts } from './starts.ts'
import type { WorkerGroup } from './worker-group.ts'

export interface ProviderParts {
  factory: WorkerFactory
  starts: Starts
  clock: Clock
  log: Log
  groups: PoolGroups
  generic: GenericWorkers
  memory: PoolMemory
  endings: Endings
  /** Whether a function version ran in an earlier process. */
  ranBefore(functionId: string, version: number): boolean
  /** A worker is there for the group, or its code could not be loaded. Its memory is reserved. */
  join(group: WorkerGroup, provision: Provision): void
  /** No worker comes: the calls that wait are told. */
  refuse(group: WorkerGroup, error: unknown): void
}

interface Started {
  worker: PoolWorker
  startKind: StartKind
  bound: Bound
}

/** How a worker came to a group. */
export interface Provision extends Started {
  reason: ColdReason
  /** From the decision to the bound worker. */
  tookMs: number
}

/** Of a worker on its way, among those that its group counts. */
interface Place {
  leave(): void
  /** Leaves if the worker is not needed any more; true when it is not. */
  giveUp(): boolean
}

/** A start that fails is tried once more before the calls that wait hear of it. */
const triesPerStart = 2
const callPauseMs = 200
const longestCallPauseMs = 5000
/** Nobody waits: what keeps failing is tried ever more rarely. */
const longestPauseMs = 60_000

/** Brings workers to the groups that want some: generic ones bound now, else started. */
export class Provider {
  #parts: ProviderParts
  #providing = new Set<Promise<void>>()
  #closed = false

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  /** As many as its calls and its minimum want. After a failure, when the pause is over. */
  provideFor(group: WorkerGroup): void {
    if (this.#closed || this.#isPausing(group)) return
    for (let n = this.#wanted(group, group.provisioning); n > 0; n--) this.provide(group)
    this.#lookAgainLater(group)
  }

  /** One more worker for the group; `anyway`: whether somebody waits for it or not. Without room it is tried again when memory comes free. */
  provide(group: WorkerGroup, anyway = false): void {
    const providing = this.#provide(group, anyway).finally(() => this.#providing.delete(providing))
    this.#providing.add(providing)
  }

  /** Nothing more comes of it, for now: the next try is after a pause. Those that began before the last failure are one with it. */
  failed(group: WorkerGroup, from: number, error: unknown): void {
    const { log, clock, refuse } = this.#parts
    const { functionId, image } = group.revision
    log.error({ err: error, function: functionId, image }, 'a worker did not start')
    if (from >= group.failedAt) group.failures++
    group.failedAt = clock.elapsed()
    if (group.failures >= triesPerStart && group.serving + group.provisioning === 0) refuse(group, ours(error))
    this.#retryLater(group)
  }

  /** Its code cannot be loaded: for its minimum alone that is not tried again before a pause, which grows. */
  notLoaded(group: WorkerGroup): void {
    if (this.#parts.groups.minimum(group) === 0) return
    group.failures++
    this.#retryLater(group)
  }

  /** Forgets a group of which nothing is left. */
  tidy(group: WorkerGroup): void {
    if (this.#parts.groups.tidy(group)) this.#parts.memory.forget(group)
  }

  /** Provides nothing more. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true
    for (const group of this.#parts.groups.all()) group.stopTimers()
    while (this.#providing.size > 0) await Promise.all(this.#providing)
  }

  async #provide(group: WorkerGroup, anyway: boolean): Promise<void> {
    const { clock, memory, join } = this.#parts
    const from = clock.elapsed()
    const hadWorkers = group.serving + group.provisioning > 0
    const place = this.#takePlace(group, anyway)
    try {
      const got = await this.#startFor(group, place)
      place.leave()
      if (got !== null) {
        const reason = this.#reason(group, hadWorkers, got.startKind)
        join(group, { ...got, reason, tookMs: clock.elapsed() - from })
      }
    } catch (error) {
      place.leave()
      this.failed(group, from, error)
    }
    if (!memory.isStarved(group)) this.provideFor(group)
    this.tidy(group)
  }

  #takePlace(group: WorkerGroup, anyway: boolean): Place {
    let isTaken = true
    const count = (change: number) => {
      group.provisioning += change
      if (anyway) group.provisioningAnyway += change
    }
    count(1)
    const leave = () => {
      if (isTaken) count(-1)
      isTaken = false
    }
    const giveUp = () => {
      if (isTaken && !this.#isSurplus(group, anyway)) return false
      leave()
      return true
    }
    return { leave, giveUp }
  }

  /** How many more the group wants when so many are on their way. */
  #wanted(group: WorkerGroup, provisioning: number): number {
    const { revision, waiters, slots } = group
    const { concurrency, maxWorkers } = revision
    const minWorkers = this.#parts.groups.minimum(group)
    return workersWanted({
      waiting: waiters.length - this.#servedByBusy(group),
      workers: slots.size,
      provisioning,
      concurrency,
      minWorkers,
      maxWorkers,
    })
  }

  /** Calls that are left to workers that come free sooner than one started now would be there. */
  #servedByBusy(group: WorkerGroup): number {
    const [oldest] = group.waiters
    if (oldest === undefined || group.slots.size === 0) return 0
    const waitedMs = this.#parts.clock.elapsed() - oldest.since
    const { running, habits } = group
    const served = servedByBusy({ running, runMs: habits.runMs, startMs: this.#startMs(group), waitedMs })
    return Math.min(served, group.waiters.length)
  }

  /** Until a worker that is decided on now is there. */
  #startMs(group: WorkerGroup): number {
    const { generic } = this.#parts
    if (group.revision.kind !== 'shim') return group.habits.coldMs
    return generic.startMs(generic.shapeOf(group.revision))
  }

  /** What was left to busy workers is looked at again when a start would have been through. */
  #lookAgainLater(group: WorkerGroup): void {
    if (group.stopPatience !== null || group.waiters.length === 0 || this.#servedByBusy(group) === 0) return
    group.stopPatience = this.#parts.clock.after(this.#startMs(group), () => {
      group.stopPatience = null
      this.provideFor(group)
    })
  }

  /** One on its way may have become superfluous: another came free meanwhile. A function's first worker never is. */
  #isSurplus(group: WorkerGroup, anyway: boolean): boolean {
    if (this.#closed) return true
    const others = group.provisioning - group.provisioningAnyway - (anyway ? 0 : 1)
    if (this.#wanted(group, others) > 0) return false
    return group.retired || !(anyway || group.slots.size + others === 0)
  }

  /** A bound worker; null when there is no memory, or nobody needs it any more. */
  async #startFor(group: WorkerGroup, place: Place): Promise<Started | null> {
    const { generic, memory } = this.#parts
    const { revision } = group
    if (revision.kind !== 'shim') return this.#startImage(group, place)
    const shape = generic.shapeOf(revision)
    const ready = generic.take(shape)
    if (ready !== undefined) return this.#bind(group, place, ready, shape, 'prewarmed')
    if (!memory.makeRoom(shape.memoryBytes, group)) return this.#starve(group, place)
    this.#noteTaken(group, shape)
    const started = await generic.start(shape, place.giveUp)
    return started && this.#bind(group, place, started, shape, 'cold')
  }

  /** Once it is sure that there is memory; work ahead says nothing of what calls will take. */
  #noteTaken(group: WorkerGroup, shape: Shape): void {
    if (group.waiters.length > 0) this.#parts.generic.noteTaken(shape)
  }

  #starve(group: WorkerGroup, place: Place): null {
    place.leave()
    this.#parts.memory.starve(group)
    return null
  }

  async #bind(
    group: WorkerGroup,
    place: Place,
    worker: PoolWorker,
    shape: Shape,
    startKind: StartKind,
  ): Promise<Started | null> {
    const { generic, memory, endings } = this.#parts
    const { revision } = group
    if (!memory.makeRoom(revision.memoryBytes - shape.memoryBytes, group)) {
      generic.put(shape, worker)
      return this.#starve(group, place)
    }
    if (startKind === 'prewarmed') this.#noteTaken(group, shape)
    try {
      return { worker, startKind, bound: await worker.bind(revision) }
    } catch (error) {
      memory.giveBack(revision.memoryBytes)
      endings.end(worker)
      throw error
    }
  }

  async #startImage(group: WorkerGroup, place: Place): Promise<Started | null> {
    const { factory, starts, memory } = this.#parts
    const { revision } = group
    if (!memory.makeRoom(revision.memoryBytes, group)) return this.#starve(group, place)
    try {
      const worker = await starts.run('now', async () => (place.giveUp() ? null : factory.startImage(revision)))
      if (worker !== null) return { worker, startKind: 'cold', bound: { loaded: true, loadMs: 0 } }
    } catch (error) {
      memory.giveBack(revision.memoryBytes)
      throw error
    }
    memory.giveBack(revision.memoryBytes)
    return null
  }

  /** Holds back what nobody waits for; a call that comes meanwhile tries at once. */
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
    const pauseMs = forCalls
      ? Math.min(longestCallPauseMs, callPauseMs * group.failures)
      : Math.min(longestPauseMs, callPauseMs * 2 ** group.failures)
    const stop = this.#parts.clock.after(pauseMs, () => {
      group.retry = null
      this.provideFor(group)
      this.tidy(group)
    })
    group.retry = { forCalls, stop }
  }

  #reason(group: WorkerGroup, hasWorkers: boolean, startKind: StartKind): ColdReason {
    const { groups, generic, ranBefore } = this.#parts
    const { functionId, functionVersion, kind } = group.revision
    const keepsGeneric = kind === 'shim' && generic.keeps(generic.shapeOf(group.revision))
    const view = { startKind, hasWorkers, lastLeft: groups.lastLeft(group), keepsGeneric }
    return coldReason({ ...view, ranBefore: ranBefore(functionId, functionVersion) })
  }
}

/** What callers may hear; the rest is in the log. */
const ours = (cause: unknown): FaasError =>
  cause instanceof FaasError ? cause : new FaasError('engine_failed', 'No worker could be started.', { cause })
