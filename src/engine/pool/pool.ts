import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { ColdReason } from '../../domain/execution.ts'
import type { Log } from '../../domain/log.ts'
import { type Outcome, platformFailed } from '../../domain/outcome.ts'
import type { Call, Lease, LoadFailure, Pool, Revision, WorkerInfo } from '../../domain/worker.ts'
import { CommandRuns } from './command-runs.ts'
import { Endings } from './endings.ts'
import { ExpectedCalls } from './expected-calls.ts'
import { GenericWorkers } from './generic-workers.ts'
import { MemoryBudget } from './memory-budget.ts'
import { Pauses } from './pauses.ts'
import { isOf, PoolGroups } from './pool-groups.ts'
import { PoolMemory } from './pool-memory.ts'
import type { WorkerFactory } from './pool-worker.ts'
import { Provider, type Provision } from './provider.ts'
import { Starts } from './starts.ts'
import { WarmAhead } from './warm-ahead.ts'
import type { Slot, Waiter, WorkerGroup } from './worker-group.ts'

export interface PoolOptions {
  memoryBudgetBytes: number
  genericFloor: number
  maxParallelStarts: number
  maxWaiting: number
  acquireTimeoutMs: number
  /** Idle workers are paused after this time; 0: never. */
  pauseAfterMs: number
}

export interface PoolParts {
  factory: WorkerFactory
  clock: Clock
  log: Log
  options: PoolOptions
  /** Whether a function version ran in an earlier process. */
  ranBefore(functionId: string, version: number): boolean
}

/** A worker's room for one call, given to that call. */
interface Given {
  group: WorkerGroup
  slot: Slot
  revision: Revision
  /** How the worker came, when it came for this call. */
  start: Provision | null
  since: number
  /** What waking the worker took; 0: it was not paused. */
  resumeMs: number
}

/** How often idle workers are looked at, and lost room is looked for. */
const sweepMs = 1000
/** How long before a due job its worker is made warm. */
const expectLeadMs = 1500

