import type { Clock } from '../../domain/clock.ts'
import { onlyMachine } from '../../domain/platform/machine.ts'
import type { LoadFailure } from '../../domain/platform/worker.ts'
import type { ColdReason, StartKind } from '../../domain/runs/start-kind.ts'
import type { Eviction } from './eviction.ts'
import type { OrderedWorker } from './generic-order.ts'
import type { GenericShape } from './generic-shape.ts'
import type { GenericWorkers } from './generic-workers.ts'
import type { Groups } from './groups.ts'
import type { Memory } from './memory.ts'
import { PendingWorker } from './pending-worker.ts'
import { coldReason, servedByBusy, workersWanted } from './policy/pool-policy.ts'
import type { BindResult, PoolWorker, WorkerFactory } from './pool-worker.ts'
import type { ReleasePlace, Starts } from './starts.ts'
import type { WorkerGroup } from './worker-group.ts'
import type { WorkerRemovals } from './worker-removals.ts'

export interface ProviderParts {
  factory: WorkerFactory
  starts: Starts
  clock: Clock
  groups: Groups
  generic: GenericWorkers
  memory: Memory
  room: Eviction
  departures: WorkerRemovals
  /** Whether a function version ran in an earlier process. */
  ranBefore(functionId: string, version: number): boolean
}

interface Started {
  worker: PoolWorker
  startKind: StartKind
  bound: BindResult
}

/** How a worker came to a group. Its memory is reserved. */
export interface Provision extends Started {
  reason: ColdReason
  /** Time from the decision to the bound worker. */
  tookMs: number
}

/** `no_memory`: no memory is free now. Null: nobody needs the worker any more. */
export type Provided = Provision | 'no_memory' | null

/** From the moment when the code is loaded: most first calls take less. A start takes twenty times as long. */
const refillAfterMs = 20
/** From the moment when the worker is taken: code that loads for longer holds up no start. */
const refillAtLatestMs = 200

/** Provides workers for groups: binds a generic worker, or starts one. */
export class Provider {
  #parts: ProviderParts
  #closed = false

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  /** How many more workers the group's calls and minimum need. */
  wanted(group: WorkerGroup): number {
    return this.#closed ? 0 : this.#wanted(group, group.provisioning)
  }

  /** `anyway`: the worker is provided whether a call waits for it or not. */
  takePlace(group: WorkerGroup, anyway: boolean): PendingWorker {
    return new PendingWorker(group, anyway, () => this.#isSurplus(group, anyway))
  }

  /** Waiting calls that busy workers will serve sooner than a new worker could. */
  servedByBusy(group: WorkerGroup): number {
    const [oldest] = group.waiters
    if (oldest === undefined || group.workers.size === 0) return 0
    const waitedMs = this.#parts.clock.elapsed() - oldest.since
    const { running, habits } = group
    const served = servedByBusy({ running, runMs: habits.runMs, startMs: this.startMs(group), waitedMs })
    return Math.min(served, group.waiters.length)
  }

  /** Expected time until a new worker is ready. */
  startMs(group: WorkerGroup): number {
    const { revision, habits } = group
    return revision.kind === 'shim' ? this.#parts.generic.of(revision).startMs : habits.coldMs
  }

  /** Starts generic workers up to the target. */
  refill(): void {
    if (this.#closed) return
    this.#parts.generic.refill((bytes, gain, likeAt) => this.#parts.room.makeAhead(bytes, gain, likeAt))
  }

  /** Stops providing. Resolves when no generic worker is starting. */
  close(): Promise<void> {
    this.#closed = true
    this.#parts.starts.look()
    return this.#parts.generic.close()
  }

  /** Provides one more worker for the group. Throws what the factory throws. */
  async provide(group: WorkerGroup, place: PendingWorker): Promise<Provided> {
    const { clock } = this.#parts
    const from = clock.elapsed()
    const hadWorkers = group.serving + group.provisioning > 1
    const got = await this.#startFor(group, place)
    if (got === null || got === 'no_memory') return got
    return { ...got, reason: this.#reason(group, hadWorkers, got.startKind), tookMs: clock.elapsed() - from }
  }

  /** How many more workers the group needs while `provisioning` are being provided. */
  #wanted(group: WorkerGroup, provisioning: number): number {
    const { revision, waiters, workers } = group
    const { concurrency } = revision
    const minWorkers = this.#parts.groups.minimum(group)
    const maxWorkers = mostWorkers(group, minWorkers, this.#parts.clock.elapsed())
    const waiting = waiters.length - this.servedByBusy(group)
    return workersWanted({ waiting, workers: workers.size, provisioning, concurrency, minWorkers, maxWorkers })
  }

  /** True when a worker became superfluous because another came free meanwhile. A function's first worker never is. */
  #isSurplus(group: WorkerGroup, anyway: boolean): boolean {
    if (this.#closed) return true
    const others = group.provisioning - group.provisioningAnyway - (anyway ? 0 : 1)
    if (this.#wanted(group, others) > 0) return false
    return group.retired || !(anyway || group.workers.size + others === 0)
  }

  async #startFor(group: WorkerGroup, place: PendingWorker): Promise<Started | 'no_memory' | null> {
    if (group.revision.kind !== 'shim') return this.#startImage(group, place)
    const ready = this.#parts.generic.take(group.revision, group.likeAt)
    if (ready !== undefined) {
      const stopTimer = this.#parts.clock.after(refillAtLatestMs, () => this.refill())
      return this.#bind(group, place, ready.worker, ready.generic, 'prewarmed').finally(() => {
        stopTimer()
        this.#refillSoon()
      })
    }
    // Several calls came at once: those after this one would find none either.
    setImmediate(() => this.refill())
    const generic = this.#parts.generic.of(group.revision)
    const started = await this.#start(group, place, generic)
    if (started === null || started === 'no_memory') return started
    return this.#bind(group, place, started, generic, 'cold')
  }

  /** Memory for growth at binding is reserved before the start: otherwise a worker could be started in vain, again and again. */
  async #start(group: WorkerGroup, place: PendingWorker, generic: GenericShape): Promise<OrderedWorker> {
    const { projectId } = group
    const growth = Math.max(0, group.bytes - generic.shape.memoryBytes)
    let reserved = 0
    let reservedAt: string | undefined
    const makeRoom = (bytes: number): string | null => {
      const machine = this.#makeRoom(bytes + growth - reserved, group, place)
      if (machine === null) return null
      reserved = growth
      reservedAt ??= machine
      this.#noteTaken(group, generic)
      return machine
    }
    try {
      return await generic.start({ projectId, isNeeded: () => place.isNeeded(), makeRoom })
    } finally {
      this.#parts.memory.release(reserved, projectId, reservedAt)
    }
  }

