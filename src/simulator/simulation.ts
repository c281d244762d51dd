import { chooseEvictions } from '../engine/pool/policy/pool-policy.ts'
import { EventHeap } from './event-heap.ts'
import { type Figures, noCalls } from './figures.ts'
import { IdleWorkers } from './idle-workers.ts'
import type {
  GenericPool,
  KeepAlive,
  SimulatedFunction,
  SimulatedGeneric,
  SimulatedWorker,
  World,
} from './keep-alive-policy.ts'
import { MemoryMeter } from './memory-meter.ts'
import { StartQueue } from './start-queue.ts'
import type { Trace } from './trace.ts'

type Event =
  | { kind: 'end'; worker: SimulatedWorker; call: number }
  | { kind: 'up'; fn: SimulatedFunction; ahead: boolean }
  | { kind: 'bound'; fn: SimulatedFunction }
  | { kind: 'ready'; pool: GenericPool }
  | { kind: 'sweep' }
  | { kind: 'worker'; worker: SimulatedWorker }
  | { kind: 'function'; fn: SimulatedFunction }
  | { kind: 'patience'; fn: SimulatedFunction }

/** The service's default. */
const maxParallelStarts = 4
/** Interval of the refills of generic workers. */
const sweepMs = 10_000

/**
 * Runs a trace with a rule that keeps workers. Everything else is the same for all rules, as in the pool: a call takes the idle
 * worker used last; else a generic worker of its runtime, if the rule keeps some; else a new one is started, and whichever is
 * ready first, the new or a busy one, serves the call. Time is simulated, one event after the other, so equal traces give equal
 * figures.
 */
export class Simulation implements World {
  readonly trace: Trace
  readonly functions: SimulatedFunction[]
  readonly generic: GenericPool[]
  now = 0
  #rule: KeepAlive
  #events = new EventHeap<Event>()
  #starts = new StartQueue(maxParallelStarts, (takesMs, event: Event) => this.#events.add(this.now + takesMs, event))
  #made = 0
  #memory = new MemoryMeter()
  #idle = new IdleWorkers()
  #figures = noCalls()

  constructor(trace: Trace, rule: KeepAlive) {
    this.trace = trace
    this.#rule = rule
    this.functions = trace.functions.map((traced, index) => ({
      ...traced,
      index,
      free: [],
      workers: 0,
      starting: 0,
      active: 0,
      waiting: [],
      calls: 0,
      lookAt: Number.POSITIVE_INFINITY,
      meanRunMs: 0,
    }))
    const runtimes = rule.generic === undefined ? [] : trace.runtimes
    this.generic = runtimes.map((runtime) => ({ runtime, ready: [], starting: 0 }))
  }

  run(): Figures {
    const { atMs, lengthMs } = this.trace
    if (this.generic.length > 0) this.#events.add(0, { kind: 'sweep' })
    for (let call = 0; call < atMs.length; call++) {
      this.#until(atMs[call] as number)
      this.now = atMs[call] as number
      this.#arrive(call)
    }
    this.#until(lengthMs)
    this.now = lengthMs
    for (const worker of this.idle) if (!worker.hasServed) this.#figures.warmedInVain++
    return { ...this.#figures, ...this.#memory.figures(this.now) }
  }

  // --- actions of rules

  get idle(): readonly SimulatedWorker[] {
    return this.#idle.all
  }

  get freeBytes(): number {
    return this.#rule.budgetBytes - this.#memory.heldBytes
  }

  /** Expected time until a new worker is ready. */
  startMs(fn: SimulatedFunction): number {
    return (this.#genericOf(fn)?.ready.length ?? 0) > 0 ? 0 : fn.coldMs
  }

  /** How long the first waiting call has waited. */
  waitedMs(fn: SimulatedFunction): number {
    const [oldest] = fn.waiting
    return oldest === undefined ? 0 : this.now - (this.trace.atMs[oldest] as number)
  }

  /** All workers that may be evicted, with their current worth. */
  spare(): (SimulatedWorker | SimulatedGeneric)[] {
    this.#rule.appraise?.(this.idle, this.now)
    for (const pool of this.generic) this.#rule.generic?.appraise?.(pool, this.now)
    return [...this.idle, ...this.generic.flatMap(({ ready }) => ready)]
  }

  end(worker: SimulatedWorker): void {
    const { fn } = worker
    this.#noLongerIdle(worker)
    fn.free.splice(fn.free.indexOf(worker), 1)
    fn.workers--
    worker.isGone = true
    this.#memory.hold(-worker.memoryBytes, this.now)
    if (!worker.hasServed) this.#figures.warmedInVain++
  }

  /** Starts a worker for which no call waits. */
  warm(fn: SimulatedFunction): void {
    this.#figures.warmed++
    this.#provideOne(fn, true)
  }

  lookAtFunction(fn: SimulatedFunction, at: number): void {
    if (at >= fn.lookAt || at > this.trace.lengthMs) return
    fn.lookAt = at
    this.#events.add(at, { kind: 'function', fn })
  }

  // --- events

  #until(at: number): void {
    while (this.#events.nextAt <= at) {
      this.now = this.#events.nextAt
      this.#happen(this.#events.next() as Event)
    }
  }

  #happen(event: Event): void {
    switch (event.kind) {
      case 'end':
        return this.#ended(event.worker, event.call)
      case 'up':
        this.#starts.ended()
        return this.#up(event.fn, event.ahead)
      case 'bound':
        return this.#join(event.fn, 'prewarmed')
      case 'ready':
        this.#starts.ended()
        event.pool.starting--
        return this.#addReady(event.pool)
      case 'sweep':
        for (const pool of this.generic) this.#refill(pool)
        return this.#events.add(this.now + sweepMs, event)
      case 'worker':
        return this.#look(event.worker)
      case 'function':
        if (event.fn.lookAt > this.now) return
        event.fn.lookAt = Number.POSITIVE_INFINITY
        return this.#rule.lookFunction?.(event.fn, this)
      case 'patience':
        return this.#provide(event.fn)
    }
  }

