import type { Clock } from '../../domain/clock.ts'
import type { PoolGauges } from '../../domain/platform/gauges.ts'
import { noShares, type Shares } from '../../domain/platform/limits.ts'
import type { WorkerMeter } from '../../domain/platform/usage.ts'
import type {
  Call,
  Caller,
  Lease,
  LoadFailure,
  Pool,
  RetainedWorker,
  Revision,
  WorkerInfo,
} from '../../domain/platform/worker.ts'
import type { Log } from '../../domain/runs/log.ts'
import { type Outcome, platformFailure } from '../../domain/runs/outcome.ts'
import type { ColdReason } from '../../domain/runs/start-kind.ts'
import { BackgroundCpu } from './background-cpu.ts'
import { Calls } from './calls.ts'
import { CommandRuns } from './command-runs.ts'
import { Eviction } from './eviction.ts'
import { GenericWorkers } from './generic-workers.ts'
import { Groups, isOf } from './groups.ts'
import { Maintenance } from './maintenance.ts'
import { type MachineLimit, Memory } from './memory.ts'
import { MemoryMeter } from './memory-meter.ts'
import { MemoryQueue } from './memory-queue.ts'
import { memoryUsedBy } from './memory-used.ts'
import { Pauses } from './pauses.ts'
import type { WorkerFactory } from './pool-worker.ts'
import { Provider } from './provider.ts'
import { neverFits, shuttingDown } from './refusals.ts'
import { WorkerScaling } from './scaling.ts'
import { Starts } from './starts.ts'
import { WarmAhead } from './warm-ahead.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'
import { WorkerRemovals } from './worker-removals.ts'

export interface PoolOptions {
  memoryBudgetBytes: number
  genericFloor: number
  maxParallelStarts: number
  maxWaiting: number
  acquireTimeoutMs: number
  /** Idle workers are paused after this time; 0: never. */
  pauseAfterMs: number
  /** Workers are frozen whenever no call is in them; undefined: they are not. */
  freezes?: boolean
  /** Number of processors that workers run on. */
  processors: () => number
  /** The machines that workers run on, in place of one with the budget; absent: there is only one. */
  machines?: PoolMachines
  /** CPU share that workers start with on an engine that cannot change limits later; absent: it can. */
  fixedCpuMillicpu?: number
}

export interface PoolMachines {
  now(): MachineLimit[]
  /** Called each time that one came, went or changed. */
  onChange(listener: () => void): void
}

export interface PoolParts {
  factory: WorkerFactory
  clock: Clock
  log: Log
  options: PoolOptions
  /** Whether a function version ran in an earlier process. */
  ranBefore(functionId: string, version: number): boolean
  /** False while the engine does not answer: nothing is started then, and no worker is evicted for a start that cannot happen. */
  engineIsUp?(): boolean
  /** Memory shares of projects; absent: no limit per project. */
  shares?: Pick<Shares, 'limitOf'>
  /** Receives how long workers held their memory. */
  meter?: WorkerMeter | undefined
}

/**
 * All workers and the calls that wait for them. The parts, each using only the ones before it: `policy/` decides; `Groups`,
 * `Memory` and `MemoryQueue` hold state; `Eviction`, `WorkerRemovals`, `GenericWorkers` and `Provider` make and end workers; `Calls`
 * assigns them to calls; `WorkerScaling` keeps their number; `Maintenance` does the periodic work.
 */
export class WorkerPool implements Pool {
  #given: PoolParts
  #parts: ReturnType<typeof makeParts>
  #closed: Promise<void> | null = null

  constructor(given: PoolParts) {
    this.#given = given
    this.#parts = makeParts(given, () => this.#closed !== null)
    const { machines } = given.options
    if (machines === undefined) return
    this.#noteMachines(machines)
    machines.onChange(() => this.#noteMachines(machines))
  }

  /** Those that wait for memory may fit now. */
  #noteMachines(machines: PoolMachines): void {
    this.#parts.memory.setMachines(machines.now())
    this.#parts.groups.noteLimit()
  }

  get reservedBytes(): number {
    return this.#parts.memory.usedBytes
  }

