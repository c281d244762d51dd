import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Log } from '../../domain/log.ts'
import type { Revision } from '../../domain/worker.ts'
import type { Departures } from './departures.ts'
import type { Memory } from './memory.ts'
import { GenericDemand } from './policy/generic-demand.ts'
import { genericTarget, genericWorth } from './policy/pool-policy.ts'
import type { PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import type { Starts, Urgency } from './starts.ts'

const firstPauseMs = 500
const longestPauseMs = 60_000
/** Assumed start time of a shape that was never started. */
const usualStartMs = 500
/** In the line of starts, work ahead for everybody is a project of its own. */
const nobody = ''

export interface GenericWorkersParts {
  factory: WorkerFactory
  memory: Memory
  departures: Departures
  starts: Starts
  clock: Clock
  log: Log
  /** Kept ready of each shape at least. */
  floor: number
}

/** What a group asks for when it wants the next worker of a shape that comes up. */
export interface Order {
  projectId: string
  /** Asked until it says no. */
  isNeeded(): boolean
  /** Reserves memory for a worker that is about to be started. */
  makeRoom(bytes: number): boolean
}

/** `no_memory`: there is none, now. Null: it was not needed any more. */
export type Ordered = PoolWorker | 'no_memory' | null

interface Request extends Order {
  resolve(got: Ordered): void
  reject(error: unknown): void
}

interface KeptShape {
  shape: Shape
  /** Runtimes that want it kept; 0: it is forgotten when the last worker of it has gone. */
  wanted: number
  ready: PoolWorker[]
  /** Starts under way or in line, by why. */
  starting: Record<Urgency, number>
  /** Those that wait for a worker, the oldest first. */
  requests: Request[]
  demand: GenericDemand
  /** Mean time of a start so far. */
  startMs: number
  pauseMs: number
  /** Ends the pause after a failure; null: no pause. */
  stopPause: (() => void) | null
}

/**
 * Workers that are started ahead and belong to nobody yet. Memory that nobody needs holds as many as are taken during one
 * refill; what others need, as many as are worth it. Each holds the memory of its shape until it is bound or ends.
 */
export class GenericWorkers {
  #parts: GenericWorkersParts
  #shapes = new Map<string, KeptShape>()
  /** What the workers of a runtime are started as. */
  #runtimes = new Map<string, Shape>()
  #starts = new Set<Promise<void>>()
  #closed = false

  constructor(parts: GenericWorkersParts) {
    this.#parts = parts
  }

  /** Workers of the runtime are kept ready from the next refill on. */
  addRuntime(id: string, shape: Shape): void {
    this.#kept(shape).wanted++
    this.removeRuntime(id)
    this.#runtimes.set(id, shape)
  }

  removeRuntime(id: string): void {
    const shape = this.#runtimes.get(id)
    if (shape === undefined) return
    this.#runtimes.delete(id)
    const kept = this.#kept(shape)
    if (--kept.wanted === 0) for (const worker of kept.ready.splice(0)) this.#end(worker)
    this.#tidy(kept)
  }

  /** The shape of the workers that can be bound to this revision. */
  shapeOf(revision: Revision): Shape {
    const { image, network, trusted, runtimeId } = revision
    const memoryBytes = this.#runtimes.get(runtimeId ?? '')?.memoryBytes ?? revision.memoryBytes
    return { image, network, trusted, memoryBytes }
  }

  keeps(shape: Shape): boolean {
    const kept = this.#shapes.get(keyOf(shape))
    return kept !== undefined && this.#target(kept) > 0
  }

  /** Until one of this shape would be there; 0: one is ready. */
  startMs(shape: Shape): number {
    const kept = this.#shapes.get(keyOf(shape))
    if (kept === undefined) return usualStartMs
    return kept.ready.some((worker) => !worker.isEnding) ? 0 : kept.startMs
  }

  /** One that is ready. */
  take(shape: Shape): PoolWorker | undefined {
    const kept = this.#shapes.get(keyOf(shape))
    if (kept === undefined) return undefined
    // One that has just died stays where it is: its end takes it out.
    const at = kept.ready.findLastIndex((worker) => !worker.isEnding)
    if (at < 0) return undefined
    kept.pauseMs = firstPauseMs
    return kept.ready.splice(at, 1)[0]
  }

  /** Back: who took it cannot use it now. */
  put(shape: Shape, worker: PoolWorker): void {
    const kept = this.#kept(shape)
    if (this.#closed || worker.isEnding || kept.ready.length >= this.#target(kept)) this.#end(worker)
    else kept.ready.push(worker)
    this.#tidy(kept)
  }

  /** One that is not ready yet: the next that comes up, whoever it was started for. Throws FaasError `engine_failed`. */
  start(shape: Shape, order: Order): Promise<Ordered> {
    const kept = this.#kept(shape)
    return new Promise((resolve, reject) => {
      const request = { ...order, resolve, reject }
      kept.requests.push(request)
      this.#begin(kept, 'now', order.projectId, () => this.#startFor(kept, request))
    })
  }

  /** Notes the demand: a call took a generic worker, or would have taken one if one had been ready. */
  noteTaken(shape: Shape): void {
    const kept = this.#shapes.get(keyOf(shape))
    kept?.demand.note(this.#parts.clock.elapsed(), kept.startMs)
  }

  /** Ready ones that may make room for others. Those on their way count before them: the last one is worth the least. */
  spare(): { worker: PoolWorker; shape: Shape; worth: number }[] {
    const now = this.#parts.clock.elapsed()
    return [...this.#shapes.values()].flatMap((kept) => {
      const { shape, ready, starting, startMs, demand } = kept
      if (ready.length === 0) return []
      const perMs = demand.perMs(now)
      return ready.map((worker, at) => {
        const worth = genericWorth(perMs, starting.later + at, startMs, shape.memoryBytes)
        return { worker, shape, worth }
      })
    })
  }

  /** Takes it out of the ready ones, to be ended; its memory counts as free at once. */
  drop(shape: Shape, worker: PoolWorker): void {
    if (this.#takeOut(this.#kept(shape), worker)) this.#end(worker)
  }

  /** Number of ready workers of this image. */
  ready(image: string): number {
    const shapes = [...this.#shapes.values()].filter(({ shape }) => shape.image === image)
    return shapes.reduce((sum, { ready }) => sum + ready.length, 0)
  }

  /** Starts as many as should be ready: some were taken, memory came free, or time has passed. */
  refill(makeRoom: (bytes: number, gain: { worth: number; savedMs: number }) => boolean): void {
    for (const kept of this.#shapes.values()) this.#refill(kept, makeRoom)
  }

  /** Ends the ready ones and starts no more. Resolves when no start is under way. */
  async close(): Promise<void> {
    this.#closed = true
    for (const kept of this.#shapes.values()) {
      kept.stopPause?.()
      for (const worker of kept.ready.splice(0)) this.#end(worker)
    }
    while (this.#starts.size > 0) await Promise.all(this.#starts)
  }

  #refill(kept: KeptShape, makeRoom: Parameters<GenericWorkers['refill']>[0]): void {
    const { memoryBytes } = kept.shape
    if (this.#closed || kept.stopPause !== null) return
    const perMs = kept.demand.perMs(this.#parts.clock.elapsed())
    for (let have = here(kept); have < this.#target(kept, perMs); have++) {
      const gain = { worth: genericWorth(perMs, have, kept.startMs, memoryBytes), savedMs: kept.startMs }
      if (!makeRoom(memoryBytes, gain)) return
      this.#begin(kept, 'later', nobody, () => this.#startAhead(kept))
    }
  }

  #begin(kept: KeptShape, urgency: Urgency, projectId: string, start: () => Promise<PoolWorker | null>): void {
    const begun = this.#run(kept, urgency, projectId, start).finally(() => this.#starts.delete(begun))
    this.#starts.add(begun)
  }

  async #run(
    kept: KeptShape,
    urgency: Urgency,
    projectId: string,
    start: () => Promise<PoolWorker | null>,
  ): Promise<void> {
    kept.starting[urgency]++
    try {
      const worker = await this.#parts.starts.run(urgency, projectId, start)
      if (worker !== null) {
        kept.starting[urgency]--
        this.#arrived(kept, worker)
      }
    } catch (error) {
      kept.starting[urgency]--
      this.#failed(kept, error)
    }
    this.#tidy(kept)
  }

  /** Its turn has come. What wanted it may have been served otherwise: then nothing is started, and it counts no more at once. */
  async #startFor(kept: KeptShape, request: Request): Promise<PoolWorker | null> {
    this.#dropNeedless(kept)
    if (kept.starting.now <= kept.requests.length) {
      const served = kept.requests.includes(request) ? request : (kept.requests[0] as Request)
      if (served.makeRoom(kept.shape.memoryBytes)) return this.#make(kept, served.projectId)
      kept.requests.splice(kept.requests.indexOf(served), 1)
      served.resolve('no_memory')
    }
    kept.starting.now--
    return null
  }

  /** Its memory is reserved. */
  async #startAhead(kept: KeptShape): Promise<PoolWorker | null> {
    if (!this.#closed && here(kept) <= this.#target(kept)) return this.#make(kept, null)
    kept.starting.later--
    this.#parts.memory.giveBack(kept.shape.memoryBytes, null)
    return null
  }

  /** Until it is bound it belongs to nobody. */
  async #make(kept: KeptShape, reservedFor: string | null): Promise<PoolWorker> {
    const { clock, factory, memory } = this.#parts
    const { memoryBytes } = kept.shape
    memory.handOver(memoryBytes, reservedFor, null)
    const from = clock.elapsed()
    try {
      const started = await factory.startGeneric(kept.shape)
      kept.startMs = kept.startMs * 0.7 + (clock.elapsed() - from) * 0.3
      return started
    } catch (error) {
      memory.giveBack(memoryBytes, null)
      throw error
    }
  }

  #dropNeedless(kept: KeptShape): void {
    for (const request of [...kept.requests]) {
      if (request.isNeeded()) continue
      kept.requests.splice(kept.requests.indexOf(request), 1)
      request.resolve(null)
    }
  }

  #arrived(kept: KeptShape, worker: PoolWorker): void {
    void worker.gone.then(() => this.#gone(kept, worker))
    this.#dropNeedless(kept)
    const request = kept.requests.shift()
    if (request !== undefined) {
      kept.pauseMs = firstPauseMs
      request.resolve(worker)
    } else if (this.#closed || kept.wanted === 0) {
      this.#end(worker)
    } else {
      kept.ready.push(worker)
      this.#parts.memory.noteIdle()
    }
  }

  /** Whoever waits longer than starts are under way hears of it; work ahead is tried again later. */
  #failed(kept: KeptShape, error: unknown): void {
    if (kept.requests.length > kept.starting.now + kept.starting.later) kept.requests.shift()?.reject(error)
    else this.#pause(kept, error)
  }

  #end(worker: PoolWorker): void {
    this.#parts.departures.end(worker, worker.memoryBytes, null)
  }

  /** A ready one that died: give its memory back, and make another in a while. One that was taken is its taker's. */
  #gone(kept: KeptShape, worker: PoolWorker): void {
    if (!this.#takeOut(kept, worker)) return
    this.#parts.memory.giveBack(worker.memoryBytes, null)
    this.#pause(kept, new FaasError('engine_failed', `Worker ${worker.name} ended before it was used.`))
    this.#tidy(kept)
  }

  #takeOut(kept: KeptShape, worker: PoolWorker): boolean {
    const at = kept.ready.indexOf(worker)
    if (at >= 0) kept.ready.splice(at, 1)
    return at >= 0
  }

  /** A shape that cannot start is tried again ever more rarely, at the first refill after the pause. */
  #pause(kept: KeptShape, error: unknown): void {
    const { log, clock, memory } = this.#parts
    if (this.#closed || kept.stopPause !== null) return
    log.warn({ image: kept.shape.image, err: error, retryMs: kept.pauseMs }, 'a generic worker did not start')
    kept.stopPause = clock.after(kept.pauseMs, () => {
      kept.stopPause = null
      memory.noteIdle()
      this.#tidy(kept)
    })
    kept.pauseMs = Math.min(longestPauseMs, kept.pauseMs * 2)
  }

  #target(kept: KeptShape, perMs = kept.demand.perMs(this.#parts.clock.elapsed())): number {
    if (kept.wanted === 0) return 0
    return genericTarget(perMs, this.#parts.floor, this.#parts.memory.limitBytes, kept.shape.memoryBytes)
  }

  #kept(shape: Shape): KeptShape {
    const key = keyOf(shape)
    let kept = this.#shapes.get(key)
    if (kept === undefined) {
      kept = {
        shape,
        wanted: 0,
        ready: [],
        starting: { now: 0, later: 0 },
        requests: [],
        demand: new GenericDemand(),
        startMs: usualStartMs,
        pauseMs: firstPauseMs,
        stopPause: null,
      }
      this.#shapes.set(key, kept)
    }
    return kept
  }

  /** Forgets a shape that no runtime wants and of which nothing is left. */
  #tidy(kept: KeptShape): void {
    const { wanted, ready, requests, starting, stopPause } = kept
    if (wanted + ready.length + requests.length + starting.now + starting.later > 0 || stopPause !== null) return
    this.#shapes.delete(keyOf(kept.shape))
  }
}

/** Ready or on their way. Starts that calls wait for are not counted: their workers are taken as they come. */
const here = ({ ready, starting }: KeptShape): number => ready.length + starting.later

const keyOf = ({ image, network, trusted, memoryBytes }: Shape): string =>
  `${image} ${network} ${trusted} ${memoryBytes}`