/** All workers and who waits for them. Asks `pool-policy.ts`, then acts; knows nothing of containers. */
export class WorkerPool implements Pool {
  #parts: PoolParts
  #groups = new PoolGroups()
  #endings = new Endings()
  #budget: MemoryBudget
  #expected: ExpectedCalls
  #generic: GenericWorkers
  #memory: PoolMemory
  #ahead: WarmAhead
  #pauses: Pauses
  #provider: Provider
  #commands: CommandRuns
  #stopSweep: () => void = () => {}
  #closed: Promise<void> | null = null
  #onQuiet: () => void = () => {}

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { factory, clock, log, options, ranBefore } = parts
    const { memoryBudgetBytes: limitBytes, genericFloor: floor, maxWaiting, acquireTimeoutMs: timeoutMs } = options
    const budget = new MemoryBudget(limitBytes)
    const starts = new Starts(options.maxParallelStarts)
    const common = { factory, clock, log, starts, budget, groups: this.#groups, endings: this.#endings }
    const generic = new GenericWorkers({
      ...common,
      ...{ floor, limitBytes },
      reserveAhead: (bytes, gain) => memory.reserveAhead(bytes, gain),
      giveBack: (bytes) => memory.giveBack(bytes),
      noteReady: () => memory.noteIdle(),
    })
    const memory = new PoolMemory({
      ...{ ...common, generic },
      leave: (group, slot, why) => this.#leave(group, slot, why),
      provideFor: (group) => this.#provider.provideFor(group),
    })
    this.#provider = new Provider({
      ...{ ...common, generic, memory, ranBefore },
      join: (group, provision) => this.#join(group, provision),
      refuse: refuseAll,
    })
    const onEnd = () => this.#noteQuiet()
    this.#commands = new CommandRuns({ factory, memory, limits: { maxWaiting, timeoutMs }, onEnd })
    this.#expected = new ExpectedCalls(clock)
    this.#pauses = new Pauses({ clock, log, pauseAfterMs: options.pauseAfterMs })
    this.#budget = budget
    this.#generic = generic
    this.#memory = memory
    this.#ahead = new WarmAhead({ ...common, memory, provide: (group) => this.#provider.provide(group, true) })
    this.#sweepLater()
  }

  /** Memory limits of all workers, also of those on their way, together. */
  get reservedBytes(): number {
    return this.#budget.usedBytes
  }

  acquire(revision: Revision): Lease | Promise<Lease | LoadFailure> {
    if (this.#closed !== null) return Promise.reject(shuttingDown())
    const group = this.#groups.of(revision)
    const now = this.#parts.clock.elapsed()
    const slot = group.take()
    if (slot !== undefined) {
      group.habits.arrivals.began(now)
      const given = { group, slot, revision, start: null, since: now, resumeMs: 0 }
      return slot.sleep === null ? this.#lease(given) : this.#awaken(given)
    }
    const refusal = this.#refusal(group, revision)
    if (refusal === null) return this.#wait(group, revision, now)
    this.#provider.tidy(group)
    return Promise.reject(refusal)
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    if (this.#closed !== null) return platformFailed(shuttingDown().message, 0)
    if (!this.#memory.couldHold(revision.memoryBytes)) return platformFailed(tooLarge().message, 0)
    return this.#commands.run(revision, call)
  }

  /** Calls that wait for the old code still get it. */
  retire(functionId: string, version: number | null, why: ColdReason): void {
    this.#expected.retire(functionId, version)
    this.#ahead.retire(functionId, version)
    if (why === 'new_code') this.#groups.unkeep(functionId, version)
    for (const group of this.#groups.retire(functionId, version)) {
      for (const slot of group.slots) this.#leave(group, slot, why)
      this.#provider.tidy(group)
    }
  }

  keep(revision: Revision): void {
    this.#groups.keep(revision)
    this.#act(revision, (group) => this.#provider.provideFor(group))
  }

  scaleUp(revision: Revision, count: number): void {
    this.#act(revision, (group) => {
      for (let n = Math.min(count, group.room); n > 0; n--) this.#provider.provide(group, true)
    })
  }

  /** Never below what the function wants warm. */
  scaleDown(functionId: string, version: number, count: number): void {
    const groups = this.#groups.all().filter((group) => !group.retired && isOf(group.revision, functionId, version))
    for (const group of groups) {
      const spare = Math.max(0, group.serving - Math.max(1, this.#groups.minimum(group)))
      for (const slot of group.idle().slice(0, Math.min(count, spare))) this.#leave(group, slot, 'evicted')
    }
  }

  expect(revision: Revision, atMs: number): void {
    if (this.#closed !== null) return
    const { clock } = this.#parts
    const inMs = atMs - clock.now()
    this.#act(revision, ({ habits }) => habits.arrivals.expect(clock.elapsed() + inMs))
    this.#expected.add(revision, inMs - expectLeadMs, () => {
      this.#act(revision, (group) => {
        if (group.idle().length + group.provisioning === 0 && group.room > 0) this.#provider.provide(group, true)
        this.#pauses.wakeAhead(group)
      })
    })
  }

  workers(): WorkerInfo[] {
    return this.#groups.all().flatMap(({ revision, slots }) =>
      [...slots].map(({ worker, inFlight, leaving, sleep }) => ({
        name: worker.name,
        functionId: revision.functionId,
        functionVersion: revision.functionVersion,
        runtimeId: revision.runtimeId,
        state: leaving ? 'leaving' : inFlight > 0 ? 'busy' : sleep === null ? 'idle' : 'paused',
      })),
    )
  }

  capacity(image: string): { total: number; available: number } {
    const bound = this.#groups.all().filter(({ revision }) => revision.image === image)
    const ready = this.#generic.ready(image)
    return { total: bound.reduce((sum, group) => sum + group.slots.size, ready), available: ready }
  }

  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void {
    const { id, image, memoryBytes, trusted } = runtime
    this.#generic.addRuntime(id, { image, network: 'egress', trusted, memoryBytes })
  }

  removeRuntime(id: string): void {
    this.#generic.removeRuntime(id)
  }

  close(drainMs: number): Promise<void> {
    this.#closed ??= Promise.resolve().then(() => this.#close(drainMs))
    return this.#closed
  }

  async #close(drainMs: number): Promise<void> {
    this.#stopSweep()
    this.#expected.close()
    for (const group of this.#groups.all()) refuseAll(group, shuttingDown())
    this.#memory.refuseRoom(shuttingDown())
    const noneStarts = Promise.all([this.#generic.close(), this.#provider.close()])
    await this.#drained(drainMs)
    for (const group of this.#groups.all()) for (const { worker } of group.slots) this.#endings.end(worker)
    await Promise.all([noneStarts, this.#commands.stop()])
    await this.#endings.settled()
  }

  // --- calls that wait

  /** Why the call may not even wait. */
  #refusal(group: WorkerGroup, revision: Revision): FaasError | null {
    if (!this.#memory.couldHold(revision.memoryBytes)) return tooLarge()
    if (group.waiters.length < this.#parts.options.maxWaiting) return null
    const message = `${group.waiters.length} calls of this function wait for a worker already; try again later.`
    return new FaasError('no_worker', message)
  }

  #wait(group: WorkerGroup, revision: Revision, since: number): Promise<Lease | LoadFailure> {
    const { clock, options } = this.#parts
    const { arrivals } = group.habits
    arrivals.began(since)
    return new Promise((resolve, reject) => {
      const stopTimer = clock.after(options.acquireTimeoutMs, () => {
        group.waiters.splice(group.waiters.indexOf(waiter), 1)
        this.#provider.tidy(group)
        this.#memory.noteIdle()
        waiter.reject(new FaasError('no_worker', `No worker came free within ${options.acquireTimeoutMs / 1000} s.`))
      })
      const waiter: Waiter = {
        ...{ since, revision, stopTimer },
        resolve: (got) => {
          if (got.kind === 'load_failure') arrivals.ended(clock.elapsed())
          resolve(got)
        },
        reject: (error) => {
          arrivals.ended(clock.elapsed())
          reject(error)
        },
      }
      group.waiters.push(waiter)
      this.#provider.provideFor(group)
    })
  }

  /** Gives the slot's room to those who wait longest. The first may be told what the worker's start cost. */
  #serve(group: WorkerGroup, start: Provision | null): void {
    let told = start
    const since = this.#parts.clock.elapsed()
    while (group.waiters.length > 0) {
      const slot = group.take()
      if (slot === undefined) return
      const waiter = group.waiters.shift() as Waiter
      waiter.stopTimer()
      const given = { group, slot, revision: waiter.revision, start: told, since, resumeMs: 0 }
      if (slot.sleep === null) waiter.resolve(this.#lease(given))
      else this.#awaken(given).then(waiter.resolve, waiter.reject)
      told = null
    }
  }

  #lease({ group, slot, revision, start, since, resumeMs }: Given): Lease {
    return {
      kind: 'lease',
      worker: slot.worker.name,
      startKind: start?.startKind ?? 'warm',
      coldReason: start?.reason ?? null,
      loadMs: start?.bound.loadMs ?? 0,
      resumeMs,
      call: (call) => slot.worker.call(call, revision.timeoutMs),
      release: () => this.#release(group, slot, since),
    }
  }

  /** A paused worker that runs again; when it does not, another one. */
  async #awaken(given: Given): Promise<Lease | LoadFailure> {
    const { group, slot, revision } = given
    const { clock, log } = this.#parts
    const from = clock.elapsed()
    try {
      await this.#pauses.wake(slot)
      if (!slot.worker.isEnding) return this.#lease({ ...given, resumeMs: clock.elapsed() - from })
    } catch (error) {
      log.warn({ err: error, worker: slot.worker.name }, 'a paused worker could not be resumed')
    }
    this.#leave(group, slot, 'worker_died')
    this.#giveBack(group, slot, clock.elapsed())
    return this.acquire(revision)
  }

  #release(group: WorkerGroup, slot: Slot, since: number): void {
    const now = this.#parts.clock.elapsed()
    group.habits.noteRun(now - since)
    this.#giveBack(group, slot, now)
  }

  #giveBack(group: WorkerGroup, slot: Slot, now: number): void {
    if (slot.worker.isEnding) this.#leave(group, slot, 'worker_died')
    group.giveBack(slot)
    group.habits.arrivals.ended(now)
    if (slot.inFlight === 0) this.#nowIdle(group, slot, now)
    this.#serve(group, null)
    if (this.#closed !== null) this.#noteQuiet()
  }

  /** Goes, if it must or somebody else needs its memory more. */
  #nowIdle(group: WorkerGroup, slot: Slot, now: number): void {
    if (slot.leaving) return this.#end(slot)
    if (group.retired && group.waiters.length === 0) return this.#leave(group, slot, 'new_code')
    slot.idleSince = now
    if (this.#memory.shouldYield(group)) return this.#leave(group, slot, 'evicted')
    this.#memory.noteIdle()
  }

  // --- workers that come and go

  #join(group: WorkerGroup, provision: Provision): void {
    const { worker, bound } = provision
    const heldBytes = group.revision.memoryBytes
    if (!bound.loaded) {
      this.#memory.giveBack(heldBytes)
      this.#endings.end(worker)
      tellLoadFailure(group, provision)
      return this.#provider.notLoaded(group)
    }
    group.habits.noteCold(provision.tookMs)
    const now = this.#parts.clock.elapsed()
    const slot: Slot = {
      ...{ worker, inFlight: 0, calls: 0, idleSince: now, heldBytes, leaving: false },
      ...{ sleep: null, waking: null, mayPause: true },
    }
    void worker.gone.then(() => this.#gone(group, slot))
    group.add(slot)
    this.#serve(group, provision)
    if (slot.inFlight === 0 && (group.retired || this.#closed !== null)) this.#leave(group, slot, 'new_code')
  }

  /** Takes no more calls; ends when those in flight have ended. */
  #leave(group: WorkerGroup, slot: Slot, why: ColdReason): void {
    if (slot.leaving) return
    group.leave(slot)
    this.#groups.noteLeft(group, why)
    if (group.serving === 0) this.#ahead.noteLeft(group, why)
    if (slot.inFlight === 0) this.#end(slot)
  }

  #end(slot: Slot): void {
    this.#memory.letGo(slot)
    this.#endings.end(slot.worker)
  }

  #gone(group: WorkerGroup, slot: Slot): void {
    const hasDied = !slot.leaving
    if (hasDied) {
      group.leave(slot)
      this.#groups.noteLeft(group, 'worker_died')
    }
    group.slots.delete(slot)
    this.#memory.letGo(slot)
    if (hasDied && slot.calls === 0) this.#provider.failed(group, this.#parts.clock.elapsed(), diedIdle(slot))
    this.#provider.provideFor(group)
    this.#provider.tidy(group)
    if (this.#closed !== null) this.#noteQuiet()
  }

  // --- housekeeping

  /** What concerns the group of a revision, which is forgotten again when nothing comes of it. */
  #act(revision: Revision, action: (group: WorkerGroup) => void): void {
    if (this.#closed !== null) return
    const group = this.#groups.of(revision)
    action(group)
    this.#provider.tidy(group)
  }

  #sweepLater(): void {
    this.#stopSweep = this.#parts.clock.after(sweepMs, () => {
      for (const group of this.#groups.all()) {
        this.#expire(group)
        this.#pauses.look(group)
      }
      this.#ahead.look()
      this.#memory.lookAgain()
      this.#sweepLater()
    })
  }

  /** Idle workers beyond the function's own time-out go, down to its minimum. */
  #expire(group: WorkerGroup): void {
    const { idleTimeoutMs } = group.revision
    if (idleTimeoutMs === null) return
    const before = this.#parts.clock.elapsed() - idleTimeoutMs
    const old = group.idle().filter((slot) => slot.idleSince <= before)
    const spare = Math.max(0, group.serving - this.#groups.minimum(group))
    for (const slot of old.slice(0, spare)) this.#leave(group, slot, 'expired')
  }

  #noteQuiet(): void {
    const isQuiet = this.#groups.all().every((group) => [...group.slots].every((slot) => slot.inFlight === 0))
    if (isQuiet && this.#commands.count === 0) this.#onQuiet()
  }

  /** Resolves when no call runs, or the deadline has passed. */
  #drained(drainMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stopTimer = this.#parts.clock.after(drainMs, resolve)
      this.#onQuiet = () => {
        stopTimer()
        resolve()
      }
      this.#noteQuiet()
    })
  }
}

const diedIdle = (slot: Slot): FaasError =>
  new FaasError('engine_failed', `Worker ${slot.worker.name} ended before it served a call.`)

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
