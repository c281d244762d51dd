import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import type { ColdReason } from '../domain/execution.ts'
import type { Log } from '../domain/log.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Call, Lease, LoadFailure, Pool, Revision, WorkerInfo } from '../domain/worker.ts'
import { GenericWorkers } from './generic-workers.ts'
import { MemoryBudget } from './memory-budget.ts'
import { PoolGroups } from './pool-groups.ts'
import { PoolMemory } from './pool-memory.ts'
import type { WorkerFactory } from './pool-worker.ts'
import { Provider, type Provision } from './provider.ts'
import { Starts } from './starts.ts'
import type { Slot, Waiter, WorkerGroup } from './worker-group.ts'

export interface PoolOptions {
  memoryBudgetBytes: number
  genericFloor: number
  maxParallelStarts: number
  maxWaiting: number
  acquireTimeoutMs: number
}

export interface PoolParts {
  factory: WorkerFactory
  clock: Clock
  log: Log
  options: PoolOptions
  /** Whether a function version ran in an earlier process. */
  ranBefore(functionId: string, version: number): boolean
}

/** How often idle workers are looked at, and lost room is looked for. */
const sweepMs = 1000
/** How long before a due job its worker is made warm. */
const expectLeadMs = 1500

/** All workers and who waits for them. Asks `pool-policy.ts`, then acts; knows nothing of containers. */
export class WorkerPool implements Pool {
  #parts: PoolParts
  #groups = new PoolGroups()
  #generic: GenericWorkers
  #memory: PoolMemory
  #provider: Provider
  #closing = false
  #stopSweep: () => void = () => {}
  #emptied: (() => void)[] = []

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { factory, clock, log, options, ranBefore } = parts
    const budget = new MemoryBudget(options.memoryBudgetBytes)
    const starts = new Starts(options.maxParallelStarts)
    const groups = this.#groups
    this.#generic = new GenericWorkers({ factory, budget, starts, clock, log, floor: options.genericFloor })
    this.#memory = new PoolMemory({
      budget,
      groups,
      generic: this.#generic,
      leave: (group, slot, why) => this.#leave(group, slot, why),
      provideFor: (group) => this.#provider.provideFor(group),
    })
    this.#provider = new Provider({
      ...{ factory, clock, log, groups, generic: this.#generic, memory: this.#memory, ranBefore },
      join: (group, provision) => this.#join(group, provision),
      refuse: refuseAll,
      isClosing: () => this.#closing,
    })
    this.#sweepLater()
  }

  acquire(revision: Revision): Promise<Lease | LoadFailure> {
    if (this.#closing) return Promise.reject(shuttingDown())
    const group = this.#groups.of(revision)
    const slot = group.take()
    if (slot !== undefined) return Promise.resolve(this.#lease(group, slot, revision, null))
    return this.#wait(group, revision)
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    if (this.#closing) throw shuttingDown()
    if (!this.#memory.couldHold(revision.memoryBytes)) throw tooLarge()
    await this.#memory.room(revision.memoryBytes)
    try {
      return await this.#parts.factory.runCommand(revision, call)
    } finally {
      this.#memory.giveBack(revision.memoryBytes)
      this.#memory.cameFree()
    }
  }

  /** Calls that wait for the old code still get it. */
  retire(functionId: string, version: number | null, why: ColdReason): void {
    for (const group of this.#groups.all()) {
      const { revision } = group
      if (revision.functionId !== functionId || (version !== null && revision.functionVersion !== version)) continue
      group.retired = true
      for (const slot of group.slots) this.#leave(group, slot, why)
    }
  }

  keep(revision: Revision): void {
    this.#groups.keep(revision)
    this.#provider.provideFor(this.#groups.of(revision))
  }

  scaleUp(revision: Revision, count: number): void {
    const group = this.#groups.of(revision)
    const room = (revision.maxWorkers ?? Number.POSITIVE_INFINITY) - group.slots.size - group.provisioning
    for (let n = 0; n < Math.min(count, room); n++) void this.#provider.provide(group)
  }

  scaleDown(functionId: string, version: number, count: number): void {
    const groups = this.#groups
      .all()
      .filter(({ revision }) => revision.functionId === functionId && revision.functionVersion === version)
    const all = groups.flatMap((group) => [...group.slots].map((slot) => ({ group, slot })))
    const idle = all.filter(({ slot }) => slot.inFlight === 0)
    for (const { group, slot } of idle.slice(0, Math.max(0, Math.min(count, all.length - 1))))
      this.#leave(group, slot, 'evicted')
  }

  expect(revision: Revision, atMs: number): void {
    const { clock } = this.#parts
    clock.after(Math.max(0, atMs - clock.now() - expectLeadMs), () => {
      const group = this.#groups.of(revision)
      if (!this.#closing && group.idle().length === 0 && group.provisioning === 0) void this.#provider.provide(group)
    })
  }

  workers(): WorkerInfo[] {
    return this.#groups.all().flatMap(({ revision, slots }) =>
      [...slots].map(({ worker, inFlight, leaving }) => ({
        name: worker.name,
        functionId: revision.functionId,
        functionVersion: revision.functionVersion,
        runtimeId: revision.runtimeId,
        state: leaving ? 'leaving' : inFlight > 0 ? 'busy' : 'idle',
      })),
    )
  }

  capacity(image: string): { total: number; available: number } {
    const bound = this.#groups.all().filter(({ revision }) => revision.image === image)
    const { ready } = this.#generic.counts(image)
    return { total: bound.reduce((sum, group) => sum + group.slots.size, ready), available: ready }
  }

  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void {
    const { id, image, memoryBytes, trusted } = runtime
    this.#generic.addRuntime(id, { image, network: 'egress', trusted, memoryBytes })
  }

  removeRuntime(id: string): void {
    this.#generic.removeRuntime(id)
  }

  async close(drainMs: number): Promise<void> {
    this.#closing = true
    this.#stopSweep()
    for (const group of this.#groups.all()) refuseAll(group, shuttingDown())
    await this.#drained(drainMs)
    const slots = this.#groups.all().flatMap((group) => [...group.slots])
    await Promise.all([this.#generic.close(), ...slots.map(({ worker }) => worker.kill())])
  }

  // --- calls that wait

  #wait(group: WorkerGroup, revision: Revision): Promise<Lease | LoadFailure> {
    const { clock, options } = this.#parts
    if (!this.#memory.couldHold(revision.memoryBytes)) return Promise.reject(tooLarge())
    if (group.waiters.length >= options.maxWaiting) {
      const message = `${group.waiters.length} calls of this function wait for a worker already; try again later.`
      return Promise.reject(new FaasError('no_worker', message))
    }
    return new Promise((resolve, reject) => {
      const stopTimer = clock.after(options.acquireTimeoutMs, () => {
        group.waiters.splice(group.waiters.indexOf(waiter), 1)
        reject(new FaasError('no_worker', `No worker came free within ${options.acquireTimeoutMs / 1000} s.`))
      })
      const waiter: Waiter = { since: clock.elapsed(), revision, resolve, reject, stopTimer }
      group.waiters.push(waiter)
      this.#provider.provideFor(group)
    })
  }

  /** Gives the slot's room to those who wait longest. The first may be told what the worker's start cost. */
  #serve(group: WorkerGroup, start: Provision | null): void {
    let told = start
    while (group.waiters.length > 0) {
      const slot = group.take()
      if (slot === undefined) return
      const waiter = group.waiters.shift() as Waiter
      waiter.stopTimer()
      waiter.resolve(this.#lease(group, slot, waiter.revision, told))
      told = null
    }
  }

  #lease(group: WorkerGroup, slot: Slot, revision: Revision, start: Provision | null): Lease {
    return {
      kind: 'lease',
      worker: slot.worker.name,
      startKind: start?.startKind ?? 'warm',
      coldReason: start?.reason ?? null,
      loadMs: start?.bound.loadMs ?? 0,
      call: (call) => slot.worker.call(call, revision.timeoutMs),
      release: () => this.#release(group, slot),
    }
  }

  #release(group: WorkerGroup, slot: Slot): void {
    if (slot.worker.isEnding) this.#leave(group, slot, 'worker_died')
    group.giveBack(slot)
    if (slot.inFlight === 0) {
      slot.idleSince = this.#parts.clock.elapsed()
      if (slot.leaving) return this.#end(slot)
      if (group.retired && group.waiters.length === 0) return this.#leave(group, slot, 'new_code')
      slot.worth = this.#memory.worthOf(group, slot)
      if (this.#memory.shouldYield(group)) return this.#leave(group, slot, 'evicted')
    }
    if (group.waiters.length > 0) this.#serve(group, null)
    if (this.#closing) this.#noteQuiet()
  }

  // --- workers that come and go

  #join(group: WorkerGroup, provision: Provision): void {
    const { worker, bound } = provision
    const heldBytes = group.revision.memoryBytes
    if (!bound.loaded) {
      this.#memory.giveBack(heldBytes)
      return tellLoadFailure(group, provision)
    }
    group.noteCold(provision.tookMs)
    group.failures = 0
    const idleSince = this.#parts.clock.elapsed()
    const worth = this.#memory.leastWorth
    const slot: Slot = { worker, inFlight: 0, calls: 0, idleSince, worth, heldBytes, leaving: false }
    void worker.gone.then(() => this.#gone(group, slot))
    group.add(slot)
    this.#serve(group, provision)
    if (slot.inFlight === 0 && (group.retired || this.#closing)) this.#leave(group, slot, 'new_code')
  }

  /** Takes no more calls; ends when those in flight have ended. */
  #leave(group: WorkerGroup, slot: Slot, why: ColdReason): void {
    if (slot.leaving) return
    group.leave(slot)
    this.#groups.noteLeft(group, why)
    if (slot.inFlight === 0) this.#end(slot)
  }

  #end(slot: Slot): void {
    this.#memory.letGo(slot)
    void slot.worker.kill()
  }

  #gone(group: WorkerGroup, slot: Slot): void {
    if (!slot.leaving) {
      group.leave(slot)
      this.#groups.noteLeft(group, 'worker_died')
    }
    group.slots.delete(slot)
    this.#memory.letGo(slot)
    this.#provider.provideFor(group)
    this.#provider.tidy(group)
    if (this.#closing) this.#noteQuiet()
  }

  // --- housekeeping

  #sweepLater(): void {
    this.#stopSweep = this.#parts.clock.after(sweepMs, () => {
      for (const group of this.#groups.all()) this.#expire(group)
      this.#generic.refillAll()
      this.#sweepLater()
    })
  }

  /** Idle workers beyond the function's own time-out go, down to its minimum. */
  #expire(group: WorkerGroup): void {
    const { idleTimeoutMs } = group.revision
    if (idleTimeoutMs === null) return
    const before = this.#parts.clock.elapsed() - idleTimeoutMs
    const old = group.idle().filter((slot) => slot.idleSince <= before)
    const spare = Math.max(0, group.slots.size - this.#groups.minimum(group))
    for (const slot of old.slice(0, spare)) this.#leave(group, slot, 'expired')
  }

  #isQuiet(): boolean {
    return this.#groups.all().every((group) => [...group.slots].every((slot) => slot.inFlight === 0))
  }

  #noteQuiet(): void {
    if (this.#isQuiet()) for (const resolve of this.#emptied.splice(0)) resolve()
  }

  async #drained(drainMs: number): Promise<void> {
    if (this.#isQuiet()) return
    await new Promise<void>((resolve) => {
      this.#emptied.push(resolve)
      this.#parts.clock.after(drainMs, resolve)
    })
  }
}

/** Every call that waits would have gone to this worker: all of them hear what is wrong with the code. */
function tellLoadFailure(group: WorkerGroup, { worker, startKind, reason, bound }: Provision): void {
  if (bound.loaded) return
  const { outcome, log, loadMs } = bound
  for (const waiter of group.waiters.splice(0)) {
    waiter.stopTimer()
    waiter.resolve({ kind: 'load_failure', outcome, log, loadMs, worker: worker.name, startKind, coldReason: reason })
  }
}

function refuseAll(group: WorkerGroup, error: unknown): void {
  for (const waiter of group.waiters.splice(0)) {
    waiter.stopTimer()
    waiter.reject(error)
  }
}

const shuttingDown = (): FaasError => new FaasError('shutting_down', 'The server is stopping; try again in a moment.')

const tooLarge = (): FaasError =>
  new FaasError(
    'no_worker',
    'The function needs more memory than all workers together may have (TAIBAI_MEMORY_BUDGET_MB).',
  )