  acquire(revision: Revision, caller?: Caller): Lease | Promise<Lease | LoadFailure> {
    return this.#parts.calls.acquire(revision, caller)
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    if (this.#closed !== null) return platformFailure(shuttingDown().message, 0)
    const never = this.#parts.memory.neverFits(revision.memoryBytes, revision.placement)
    if (never !== null) return platformFailure(neverFits(never, revision.placement).message, 0)
    return this.#parts.commands.run(revision, call)
  }

  /** Calls that already wait for the old code still get it. */
  retire(functionId: string, version: number | null, why: ColdReason, next: Pick<Revision, 'key'> | null = null): void {
    const { ahead, groups } = this.#parts
    ahead.retire(functionId, version)
    if (why === 'new_code') groups.forgetMinimum(functionId, version)
    for (const group of groups.retire(functionId, version, next?.key)) this.#retireGroup(group, why)
  }

  discard({ key }: Revision): void {
    for (const group of this.#parts.groups.discard(key)) this.#retireGroup(group, 'new_code')
  }

  keep(revision: Revision): void {
    this.#parts.groups.setMinimum(revision)
    this.#act(revision, (group) => this.#parts.supply.provideFor(group))
  }

  scaleUp(revision: Revision, count: number): void {
    this.#act(revision, (group) => {
      for (let n = Math.min(count, group.room); n > 0; n--) this.#parts.supply.provide(group, true)
    })
  }

  /** Keeps at least the function's `min_workers`. */
  scaleDown(functionId: string, version: number, count: number): void {
    const { groups, departures } = this.#parts
    for (const group of groups.all()) {
      if (group.retired || !isOf(group.revision, functionId, version)) continue
      const spare = Math.max(0, group.serving - Math.max(1, groups.minimum(group)))
      for (const bound of group.idle().slice(0, Math.min(count, spare))) departures.leave(group, bound, 'evicted')
    }
  }

  expect(revision: Revision, atMs: number): void {
    if (this.#closed === null) this.#parts.ahead.expect(revision, atMs - this.#given.clock.now())
  }

  workers(): WorkerInfo[] {
    return this.#parts.groups.all().flatMap((group) => [...group.workers].map((bound) => infoOf(group, bound)))
  }

  retainedWorkers(): RetainedWorker[] {
    const { room, groups, generic } = this.#parts
    const now = this.#given.clock.elapsed()
    const worths = new Map(room.spare().map(({ name, worth }) => [name, worth]))
    const bound = groups.all().flatMap((group) =>
      [...group.workers].map((one) => ({
        ...infoOf(group, one),
        ...{ image: group.revision.image, memoryBytes: one.heldBytes, calls: one.calls },
        idleMs: one.inFlight > 0 ? null : now - one.idleSince,
        worth: worths.get(one.worker.name) ?? null,
      })),
    )
    const waiting = generic.spare().map(({ name, image, memoryBytes, worth }) => ({
      ...{ name, functionId: null, functionVersion: null, runtimeId: null, state: 'generic' },
      ...{ image, memoryBytes, calls: 0, idleMs: null, worth },
    }))
    return [...bound, ...waiting].sort((a, b) => (a.worth ?? neverGoes) - (b.worth ?? neverGoes))
  }

  memoryUsed(): Promise<ReadonlyMap<string, number>> {
    const { groups, generic } = this.#parts
    const bound = groups.all().flatMap((group) => [...group.workers].map(({ worker }) => worker))
    return memoryUsedBy([...bound, ...generic.readyWorkers()])
  }

  vitals(): PoolGauges {
    const { groups, memory } = this.#parts
    const waitingCalls = groups.all().reduce((sum, { waiters }) => sum + waiters.length, 0)
    return { reservedBytes: memory.usedBytes, budgetBytes: memory.limitBytes, waitingCalls }
  }

  noteHeld(): void {
    this.#parts.heldTime.noteAll(this.#parts.groups.all(), this.#given.clock.elapsed())
  }

  heldBytes(projectId: string): number {
    return this.#parts.memory.heldBy(projectId)
  }

  capacity(image: string): { total: number; available: number } {
    const groups = this.#parts.groups.all().filter(({ revision }) => revision.image === image)
    const ready = this.#parts.generic.ready(image)
    return { total: groups.reduce((sum, group) => sum + group.workers.size, ready), available: ready }
  }

  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void {
    const { id, image, memoryBytes, trusted } = runtime
    this.#parts.generic.addRuntime(id, { image, network: 'egress', api: false, trusted, memoryBytes })
    this.#parts.provider.refill()
  }

  removeRuntime(id: string): void {
    this.#parts.generic.removeRuntime(id)
  }

  close(drainMs: number): Promise<void> {
    this.#parts.calls.close()
    this.#closed ??= Promise.resolve().then(() => this.#close(drainMs))
    return this.#closed
  }

  async #close(drainMs: number): Promise<void> {
    const { upkeep, ahead, commands, supply, groups, departures, engineIsUp } = this.#parts
    upkeep.close()
    ahead.close()
    commands.close()
    const noneStarts = supply.close()
    await this.#drained(drainMs)
    for (const group of groups.all()) for (const bound of group.workers) departures.endBound(group, bound)
    const noneRuns = commands.stop()
    // An engine that does not answer is not waited for: the next start removes leftovers.
    if (!engineIsUp()) return
    await Promise.all([noneStarts, noneRuns])
    await departures.settled()
  }