  async #bind(
    group: WorkerGroup,
    place: PendingWorker,
    worker: PoolWorker,
    generic: GenericShape,
    startKind: StartKind,
  ): Promise<Started | 'no_memory'> {
    const { memory, departures } = this.#parts
    const { revision, projectId } = group
    const { memoryBytes } = generic.shape
    const missing = revision.memoryBytes - memoryBytes
    const machine = worker.machine ?? onlyMachine
    place.noteAt(machine)
    const mayGrow = this.#parts.room.mayGrow(revision.memoryBytes, group, group)
    if (!mayGrow || (missing > 0 && this.#makeRoom(missing, group, place, machine) === null)) {
      place.leave()
      generic.put(worker)
      return 'no_memory'
    }
    memory.transfer(memoryBytes, null, projectId)
    memory.release(Math.max(0, -missing), projectId, machine)
    if (startKind === 'prewarmed') this.#noteTaken(group, generic)
    try {
      return { worker, startKind, bound: await worker.bind(revision) }
    } catch (error) {
      departures.end(worker, revision.memoryBytes, projectId)
      throw error
    }
  }

  /** An image worker is bound from the start. It leaves the start queue as soon as the engine has started it. */
  #startImage(group: WorkerGroup, place: PendingWorker): Promise<Started | 'no_memory' | null> {
    const { factory, starts, memory } = this.#parts
    const { revision, projectId } = group
    return starts.run('now', projectId, async (leave: ReleasePlace) => {
      if (!place.isNeeded()) return null
      const machine = this.#makeRoom(revision.memoryBytes, group, place)
      if (machine === null) return 'no_memory'
      try {
        const worker = await factory.startImage(revision, leave, machine)
        return { worker, startKind: 'cold', bound: worker.startFailure ?? { loaded: true, loadMs: 0 } }
      } catch (error) {
        memory.release(revision.memoryBytes, projectId, machine)
        throw error
      }
    })
  }

  /** A worker without memory is no longer counted as being provided. */
  #makeRoom(bytes: number, group: WorkerGroup, place: PendingWorker, at?: string): string | null {
    const machine = this.#parts.room.make(bytes, group, group, at)
    if (machine === null) place.leave()
    else place.noteAt(machine)
    return machine
  }

  /** Called once memory is certain; work ahead does not count as demand. */
  #noteTaken(group: WorkerGroup, generic: GenericShape): void {
    if (group.waiters.length > 0) generic.noteTaken()
  }

  /** Deferred, so that the call that has taken a worker is answered first: a start keeps the processors busy. */
  #refillSoon(): void {
    this.#parts.clock.after(refillAfterMs, () => this.refill())
  }

  #reason(group: WorkerGroup, hasWorkers: boolean, startKind: StartKind): ColdReason {
    const { groups, generic, ranBefore } = this.#parts
    const { functionId, functionVersion, kind } = group.revision
    const keepsGeneric = kind === 'shim' && generic.of(group.revision).isKept
    const view = { startKind, hasWorkers, lastLeft: groups.lastLeft(group), keepsGeneric }
    return coldReason({ ...view, ranBefore: ranBefore(functionId, functionVersion) })
  }
}

/**
 * The function's maximum; null: none. Waiting calls that the work bound holds back do not ask for more workers than may be at
 * work.
 */
function mostWorkers(group: WorkerGroup, minWorkers: number, now: number): number | null {
  const { maxWorkers } = group.revision
  if (group.waiters.length === 0 || group.workBound.isOverdue(group.since, now)) return maxWorkers
  return Math.min(maxWorkers ?? Number.POSITIVE_INFINITY, Math.max(minWorkers, group.workBound.most))
}

/** The answer to calls whose worker could not load the code; null: it could. */
export function loadFailure({ worker, startKind, reason, bound }: Provision): LoadFailure | null {
  if (bound.loaded) return null
  const { outcome, log, loadMs } = bound
  return { kind: 'load_failure', outcome, log, loadMs, worker: worker.name, startKind, coldReason: reason }
}
