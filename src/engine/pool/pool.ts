import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { ColdReason } from '../../domain/execution.ts'
import type { Log } from '../../domain/log.ts'
import { type Outcome, platformFailed } from '../../domain/outcome.ts'
import type { Call, Caller, Lease, LoadFailure, Pool, Revision, WorkerInfo } from '../../domain/worker.ts'
import { CommandRuns } from './command-runs.ts'
import { Departures } from './departures.ts'
import { ExpectedCalls } from './expected-calls.ts'
import { GenericWorkers } from './generic-workers.ts'
import { Groups, isOf } from './groups.ts'
import { Memory } from './memory.ts'
import { MemoryLine } from './memory-line.ts'
import { Pauses } from './pauses.ts'
import { retryPauseMs } from './policy/pool-policy.ts'
import type { WorkerFactory } from './pool-worker.ts'
import { Provider, type Provision } from './provider.ts'
import { callerLeft, noneCameFree, shuttingDown, startFailed, tooLarge, tooManyWait } from './refusals.ts'
import { Room } from './room.ts'
import { Starts } from './starts.ts'
import { WarmAhead } from './warm-ahead.ts'
import { type BoundWorker, type Waiter, WorkerGroup } from './worker-group.ts'

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
  /** False while the engine does not answer: nothing is started then, and nobody goes for a start that cannot happen. */
  engineIsUp?(): boolean
}

/** Room for one call in a worker, given to that call. */
interface Slot {
  group: WorkerGroup
  bound: BoundWorker
  revision: Revision
  /** How the worker came, when it came for this call. */
  start: Provision | null
  since: number
  /** What waking the worker took; 0: it was not paused. */
  resumeMs: number
  caller: Caller | undefined
}

/** How often idle workers are looked at, and lost room is looked for. */
const sweepMs = 1000
/** How long before a due job its worker is made warm. */
const expectLeadMs = 1500
/** A start that fails is tried once more before the calls that wait hear of it. */
const triesPerStart = 2

/**
 * All workers and who waits for them. It alone gives workers to calls, refuses calls, and acts when memory comes free; the
 * parts below answer it and know nothing of it, nor of containers. `policy/` decides.
 */
export class WorkerPool implements Pool {
  #parts: PoolParts
  #groups: Groups
  #memory: Memory
  #line: MemoryLine
  #departures: Departures
  #starts: Starts
  #generic: GenericWorkers
  #room: Room
  #provider: Provider
  #commands: CommandRuns
  #ahead: WarmAhead
  #expected: ExpectedCalls
  #pauses: Pauses
  #willLookAgain = false
  #stopSweep: () => void = () => {}
  #closed: Promise<void> | null = null
  #onQuiet: () => void = () => {}

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { factory, clock, log, options, ranBefore } = parts
    const { memoryBudgetBytes, genericFloor: floor, maxWaiting, acquireTimeoutMs: timeoutMs } = options
    const mayStart = () => this.#closed !== null || this.#engineIsUp()
    const memory = new Memory(memoryBudgetBytes, () => this.#lookAgain())
    const line = new MemoryLine(memory)
    const groups = new Groups(memoryBudgetBytes)
    const starts = new Starts({ maxParallel: options.maxParallelStarts, mayStart })
    const departures = new Departures({ clock, groups, memory })
    const generic = new GenericWorkers({ factory, memory, departures, starts, clock, log, floor })
    const room = new Room({ clock, memory, line, groups, generic, departures })
    this.#provider = new Provider({ factory, starts, clock, groups, generic, memory, room, departures, ranBefore })
    this.#commands = new CommandRuns({ factory, clock, starts, memory, line, room, limits: { maxWaiting, timeoutMs } })
    this.#ahead = new WarmAhead({ clock, groups, room })
    this.#expected = new ExpectedCalls(clock)
    this.#pauses = new Pauses({ clock, log, pauseAfterMs: options.pauseAfterMs })
    this.#memory = memory
    this.#line = line
    this.#groups = groups
    this.#starts = starts
    this.#departures = departures
    this.#generic = generic
    this.#room = room
    this.#sweepLater()
  }