  /** Resolves when no call runs, or the deadline has passed. */
  #drained(drainMs: number): Promise<void> {
    const { calls, commands } = this.#parts
    const { promise, resolve } = Promise.withResolvers<void>()
    const stopTimer = this.#given.clock.after(drainMs, resolve)
    void Promise.all([calls.untilIdle(), commands.untilIdle()]).then(() => resolve())
    return promise.finally(stopTimer)
  }

  #retireGroup(group: WorkerGroup, why: ColdReason): void {
    const { groups, departures } = this.#parts
    group.retiredFor = why
    for (const bound of group.workers) departures.leave(group, bound, why)
    groups.removeIfEmpty(group)
  }

  /** Acts on the group of a revision; the group is forgotten again when nothing comes of it. */
  #act(revision: Revision, action: (group: WorkerGroup) => void): void {
    if (this.#closed !== null) return
    const group = this.#parts.groups.of(revision)
    action(group)
    this.#parts.groups.removeIfEmpty(group)
  }
}

const mib = 1024 * 1024

/** Builds the parts in order; each uses only earlier ones. */
function makeParts(
  { factory, clock, log, options, ranBefore, engineIsUp = () => true, shares = noShares, meter }: PoolParts,
  isClosing: () => boolean,
) {
  const { memoryBudgetBytes, genericFloor: floor, maxParallelStarts: maxParallel, pauseAfterMs } = options
  const { fixedCpuMillicpu = null } = options
  const limits = { maxWaiting: options.maxWaiting, timeoutMs: options.acquireTimeoutMs }
  const memory = new Memory(memoryBudgetBytes, () => upkeep.lookAgain())
  const line = new MemoryQueue(memory)
  const groups = new Groups(() => memory.limitBytes, line, options.processors)
  const mostOf = (projectId: string) => (isClosing() ? null : shares.limitOf(projectId, 'starts'))
  const starts = new Starts({ maxParallel, mayStart: () => isClosing() || engineIsUp(), mostOf })
  const heldTime = new MemoryMeter(meter)
  const leftRunning = new BackgroundCpu({ clock, meter })
  const departures = new WorkerRemovals({ clock, groups, memory, heldTime })
  const generic = new GenericWorkers({ factory, memory, departures, starts, clock, log, floor, fixedCpuMillicpu })
  const mostBytesOf = (projectId: string) => {
    const mostMb = shares.limitOf(projectId, 'worker_memory_mb')
    return mostMb === null ? null : mostMb * mib
  }
  const room = new Eviction({ clock, memory, line, groups, generic, departures, mostBytesOf })
  const provider = new Provider({ factory, starts, clock, groups, generic, memory, room, departures, ranBefore })
  const commands = new CommandRuns({ factory, clock, starts, memory, line, room, limits, engineIsUp })
  const pauses = new Pauses({ clock, log, pauseAfterMs, freezes: options.freezes ?? false })
  const onWait = (group: WorkerGroup) => supply.provideFor(group)
  const given = { clock, log, groups, line, departures, leftRunning }
  const calls = new Calls({ ...given, memory, heldTime, room, pauses, limits, engineIsUp, onWait })
  const supply = new WorkerScaling({ ...given, provider, calls })
  const ahead = new WarmAhead({ clock, groups, room, supply, pauses })
  const upkeep = new Maintenance({ ...given, starts, provider, supply, commands, ahead, pauses })
  return {
    memory,
    heldTime,
    groups,
    generic,
    room,
    provider,
    departures,
    calls,
    supply,
    commands,
    ahead,
    upkeep,
    engineIsUp,
  }
}

const infoOf = ({ revision }: WorkerGroup, { worker, inFlight, leaving, sleep }: BoundWorker): WorkerInfo => ({
  name: worker.name,
  functionId: revision.functionId,
  functionVersion: revision.functionVersion,
  runtimeId: revision.runtimeId,
  state: leaving ? 'leaving' : inFlight > 0 ? 'busy' : sleep === null ? 'idle' : 'paused',
})

const neverGoes = Number.MAX_VALUE