  #arrive(call: number): void {
    const fn = this.functions[this.trace.functionOf[call] as number] as SimulatedFunction
    this.#figures.calls++
    fn.calls++
    fn.active++
    this.#rule.began?.(fn, this.now)
    const worker = fn.free[fn.free.length - 1]
    if (worker !== undefined) return this.#serve(worker, call)
    fn.waiting.push(call)
    this.#provide(fn)
  }

  #provide(fn: SimulatedFunction): void {
    const wanted = this.#rule.starts?.(fn, this) ?? Math.ceil(fn.waiting.length / fn.concurrency) - fn.starting
    for (let n = 0; n < wanted; n++) this.#provideOne(fn, false)
    if (fn.waiting.length > 0 && fn.starting === 0) this.#events.add(this.now + fn.coldMs, { kind: 'patience', fn })
  }

  #serve(worker: SimulatedWorker, call: number): void {
    const { fn } = worker
    if (worker.running === 0) this.#noLongerIdle(worker)
    worker.running++
    worker.hasServed = true
    if (worker.running >= fn.concurrency) fn.free.pop()
    this.#figures.delayMs += this.now - (this.trace.atMs[call] as number)
    const runMs = this.trace.runMs[call] as number
    fn.meanRunMs = fn.meanRunMs === 0 ? runMs : fn.meanRunMs * 0.8 + runMs * 0.2
    this.#events.add(this.now + runMs, { kind: 'end', worker, call })
  }

  #ended(worker: SimulatedWorker, _call: number): void {
    const { fn } = worker
    fn.active--
    this.#rule.ended?.(fn, this.now)
    if (worker.running-- === fn.concurrency) fn.free.push(worker)
    const waiting = fn.waiting.shift()
    if (waiting !== undefined) {
      this.#figures.waited++
      this.#figures.waitedMs += this.now - (this.trace.atMs[waiting] as number)
      if (worker.running === 0) this.#noteIdle(worker)
      this.#serve(worker, waiting)
    } else if (worker.running === 0) this.#nowIdle(worker)
  }

  #provideOne(fn: SimulatedFunction, ahead: boolean): void {
    const pool = this.#genericOf(fn)
    if (pool !== null && !ahead) this.#rule.generic?.taken?.(pool, this.now)
    fn.starting++
    if (pool === null || pool.ready.length === 0) this.#start(fn, ahead)
    else this.#bind(fn, pool)
    if (pool !== null) this.#refill(pool)
  }

  #start(fn: SimulatedFunction, ahead: boolean): void {
    this.#hold(fn.memoryBytes)
    const isNeeded = () => {
      if (ahead || fn.waiting.length >= fn.starting || fn.workers + fn.starting === 1) return true
      fn.starting--
      this.#hold(-fn.memoryBytes)
      return false
    }
    this.#starts.add({ urgency: 'now', takesMs: fn.coldMs, event: { kind: 'up', fn, ahead }, isNeeded })
  }

  #up(fn: SimulatedFunction, ahead: boolean): void {
    const isSurplus = fn.waiting.length === 0 && !ahead
    if (!isSurplus) return this.#join(fn, 'cold')
    fn.starting--
    this.#hold(-fn.memoryBytes)
    const pool = this.#genericOf(fn)
    if (pool === null || this.#rule.generic?.wantsMore(pool, this) !== true) return
    this.#hold(pool.runtime.memoryBytes)
    this.#memory.generic(pool.runtime.memoryBytes, this.now)
    this.#addReady(pool)
  }

  #join(fn: SimulatedFunction, start: 'cold' | 'prewarmed'): void {
    fn.starting--
    fn.workers++
    const call = fn.waiting.shift()
    const worker: SimulatedWorker = {
      ...{ name: `w${this.#made++}`, memoryBytes: fn.memoryBytes, worth: 0, fn, running: 0, idleSince: this.now },
      ...{ place: -1, isGone: false, lookAt: Number.POSITIVE_INFINITY, worthUntil: 0, hasServed: false },
    }
    fn.free.push(worker)
    this.#noteIdle(worker)
    if (call === undefined) return this.#nowIdle(worker)
    this.#figures[start]++
    this.#rule.started?.(fn, this.now - (this.trace.atMs[call] as number))
    if (start === 'cold' && fn.calls === 1) this.#figures.first++
    if (start === 'cold' && fn.active > 1) this.#figures.scaleOut++
    this.#serve(worker, call)
  }

  // --- generic workers

  #genericOf({ runtime }: SimulatedFunction): GenericPool | null {
    return runtime === null ? null : (this.generic[runtime] ?? null)
  }

  #bind(fn: SimulatedFunction, pool: GenericPool): void {
    const { memoryBytes, bindMs } = pool.runtime
    pool.ready.pop()
    this.#memory.generic(-memoryBytes, this.now)
    this.#hold(fn.memoryBytes - memoryBytes)
    this.#events.add(this.now + bindMs, { kind: 'bound', fn })
  }

  #refill(pool: GenericPool): void {
    const { memoryBytes, startMs } = pool.runtime
    while (this.#rule.generic?.wantsMore(pool, this)) {
      this.#hold(memoryBytes)
      this.#memory.generic(memoryBytes, this.now)
      pool.starting++
      this.#starts.add({ urgency: 'later', takesMs: startMs, event: { kind: 'ready', pool }, isNeeded: () => true })
    }
  }

  #addReady(pool: GenericPool): void {
    pool.ready.push({ name: `g${this.#made++}`, memoryBytes: pool.runtime.memoryBytes, worth: 0, pool })
  }

  #endReady(worker: SimulatedGeneric): void {
    const { pool, memoryBytes } = worker
    pool.ready.splice(pool.ready.indexOf(worker), 1)
    this.#memory.generic(-memoryBytes, this.now)
    this.#hold(-memoryBytes)
  }

  // --- memory

  /** Reserves memory in addition to that of the other workers, after making room. */
  #hold(bytes: number): void {
    if (this.freeBytes < bytes && bytes > 0) this.#makeRoom(bytes - this.freeBytes)
    this.#memory.hold(bytes, this.now)
  }

  #nowIdle(worker: SimulatedWorker): void {
    if (worker.place < 0) this.#noteIdle(worker)
    worker.idleSince = this.now
    worker.worthUntil = 0
    // Memory that calls took beyond the budget is released by evicting idle workers.
    if (this.freeBytes < 0) this.#makeRoom(-this.freeBytes)
    if (worker.isGone) return
    this.#lookLater(worker, this.#rule.idle?.(worker, this) ?? Number.POSITIVE_INFINITY)
  }

  #look(worker: SimulatedWorker): void {
    if (worker.isGone || worker.lookAt !== this.now) return
    worker.lookAt = Number.POSITIVE_INFINITY
    if (worker.running > 0) return
    this.#lookLater(worker, this.#rule.look?.(worker, this) ?? Number.POSITIVE_INFINITY)
  }

  #lookLater(worker: SimulatedWorker, at: number): void {
    if (at <= this.now) return this.end(worker)
    if (at === Number.POSITIVE_INFINITY || worker.lookAt <= at) return
    worker.lookAt = at
    this.#events.add(at, { kind: 'worker', worker })
  }

  /** Memory that cannot be freed is taken anyway: here no call waits for memory. */
  #makeRoom(neededBytes: number): void {
    const spare = this.spare()
    for (const worker of chooseEvictions(neededBytes, spare) ?? spare) {
      if ('pool' in worker) this.#endReady(worker)
      else {
        this.#rule.evicted?.(worker, this)
        this.end(worker)
      }
    }
  }

  #noteIdle(worker: SimulatedWorker): void {
    this.#idle.add(worker)
    this.#memory.idle(worker.memoryBytes, this.now)
  }

  #noLongerIdle(worker: SimulatedWorker): void {
    this.#idle.remove(worker)
    this.#memory.idle(-worker.memoryBytes, this.now)
  }
}