  /** Memory limits of all workers, also of those on their way, together. */
  get reservedBytes(): number {
    return this.#memory.usedBytes
  }

  acquire(revision: Revision, caller?: Caller): Lease | Promise<Lease | LoadFailure> {
    if (this.#closed !== null) return Promise.reject(shuttingDown())
    const group = this.#groups.of(revision)
    const now = this.#parts.clock.elapsed()
    const bound = group.take()
    if (bound !== undefined) {
      group.habits.arrivals.began(now)
      const slot = { group, bound, revision, start: null, since: now, resumeMs: 0, caller }
      return bound.sleep === null ? this.#lease(slot) : this.#awaken(slot)
    }
    const refusal = this.#refusal(group, revision)
    if (refusal === null) return this.#wait(group, revision, now, caller)
    this.#tidy(group)
    return Promise.reject(refusal)
  }

  async runCommand(revision: Revision, call: Call): Promise<Outcome> {
    if (this.#closed !== null) return platformFailed(shuttingDown().message, 0)
    if (!this.#memory.couldHold(revision.memoryBytes)) return platformFailed(tooLarge().message, 0)
    const outcome = await this.#commands.run(revision, call)
    this.#noteQuiet()
    return outcome
  }

  /** Calls that wait for the old code still get it. */
  retire(functionId: string, version: number | null, why: ColdReason): void {
    this.#expected.retire(functionId, version)
    if (why === 'new_code') this.#groups.unkeep(functionId, version)
    for (const group of this.#groups.retire(functionId, version)) {
      for (const bound of group.workers) this.#departures.leave(group, bound, why)
      this.#tidy(group)
    }
  }

  keep(revision: Revision): void {
    this.#groups.keep(revision)
    this.#act(revision, (group) => this.#provideFor(group))
  }

  scaleUp(revision: Revision, count: number): void {
    this.#act(revision, (group) => {
      for (let n = Math.min(count, group.room); n > 0; n--) void this.#provide(group, true)
    })
  }

  /** Never below what the function wants warm. */
  scaleDown(functionId: string, version: number, count: number): void {
    const groups = this.#groups.all().filter((group) => !group.retired && isOf(group.revision, functionId, version))
    for (const group of groups) {
      const spare = Math.max(0, group.serving - Math.max(1, this.#groups.minimum(group)))
      for (const bound of group.idle().slice(0, Math.min(count, spare))) this.#departures.leave(group, bound, 'evicted')
    }
  }

  expect(revision: Revision, atMs: number): void {
    if (this.#closed !== null) return
    const { clock } = this.#parts
    const inMs = atMs - clock.now()
    this.#act(revision, ({ habits }) => habits.arrivals.expect(clock.elapsed() + inMs))
    this.#expected.add(revision, inMs - expectLeadMs, () => {
      this.#act(revision, (group) => {
        if (group.idle().length + group.provisioning === 0 && group.room > 0) void this.#provide(group, true)
        this.#pauses.wakeAhead(group)
      })
    })
  }

