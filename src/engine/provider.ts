import type { Clock } from '../domain/clock.ts'
import type { ColdReason, StartKind } from '../domain/execution.ts'
import type { Log } from '../domain/log.ts'
import type { GenericWorkers } from './generic-workers.ts'
import type { PoolGroups } from './pool-groups.ts'
import type { PoolMemory } from './pool-memory.ts'
import { coldReason, workersWanted } from './pool-policy.ts'
import type { Bound, PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import type { WorkerGroup } from './worker-group.ts'

export interface ProviderParts {
  factory: WorkerFactory
  clock: Clock
  log: Log
  groups: PoolGroups
  generic: GenericWorkers
  memory: PoolMemory
  /** Whether a function version ran in an earlier process. */
  ranBefore(functionId: string, version: number): boolean
  /** A worker is there for the group, or its code could not be loaded. Its memory is reserved. */
  join(group: WorkerGroup, provision: Provision): void
  /** No worker comes: the calls that wait are told. */
  refuse(group: WorkerGroup, error: unknown): void
  isClosing(): boolean
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

/** A start that fails is tried once more before the calls that wait hear of it. */
const triesPerStart = 2
const failurePauseMs = 200

/** Brings workers to the groups that want some: generic ones bound now, else started. */
export class Provider {
  #parts: ProviderParts

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  /** As many as its calls and its minimum want. */
  provideFor(group: WorkerGroup): void {
    if (this.#parts.isClosing()) return
    const { revision, waiters, slots, provisioning } = group
    const { concurrency, maxWorkers } = revision
    const minWorkers = this.#parts.groups.minimum(group)
    const view = { waiting: waiters.length, workers: slots.size, provisioning, concurrency, minWorkers, maxWorkers }
    for (let n = workersWanted(view); n > 0; n--) void this.provide(group)
  }

  /** One more worker for the group. Without room it is tried again when memory comes free. */
  async provide(group: WorkerGroup): Promise<void> {
    const { clock, memory, join } = this.#parts
    const from = clock.elapsed()
    const hadWorkers = group.hasWorkers || group.provisioning > 0
    group.provisioning++
    try {
      const got = await this.#startFor(group)
      group.provisioning--
      if (got !== null) {
        const reason = this.#reason(group, hadWorkers, got.startKind)
        join(group, { ...got, reason, tookMs: clock.elapsed() - from })
      }
      if (!memory.isStarved(group)) this.provideFor(group)
    } catch (error) {
      group.provisioning--
      this.#failed(group, error)
    }
    this.tidy(group)
  }

  /** Forgets a group of which nothing is left. */
  tidy(group: WorkerGroup): void {
    if (!group.isEmpty) return
    this.#parts.memory.forget(group)
    this.#parts.groups.drop(group)
  }

  /** A bound worker; null when there is no memory, or nobody needs it any more. */
  async #startFor(group: WorkerGroup): Promise<Started | null> {
    const { generic, memory } = this.#parts
    const { revision } = group
    if (revision.kind !== 'shim') return this.#startImage(group)
    const shape = generic.shapeOf(revision)
    let worker = generic.take(shape)
    const startKind = worker === undefined ? 'cold' : 'prewarmed'
    if (worker === undefined) {
      if (!memory.makeRoom(shape.memoryBytes)) return this.#starve(group)
      worker = await generic.start(shape)
      if (!this.#stillWanted(group)) {
        generic.put(shape, worker)
        return null
      }
    }
    return this.#bind(group, worker, shape, startKind)
  }

  #starve(group: WorkerGroup): null {
    this.#parts.memory.starve(group)
    return null
  }

  /** A worker that was long in coming may have become superfluous: another came free meanwhile. */
  #stillWanted(group: WorkerGroup): boolean {
    if (group.waiters.length > 0) return true
    return !group.retired && group.slots.size < Math.max(1, this.#parts.groups.minimum(group))
  }

  async #bind(group: WorkerGroup, worker: PoolWorker, shape: Shape, startKind: StartKind): Promise<Started | null> {
    const { generic, memory } = this.#parts
    const { revision } = group
    const more = revision.memoryBytes - shape.memoryBytes
    if (!memory.makeRoom(more)) {
      generic.put(shape, worker)
      return this.#starve(group)
    }
    try {
      return { worker, startKind, bound: await worker.bind(revision) }
    } catch (error) {
      memory.giveBack(revision.memoryBytes)
      void worker.kill()
      throw error
    }
  }

  async #startImage(group: WorkerGroup): Promise<Started | null> {
    const { factory, memory } = this.#parts
    const { revision } = group
    if (!memory.makeRoom(revision.memoryBytes)) return this.#starve(group)
    try {
      const worker = await factory.startImage(revision)
      return { worker, startKind: 'cold', bound: { loaded: true, loadMs: 0 } }
    } catch (error) {
      memory.giveBack(revision.memoryBytes)
      throw error
    }
  }

  #failed(group: WorkerGroup, error: unknown): void {
    const { log, clock, refuse } = this.#parts
    const { functionId, image } = group.revision
    log.error({ err: error, function: functionId, image }, 'a worker did not start')
    if (++group.failures >= triesPerStart && group.slots.size === 0) refuse(group, error)
    clock.after(failurePauseMs * group.failures, () => this.provideFor(group))
  }

  #reason(group: WorkerGroup, hasWorkers: boolean, startKind: StartKind): ColdReason {
    const { groups, generic, ranBefore } = this.#parts
    const { functionId, functionVersion, kind } = group.revision
    const keepsGeneric = kind === 'shim' && generic.keeps(generic.shapeOf(group.revision))
    const view = { startKind, hasWorkers, lastLeft: groups.lastLeft(group), keepsGeneric }
    return coldReason({ ...view, ranBefore: ranBefore(functionId, functionVersion) })
  }
}
