import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import type { ColdReason, StartKind } from '../domain/execution.ts'
import type { Log } from '../domain/log.ts'
import type { Outcome } from '../domain/outcome.ts'
import type { Call, Lease, LoadFailure, Pool, Revision, WorkerInfo } from '../domain/worker.ts'
import { GenericWorkers } from './generic-workers.ts'
import { MemoryBudget } from './memory-budget.ts'
import { chooseEvictions, coldReason, shouldYield, workersWanted, worth } from './pool-policy.ts'
import type { Bound, PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import { Starts } from './starts.ts'
import { type Slot, type Waiter, WorkerGroup } from './worker-group.ts'

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
/** A start that fails is tried once more before the calls that wait hear of it. */
const triesPerStart = 2
const failurePauseMs = 200

interface Started {
  worker: PoolWorker
  startKind: StartKind
  bound: Bound
}

interface Provision extends Started {
  reason: ColdReason
  /** From the decision to the bound worker. */
  tookMs: number
}

/** All workers and who waits for them. Asks `pool-policy.ts`, then acts; knows nothing of containers. */
export class WorkerPool implements Pool {
  #parts: PoolParts
  #budget: MemoryBudget
  #generic: GenericWorkers
  #groups = new Map<string, WorkerGroup>()
  #runtimes = new Map<string, Shape>()
  /** Revisions whose `min_workers` hold, by function and version. */
  #kept = new Map<string, Revision>()
  /** Why the last worker of a function version went. */
  #lastLeft = new Map<string, ColdReason>()
  /** Rises to the worth of what was evicted: see `worth`. */
  #greedyClock = 0
  /** Groups that found no memory for a worker. */
  #starved = new Set<WorkerGroup>()
  /** Command images that wait for memory. */
  #roomWaiters: { bytes: number; resolve: () => void }[] = []
  #closing = false
  #stopSweep: () => void = () => {}
  #emptied: (() => void)[] = []

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { factory, clock, log, options } = parts
    this.#budget = new MemoryBudget(options.memoryBudgetBytes)
    const starts = new Starts(options.maxParallelStarts)
    this.#generic = new GenericWorkers({
      factory,
      budget: this.#budget,
      starts,
      clock,
      log,
      floor: options.genericFloor,
    })
    this.#sweepLater()
  }

  acquire(revision: Revision): Promise<Lease | LoadFailure> {
    if (this.#closing) return Promise.reject(shuttingDown())
    const group = this.#group(revision)
    const slot = group.take()
    if (slot !== undefined) return Promise.resolve(this.#lease(group, slot, revision, null))
    return this.#wait(group, revision)
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    await this.#room(revision.memoryBytes)
    try {
      return await this.#parts.factory.runCommand(revision, call)
    } finally {
      this.#budget.giveBack(revision.memoryBytes)
      this.#memoryCameFree()
    }
  }

  /** Calls that wait for the old code still get it. */
  retire(functionId: string, version: number | null, why: ColdReason): void {
    for (const group of this.#groups.values()) {
      const { revision } = group
      if (revision.functionId !== functionId || (version !== null && revision.functionVersion !== version)) continue
      group.retired = true
      for (const slot of group.slots) this.#leave(group, slot, why)
    }
  }

  keep(revision: Revision): void {
    if (revision.minWorkers === 0) this.#kept.delete(versionKey(revision))
    else this.#kept.set(versionKey(revision), revision)
    this.#provideFor(this.#group(revision))
  }

  scaleUp(revision: Revision, count: number): void {
    const group = this.#group(revision)
    const room = (revision.maxWorkers ?? Number.POSITIVE_INFINITY) - group.slots.size - group.provisioning
    for (let n = 0; n < Math.min(count, room); n++) void this.#provide(group)
  }

  scaleDown(functionId: string, version: number, count: number): void {
    const groups = [...this.#groups.values()].filter(
      ({ revision }) => revision.functionId === functionId && revision.functionVersion === version,
    )
    const all = groups.flatMap((group) => [...group.slots].map((slot) => ({ group, slot })))
    const idle = all.filter(({ slot }) => slot.inFlight === 0)
    for (const { group, slot } of idle.slice(0, Math.max(0, Math.min(count, all.length - 1))))
      this.#leave(group, slot, 'evicted')
  }

  expect(revision: Revision, atMs: number): void {
    const { clock } = this.#parts
    clock.after(Math.max(0, atMs - clock.now() - expectLeadMs), () => {
      const group = this.#group(revision)
      if (!this.#closing && group.idle().length === 0 && group.provisioning === 0) void this.#provide(group)
    })
  }

  workers(): WorkerInfo[] {
    return [...this.#groups.values()].flatMap(({ revision, slots }) =>
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
    const bound = [...this.#groups.values()].filter(({ revision }) => revision.image === image)
    const { ready } = this.#generic.counts(image)
    return { total: bound.reduce((sum, group) => sum + group.slots.size, ready), available: ready }
  }

  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void {
    this.removeRuntime(runtime.id)
    const { image, memoryBytes, trusted } = runtime
    const shape: Shape = { image, network: 'egress', trusted, memoryBytes }
    this.#runtimes.set(runtime.id, shape)
    this.#generic.keep(shape)
  }

  removeRuntime(id: string): void {
    const shape = this.#runtimes.get(id)
    if (shape === undefined) return
    this.#runtimes.delete(id)
    this.#generic.unkeep(shape)
  }

  async close(drainMs: number): Promise<void> {
    this.#closing = true
    this.#stopSweep()
    for (const group of this.#groups.values())
      for (const waiter of group.waiters.splice(0)) refuse(waiter, shuttingDown())
    await this.#drained(drainMs)
    const slots = [...this.#groups.values()].flatMap((group) => [...group.slots])
    await Promise.all([this.#generic.close(), ...slots.map(({ worker }) => worker.kill())])
  }

  // --- calls that wait

  #wait(group: WorkerGroup, revision: Revision): Promise<Lease | LoadFailure> {
    const { clock, options } = this.#parts
    if (revision.memoryBytes > this.#budget.limitBytes) return Promise.reject(tooLarge())
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
      this.#provideFor(group)
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
      slot.worth = worth(this.#greedyClock, slot.calls, group.coldMs, slot.heldBytes)
      if (this.#yieldTo(group, slot)) return
    }
    if (group.waiters.length > 0) this.#serve(group, null)
    if (this.#closing) this.#noteQuiet()
  }

  // --- workers that are provided

  #provideFor(group: WorkerGroup): void {
    if (this.#closing) return
    const { revision, waiters, slots, provisioning } = group
    const { concurrency, maxWorkers } = revision
    const minWorkers = this.#minimum(group)
    const view = { waiting: waiters.length, workers: slots.size, provisioning, concurrency, minWorkers, maxWorkers }
    for (let n = workersWanted(view); n > 0; n--) void this.#provide(group)
  }

  /** One more worker for the group. Without room it is tried again when memory comes free. */
  async #provide(group: WorkerGroup): Promise<void> {
    const { clock } = this.#parts
    const from = clock.elapsed()
    const hadWorkers = group.hasWorkers || group.provisioning > 0
    group.provisioning++
    try {
      const got = await this.#startFor(group)
      group.provisioning--
      if (got !== null)
        this.#join(group, {
          ...got,
          reason: this.#reason(group, hadWorkers, got.startKind),
          tookMs: clock.elapsed() - from,
        })
      if (!this.#starved.has(group)) this.#provideFor(group)
    } catch (error) {
      group.provisioning--
      this.#startFailed(group, error)
    }
    this.#tidy(group)
  }

  /** A bound worker; null when there is no memory, or nobody needs it any more. */
  async #startFor(group: WorkerGroup): Promise<Started | null> {
    const { revision } = group
    if (revision.kind !== 'shim') return this.#startImage(group)
    const shape = this.#shape(revision)
    let worker = this.#generic.take(shape)
    const startKind = worker === undefined ? 'cold' : 'prewarmed'
    if (worker === undefined) {
      if (!this.#makeRoom(shape.memoryBytes)) return this.#starve(group)
      worker = await this.#generic.start(shape)
      if (!this.#stillWanted(group)) {
        this.#generic.put(shape, worker)
        return null
      }
    }
    return this.#bind(group, worker, shape, startKind)
  }

  #starve(group: WorkerGroup): null {
    this.#starved.add(group)
    return null
  }

  /** A worker that was long in coming may have become superfluous: another came free meanwhile. */
  #stillWanted(group: WorkerGroup): boolean {
    if (group.waiters.length > 0) return true
    return !group.retired && group.slots.size < Math.max(1, this.#minimum(group))
  }

  async #bind(group: WorkerGroup, worker: PoolWorker, shape: Shape, startKind: StartKind): Promise<Started | null> {
    const { revision } = group
    const more = revision.memoryBytes - shape.memoryBytes
    if (!this.#makeRoom(more)) {
      this.#generic.put(shape, worker)
      return this.#starve(group)
    }
    try {
      return { worker, startKind, bound: await worker.bind(revision) }
    } catch (error) {
      this.#budget.giveBack(revision.memoryBytes)
      void worker.kill()
      throw error
    }
  }

  async #startImage(group: WorkerGroup): Promise<Started | null> {
    const { revision } = group
    if (!this.#makeRoom(revision.memoryBytes)) return this.#starve(group)
    try {
      const worker = await this.#parts.factory.startImage(revision)
      return { worker, startKind: 'cold', bound: { loaded: true, loadMs: 0 } }
    } catch (error) {
      this.#budget.giveBack(revision.memoryBytes)
      throw error
    }
  }

  #join(group: WorkerGroup, provision: Provision): void {
    const { worker, bound } = provision
    const heldBytes = group.revision.memoryBytes
    if (!bound.loaded) {
      this.#budget.giveBack(heldBytes)
      return this.#tellLoadFailure(group, provision)
    }
    group.noteCold(provision.tookMs)
    group.failures = 0
    const idleSince = this.#parts.clock.elapsed()
    const slot: Slot = { worker, inFlight: 0, calls: 0, idleSince, worth: this.#greedyClock, heldBytes, leaving: false }
    void worker.gone.then(() => this.#gone(group, slot))
    group.add(slot)
    this.#serve(group, provision)
    if (slot.inFlight === 0 && (group.retired || this.#closing)) this.#leave(group, slot, 'new_code')
  }

  /** Every call that waits would have gone to this worker: all of them hear what is wrong with the code. */
  #tellLoadFailure(group: WorkerGroup, { worker, startKind, reason, bound }: Provision): void {
    if (bound.loaded) return
    const { outcome, log, loadMs } = bound
    for (const waiter of group.waiters.splice(0)) {
      waiter.stopTimer()
      waiter.resolve({ kind: 'load_failure', outcome, log, loadMs, worker: worker.name, startKind, coldReason: reason })
    }
  }

  #startFailed(group: WorkerGroup, error: unknown): void {
    this.#parts.log.error(
      { err: error, function: group.revision.functionId, image: group.revision.image },
      'a worker did not start',
    )
    if (++group.failures >= triesPerStart && group.slots.size === 0) {
      for (const waiter of group.waiters.splice(0)) refuse(waiter, error)
    }
    this.#parts.clock.after(failurePauseMs * group.failures, () => this.#provideFor(group))
  }

  #reason(group: WorkerGroup, hasWorkers: boolean, startKind: StartKind): ColdReason {
    const { functionId, functionVersion, kind } = group.revision
    const lastLeft = this.#lastLeft.get(versionKey(group.revision)) ?? null
    const ranBefore = this.#parts.ranBefore(functionId, functionVersion)
    const keepsGeneric = kind === 'shim' && this.#generic.keeps(this.#shape(group.revision))
    return coldReason({ startKind, hasWorkers, lastLeft, ranBefore, keepsGeneric })
  }

  // --- workers that go

  /** Takes no more calls; ends when those in flight have ended. */
  #leave(group: WorkerGroup, slot: Slot, why: ColdReason): void {
    if (slot.leaving) return
    group.leave(slot)
    this.#lastLeft.set(versionKey(group.revision), why)
    if (slot.inFlight === 0) this.#end(slot)
  }

  #end(slot: Slot): void {
    this.#letMemory(slot)
    void slot.worker.kill()
  }

  #gone(group: WorkerGroup, slot: Slot): void {
    if (!slot.leaving) {
      group.leave(slot)
      this.#lastLeft.set(versionKey(group.revision), 'worker_died')
    }
    group.slots.delete(slot)
    this.#letMemory(slot)
    this.#provideFor(group)
    this.#tidy(group)
    if (this.#closing) this.#noteQuiet()
  }

  #letMemory(slot: Slot): void {
    if (slot.heldBytes === 0) return
    this.#budget.giveBack(slot.heldBytes)
    slot.heldBytes = 0
    this.#memoryCameFree()
  }

  // --- memory

  /** Reserves, evicting idle workers if that is what it takes; false when even that is not enough. */
  #makeRoom(bytes: number): boolean {
    if (bytes <= 0 || this.#budget.reserve(bytes)) return true
    const spare = this.#spare()
    const chosen = chooseEvictions(bytes - this.#budget.freeBytes, spare)
    if (chosen === null) return false
    for (const each of chosen) spare.find((candidate) => candidate.name === each.name)?.evict()
    return this.#budget.reserve(bytes)
  }

  /** Idle workers above their minimum, and generic ones, which are worth the least: they serve nobody yet. */
  #spare(): { name: string; memoryBytes: number; worth: number; evict(): void }[] {
    const bound = [...this.#groups.values()].flatMap((group) => this.#spareOf(group))
    const generic = this.#generic.spare().map(({ worker, shape }) => {
      return {
        name: worker.name,
        memoryBytes: worker.memoryBytes,
        worth: 0,
        evict: () => this.#generic.drop(shape, worker),
      }
    })
    return [...generic, ...bound]
  }

  #spareOf(group: WorkerGroup): { name: string; memoryBytes: number; worth: number; evict(): void }[] {
    const minimum = this.#minimum(group)
    const spare = Math.max(0, group.slots.size - minimum)
    return group
      .idle()
      .slice(0, spare)
      .map((slot) => ({
        name: slot.worker.name,
        memoryBytes: slot.heldBytes,
        worth: slot.worth,
        evict: () => {
          this.#greedyClock = Math.max(this.#greedyClock, slot.worth)
          this.#leave(group, slot, 'evicted')
        },
      }))
  }

  async #room(bytes: number): Promise<void> {
    if (this.#closing) throw shuttingDown()
    if (this.#makeRoom(bytes)) return
    if (bytes > this.#budget.limitBytes) throw tooLarge()
    await new Promise<void>((resolve) => this.#roomWaiters.push({ bytes, resolve }))
  }

  #memoryCameFree(): void {
    while (this.#roomWaiters[0] !== undefined && this.#makeRoom(this.#roomWaiters[0].bytes))
      this.#roomWaiters.shift()?.resolve()
    setImmediate(() => {
      const starved = [...this.#starved]
      this.#starved.clear()
      for (const group of starved) this.#provideFor(group)
      this.#generic.refillAll()
    })
  }

  /** An idle worker makes room for a function that has nothing and waits longer than its own calls. */
  #yieldTo(group: WorkerGroup, slot: Slot): boolean {
    const starved = this.#longestStarved(group)
    if (starved === null) return false
    const own = group.waiters[0] === undefined ? null : { since: group.waiters[0].since, hasNothing: false }
    if (!shouldYield(own, starved)) return false
    this.#leave(group, slot, 'evicted')
    return true
  }

  #longestStarved(except: WorkerGroup): { since: number; hasNothing: boolean } | null {
    let longest: { since: number; hasNothing: boolean } | null = null
    for (const group of this.#starved) {
      const [first] = group.waiters
      if (group === except || first === undefined || group.slots.size + group.provisioning > 0) continue
      if (longest === null || first.since < longest.since) longest = { since: first.since, hasNothing: true }
    }
    return longest
  }

  // --- housekeeping

  #group(revision: Revision): WorkerGroup {
    let group = this.#groups.get(revision.key)
    if (group === undefined || group.retired) {
      group = new WorkerGroup(revision)
      this.#groups.set(revision.key, group)
    }
    group.revision = revision
    return group
  }

  #tidy(group: WorkerGroup): void {
    if (!group.isEmpty) return
    this.#starved.delete(group)
    if (this.#groups.get(group.revision.key) === group) this.#groups.delete(group.revision.key)
  }

  #minimum(group: WorkerGroup): number {
    return group.retired ? 0 : (this.#kept.get(versionKey(group.revision))?.minWorkers ?? 0)
  }

  /** The shape of the generic workers that can become workers of this revision. */
  #shape(revision: Revision): Shape {
    const { image, network, trusted, runtimeId } = revision
    const memoryBytes = this.#runtimes.get(runtimeId ?? '')?.memoryBytes ?? revision.memoryBytes
    return { image, network, trusted, memoryBytes }
  }

  #sweepLater(): void {
    this.#stopSweep = this.#parts.clock.after(sweepMs, () => {
      for (const group of this.#groups.values()) this.#expire(group)
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
    const spare = Math.max(0, group.slots.size - this.#minimum(group))
    for (const slot of old.slice(0, spare)) this.#leave(group, slot, 'expired')
  }

  #isQuiet(): boolean {
    return [...this.#groups.values()].every((group) => [...group.slots].every((slot) => slot.inFlight === 0))
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

const versionKey = ({ functionId, functionVersion }: Revision): string => `${functionId}/${functionVersion}`

const shuttingDown = (): FaasError => new FaasError('shutting_down', 'The server is stopping; try again in a moment.')

const tooLarge = (): FaasError =>
  new FaasError(
    'no_worker',
    'The function needs more memory than all workers together may have (TAIBAI_MEMORY_BUDGET_MB).',
  )

function refuse(waiter: Waiter, error: unknown): void {
  waiter.stopTimer()
  waiter.reject(error)
}