  workers(): WorkerInfo[] {
    return this.#groups.all().flatMap(({ revision, workers }) =>
      [...workers].map(({ worker, inFlight, leaving, sleep }) => ({
        name: worker.name,
        functionId: revision.functionId,
        functionVersion: revision.functionVersion,
        runtimeId: revision.runtimeId,
        state: leaving ? 'leaving' : inFlight > 0 ? 'busy' : sleep === null ? 'idle' : 'paused',
      })),
    )
  }

  capacity(image: string): { total: number; available: number } {
    const groups = this.#groups.all().filter(({ revision }) => revision.image === image)
    const ready = this.#generic.ready(image)
    return { total: groups.reduce((sum, group) => sum + group.workers.size, ready), available: ready }
  }

  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void {
    const { id, image, memoryBytes, trusted } = runtime
    this.#generic.addRuntime(id, { image, network: 'egress', trusted, memoryBytes })
    this.#provider.refill()
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
    for (const group of this.#groups.all()) {
      group.refuse(shuttingDown())
      group.stopTimers()
    }
    this.#commands.close()
    const noneStarts = this.#provider.close()
    await this.#drained(drainMs)
    for (const group of this.#groups.all()) {
      for (const bound of group.workers) this.#departures.endBound(group, bound)
    }
    const noneRuns = this.#commands.stop()
    // An engine that does not answer is not waited for: what is left then, the next start removes.
    if (!this.#engineIsUp()) return
    await Promise.all([noneStarts, noneRuns])
    await this.#departures.settled()
  }

  // --- calls that wait

  /** Why the call may not even wait. */
  #refusal(group: WorkerGroup, revision: Revision): FaasError | null {
    if (!this.#memory.couldHold(revision.memoryBytes)) return tooLarge()
    return group.waiters.length < this.#parts.options.maxWaiting ? null : tooManyWait(group.waiters.length)
  }

  /** Until a worker is there, or time is up, or the caller leaves: then its place in line goes to the next at once. */
  #wait(
    group: WorkerGroup,
    revision: Revision,
    since: number,
    caller: Caller | undefined,
  ): Promise<Lease | LoadFailure> {
    const { clock, options } = this.#parts
    const signal = caller?.signal
    if (signal?.aborted) {
      this.#tidy(group)
      return Promise.reject(callerLeft())
    }
    const { arrivals } = group.habits
    arrivals.began(since)
    return new Promise((resolve, reject) => {
      const giveUp = (why: FaasError) => {
        group.waiters.splice(group.waiters.indexOf(waiter), 1)
        waiter.reject(why)
        this.#tidy(group)
        this.#noteIdle()
      }
      const onAbort = () => giveUp(callerLeft())
      const stopWaiting = () => {
        stopTimer()
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        ...{ since, revision, caller },
        resolve: (got) => {
          stopWaiting()
          if ('kind' in got && got.kind === 'load_failure') arrivals.ended(clock.elapsed())
          resolve(got)
        },
        reject: (error) => {
          stopWaiting()
          arrivals.ended(clock.elapsed())
          reject(error)
        },
      }
      const tooLate = () => giveUp(noneCameFree(options.acquireTimeoutMs, this.#engineIsUp()))
      const stopTimer = clock.after(options.acquireTimeoutMs, tooLate)
      signal?.addEventListener('abort', onAbort, { once: true })
      group.waiters.push(waiter)
      this.#provideFor(group)
    })
  }

  /** Gives room in the group's workers to those who wait longest. The first may be told what the worker's start cost. */
  #serve(group: WorkerGroup, start: Provision | null): void {
    let told = start
    const since = this.#parts.clock.elapsed()
    while (group.waiters.length > 0) {
      const bound = group.take()
      if (bound === undefined) return
      const waiter = group.waiters.shift() as Waiter
      const { revision, caller } = waiter
      const slot = { group, bound, revision, start: told, since, resumeMs: 0, caller }
      waiter.resolve(bound.sleep === null ? this.#lease(slot) : this.#awaken(slot))
      told = null
    }
  }

  #lease({ group, bound, revision, start, since, resumeMs }: Slot): Lease {
    return {
      kind: 'lease',
      worker: bound.worker.name,
      startKind: start?.startKind ?? 'warm',
      coldReason: start?.reason ?? null,
      loadMs: start?.bound.loadMs ?? 0,
      resumeMs,
      call: (call) => bound.worker.call(call, revision.timeoutMs),
      release: () => this.#release(group, bound, since),
    }
  }

  /** A paused worker that runs again; when it does not, another one. */
  async #awaken(slot: Slot): Promise<Lease | LoadFailure> {
    const { group, bound, revision, caller } = slot
    const { clock, log } = this.#parts
    const from = clock.elapsed()
    try {
      await this.#pauses.wake(bound)
      if (!bound.worker.isEnding) return this.#lease({ ...slot, resumeMs: clock.elapsed() - from })
    } catch (error) {
      log.warn({ err: error, worker: bound.worker.name }, 'a paused worker could not be resumed')
    }
    this.#departures.leave(group, bound, 'worker_died')
    this.#giveBack(group, bound, clock.elapsed())
    return this.acquire(revision, caller)
  }

  #release(group: WorkerGroup, bound: BoundWorker, since: number): void {
    const now = this.#parts.clock.elapsed()
    group.habits.noteRun(now - since)
    this.#giveBack(group, bound, now)
  }

  #giveBack(group: WorkerGroup, bound: BoundWorker, now: number): void {
    if (bound.worker.isEnding) this.#departures.leave(group, bound, 'worker_died')
    group.giveBack(bound)
    group.habits.arrivals.ended(now)
    if (bound.inFlight === 0) this.#nowIdle(group, bound, now)
    this.#serve(group, null)
    this.#noteQuiet()
  }

  /** Goes, if it must or somebody else needs its memory more. */
  #nowIdle(group: WorkerGroup, bound: BoundWorker, now: number): void {
    if (bound.leaving) return this.#departures.endBound(group, bound)
    if (group.retired && group.waiters.length === 0) return this.#departures.leave(group, bound, 'new_code')
    bound.idleSince = now
    if (this.#room.shouldYield(group)) return this.#departures.leave(group, bound, 'evicted')
    this.#noteIdle()
  }

  // --- workers that come and go

  /** As many as the calls and the minimum of the group want. After a failure, when the pause is over. */
  #provideFor(group: WorkerGroup): void {
    if (this.#closed !== null || this.#isPausing(group)) return
    for (let n = this.#provider.wanted(group); n > 0; n--) void this.#provide(group)
    this.#lookAtBusyLater(group)
  }

  /** One more worker; `anyway`: whether somebody waits for it or not. Without memory it is in line for some then. */
  async #provide(group: WorkerGroup, anyway = false): Promise<void> {
    const from = this.#parts.clock.elapsed()
    const place = this.#provider.takePlace(group, anyway)
    try {
      const got = await this.#provider.provide(group, place)
      place.leave()
      if (got !== null && got !== 'no_memory') this.#join(group, got)
    } catch (error) {
      place.leave()
      this.#failed(group, from, error)
    }
    if (!this.#line.has(group)) this.#provideFor(group)
    this.#tidy(group)
  }

  #join(group: WorkerGroup, provision: Provision): void {
    const { worker, bound: loading } = provision
    if (!loading.loaded) {
      this.#departures.end(worker, group.bytes, group.projectId)
      tellLoadFailure(group, provision)
      return this.#notLoaded(group)
    }
    group.habits.noteCold(provision.tookMs)
    const idleSince = this.#parts.clock.elapsed()
    const bound: BoundWorker = {
      ...{ worker, inFlight: 0, calls: 0, idleSince, heldBytes: group.bytes, leaving: false },
      ...{ sleep: null, waking: null, mayPause: true },
    }
    void worker.gone.then(() => this.#gone(group, bound))
    group.add(bound)
    this.#serve(group, provision)
    if (bound.inFlight === 0 && (group.retired || this.#closed !== null)) {
      this.#departures.leave(group, bound, 'new_code')
    }
  }

  #gone(group: WorkerGroup, bound: BoundWorker): void {
    const hasDied = !bound.leaving
    if (hasDied) this.#departures.noteLeaving(group, bound, 'worker_died')
    group.workers.delete(bound)
    this.#departures.letGo(group, bound)
    if (hasDied && bound.calls === 0) this.#failed(group, this.#parts.clock.elapsed(), diedIdle(bound))
    this.#provideFor(group)
    this.#tidy(group)
    this.#noteQuiet()
  }

  /** The next try is after a pause. Those that began before the last failure are one with it. */
  #failed(group: WorkerGroup, from: number, error: unknown): void {
    const { log, clock } = this.#parts
    const { functionId, image } = group.revision
    log.error({ err: error, function: functionId, image }, 'a worker did not start')
    if (from >= group.failedAt) group.failures++
    group.failedAt = clock.elapsed()
    const isLost = group.failures >= triesPerStart && group.serving + group.provisioning === 0
    if (isLost) group.refuse(startFailed(error))
    this.#retryLater(group)
  }

  /** Its code cannot be loaded: for its minimum alone that is not tried again before a pause, which grows. */
  #notLoaded(group: WorkerGroup): void {
    if (this.#groups.minimum(group) === 0) return
    group.failures++
    this.#retryLater(group)
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
    if (this.#closed !== null || group.retry !== null) return
    const forCalls = group.waiters.length > 0
    const stop = this.#parts.clock.after(retryPauseMs(group.failures, forCalls), () => {
      group.retry = null
      this.#provideFor(group)
      this.#tidy(group)
    })
    group.retry = { forCalls, stop }
  }

  /** What was left to busy workers is looked at again when a start would have been through. */
  #lookAtBusyLater(group: WorkerGroup): void {
    if (group.stopPatience !== null || group.waiters.length === 0 || this.#provider.servedByBusy(group) === 0) return
    group.stopPatience = this.#parts.clock.after(this.#provider.startMs(group), () => {
      group.stopPatience = null
      this.#provideFor(group)
    })
  }

  // --- housekeeping

  /** What concerns the group of a revision, which is forgotten again when nothing comes of it. */
  #act(revision: Revision, action: (group: WorkerGroup) => void): void {
    if (this.#closed !== null) return
    const group = this.#groups.of(revision)
    action(group)
    this.#tidy(group)
  }

  /** Forgets a group of which nothing is left. */
  #tidy(group: WorkerGroup): void {
    if (this.#groups.tidy(group)) this.#line.delete(group)
  }

  /** A worker is idle: whoever found no memory may have its. */
  #noteIdle(): void {
    if (!this.#line.isEmpty) this.#lookAgain()
  }

  /** Memory came free, or may have: those without are asked again, then work ahead goes on. */
  #lookAgain(): void {
    if (this.#willLookAgain) return
    this.#willLookAgain = true
    setImmediate(() => {
      this.#willLookAgain = false
      for (const who of this.#line.inOrder()) {
        if (!(who instanceof WorkerGroup)) this.#commands.tryAgain(who)
        else {
          this.#line.delete(who)
          this.#provideFor(who)
        }
      }
      this.#provider.refill()
    })
  }

  #sweepLater(): void {
    this.#stopSweep = this.#parts.clock.after(sweepMs, () => {
      this.#starts.look()
      for (const group of this.#groups.all()) {
        this.#expire(group)
        this.#pauses.look(group)
      }
      for (const group of this.#ahead.due()) void this.#provide(group, true)
      this.#lookAgain()
      this.#sweepLater()
    })
  }

  /** Idle workers beyond the function's own time-out go, down to its minimum. */
  #expire(group: WorkerGroup): void {
    const { idleTimeoutMs } = group.revision
    if (idleTimeoutMs === null) return
    const before = this.#parts.clock.elapsed() - idleTimeoutMs
    const old = group.idle().filter((bound) => bound.idleSince <= before)
    const spare = Math.max(0, group.serving - this.#groups.minimum(group))
    for (const bound of old.slice(0, spare)) this.#departures.leave(group, bound, 'expired')
  }

  #engineIsUp(): boolean {
    return this.#parts.engineIsUp?.() ?? true
  }

  /** While it closes: whether a call still runs. */
  #noteQuiet(): void {
    if (this.#closed === null) return
    const isQuiet = this.#groups.all().every((group) => group.running === 0)
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

const diedIdle = ({ worker }: BoundWorker): FaasError =>
  new FaasError('engine_failed', `Worker ${worker.name} ended before it served a call.`)

/** Every call that waits would have gone to this worker: all of them hear what is wrong with the code. */
function tellLoadFailure(group: WorkerGroup, { worker, startKind, reason, bound }: Provision): void {
  if (bound.loaded) return
  const { outcome, log, loadMs } = bound
  for (const waiter of group.waiters.splice(0)) {
    waiter.resolve({ kind: 'load_failure', outcome, log, loadMs, worker: worker.name, startKind, coldReason: reason })
  }
}
