import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Log } from '../../domain/log.ts'
import type { Revision } from '../../domain/worker.ts'
import type { Endings } from './endings.ts'
import { GenericDemand } from './policy/generic-demand.ts'
import { genericTarget, worthKeeping } from './policy/pool-policy.ts'
import type { PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import type { Starts, Urgency } from './starts.ts'

const firstPauseMs = 500
const longestPauseMs = 60_000
/** Of a shape of which none was started yet. */
const usualStartMs = 500

export interface GenericWorkersParts {
  factory: WorkerFactory
  endings: Endings
  starts: Starts
  clock: Clock
  log: Log
  /** Kept ready of each shape at least. */
  floor: number
  /** Memory of all workers together. */
  limitBytes: number
  /** Memory for work ahead; false when there is none that nobody waits for and that is worth less in other hands. */
  reserveAhead(bytes: number, gain: { worth: number; savedMs: number }): boolean
  giveBack(bytes: number): void
  /** One is ready that nobody asked for: whoever lacks memory may evict it. */
  noteReady(): void
}

/** Somebody who waits for the next worker of a shape that comes up. */
interface Demand {
  /** True when it is not needed any more; asked until it says so. */
  giveUp(): boolean
  resolve(worker: PoolWorker | null): void
  reject(error: unknown): void
}

interface Kept {
  shape: Shape
  /** Runtimes that want it kept; 0: it is forgotten when the last worker of it has gone. */
  wanted: number
  ready: PoolWorker[]
  /** Starts under way or in line, by why. */
  starting: Record<Urgency, number>
  demands: Demand[]
  demand: GenericDemand
  /** Mean time of a start so far. */
  startMs: number
  pauseMs: number
  /** Ends the pause after a failure; null: no pause. */
  stopPause: (() => void) | null
}

/**
 * Workers that are started ahead and belong to nobody yet. Memory that nobody needs holds as many as are taken during one
 * refill; what others need, as many as are worth it.
 */
export class GenericWorkers {
  #parts: GenericWorkersParts
  #shapes = new Map<string, Kept>()
  /** What the workers of a runtime are started as. */
  #runtimes = new Map<string, Shape>()
  #starts = new Set<Promise<void>>()
  #closed = false

  constructor(parts: GenericWorkersParts) {
    this.#parts = parts
  }

  /** Workers of the runtime are kept ready from now on. */
  addRuntime(id: string, shape: Shape): void {
    const kept = this.#kept(shape)
    kept.wanted++
    this.removeRuntime(id)
    this.#runtimes.set(id, shape)
    this.#refill(kept)
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

  /** One that is ready, with its memory still reserved; refilled in the background. */
  take(shape: Shape): PoolWorker | undefined {
    const kept = this.#shapes.get(keyOf(shape))
    if (kept === undefined) return undefined
    // One that has just died stays where it is: its end takes it out.
    const at = kept.ready.findLastIndex((worker) => !worker.isEnding)
    const [worker] = at < 0 ? [] : kept.ready.splice(at, 1)
    if (worker === undefined) return undefined
    kept.pauseMs = firstPauseMs
    this.#refillSoon(kept)
    return worker
  }

  /** Back: who took it cannot use it now. */
  put(shape: Shape, worker: PoolWorker): void {
    const kept = this.#kept(shape)
    if (this.#closed || worker.isEnding || kept.ready.length >= this.#target(kept)) this.#end(worker)
    else kept.ready.push(worker)
    this.#tidy(kept)
  }

  /**
   * One that is not ready yet: the next that comes up, whoever it was started for; null when it was given up before that.
   * Takes over the reservation of the shape's memory, and gives it back when none comes.
   */
  start(shape: Shape, giveUp: () => boolean): Promise<PoolWorker | null> {
    const kept = this.#kept(shape)
    this.#refillSoon(kept)
    return new Promise((resolve, reject) => {
      kept.demands.push({ giveUp, resolve, reject })
      this.#begin(kept, 'now')
    })
  }

  /** A call took one, or would have if one had been ready: so many should be. */
  noteTaken(shape: Shape): void {
    const kept = this.#shapes.get(keyOf(shape))
    kept?.demand.note(this.#parts.clock.elapsed(), kept.startMs)
  }

  /** Ready ones that may make room for others. Those on their way count before them: the last one is worth the least. */
  spare(): { worker: PoolWorker; shape: Shape; worth: number }[] {
    const now = this.#parts.clock.elapsed()
    return [...this.#shapes.values()].flatMap((kept) => {
      const { shape, ready, starting, demand } = kept
      if (ready.length === 0) return []
      const perMs = demand.perMs(now)
      return ready.map((worker, at) => ({ worker, shape, worth: worthOf(kept, perMs[starting.later + at]) }))
    })
  }

  /** Takes it out of the ready ones, to be ended; its memory counts as free at once. */
  drop(shape: Shape, worker: PoolWorker): void {
    const kept = this.#kept(shape)
    const at = kept.ready.indexOf(worker)
    if (at < 0) return
    kept.ready.splice(at, 1)
    this.#end(worker)
  }

  /** Of this image, how many are ready. */
  ready(image: string): number {
    const shapes = [...this.#shapes.values()].filter(({ shape }) => shape.image === image)
    return shapes.reduce((sum, { ready }) => sum + ready.length, 0)
  }

  /** Looks whether more should be ready: memory came free, or time has passed. */
  refillAll(): void {
    for (const kept of this.#shapes.values()) this.#refill(kept)
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

  /** Off the path of the call that takes one. */
  #refillSoon(kept: Kept): void {
    setImmediate(() => this.#refill(kept))
  }

  #refill(kept: Kept): void {
    if (this.#closed || kept.stopPause !== null) return
    const perMs = kept.demand.perMs(this.#parts.clock.elapsed())
    for (let have = here(kept); have < this.#target(kept, perMs); have++) {
      const gain = { worth: worthOf(kept, perMs[have]), savedMs: kept.startMs }
      if (!this.#parts.reserveAhead(kept.shape.memoryBytes, gain)) return
      this.#begin(kept, 'later')
    }
  }

  #begin(kept: Kept, urgency: Urgency): void {
    const begun = this.#startOne(kept, urgency).finally(() => this.#starts.delete(begun))
    this.#starts.add(begun)
  }

  async #startOne(kept: Kept, urgency: Urgency): Promise<void> {
    const { starts, giveBack } = this.#parts
    kept.starting[urgency]++
    try {
      const worker = await starts.run(urgency, () => this.#startIfNeeded(kept, urgency))
      kept.starting[urgency]--
      if (worker === null) giveBack(kept.shape.memoryBytes)
      else this.#arrived(kept, worker)
    } catch (error) {
      kept.starting[urgency]--
      giveBack(kept.shape.memoryBytes)
      this.#failed(kept, error)
    }
    this.#tidy(kept)
  }

  /** Its turn has come. What wanted it may have been served otherwise: then nothing is started. */
  async #startIfNeeded(kept: Kept, urgency: Urgency): Promise<PoolWorker | null> {
    const { clock, factory } = this.#parts
    this.#dropGivenUp(kept)
    if (urgency === 'now' ? kept.starting.now > kept.demands.length : this.#closed || here(kept) > this.#target(kept))
      return null
    const from = clock.elapsed()
    const started = await factory.startGeneric(kept.shape)
    kept.startMs = kept.startMs * 0.7 + (clock.elapsed() - from) * 0.3
    return started
  }

  #dropGivenUp(kept: Kept): void {
    for (const demand of [...kept.demands]) {
      if (!demand.giveUp()) continue
      kept.demands.splice(kept.demands.indexOf(demand), 1)
      demand.resolve(null)
    }
  }

  #arrived(kept: Kept, worker: PoolWorker): void {
    void worker.gone.then(() => this.#gone(kept, worker))
    this.#dropGivenUp(kept)
    const demand = kept.demands.shift()
    if (demand !== undefined) {
      kept.pauseMs = firstPauseMs
      demand.resolve(worker)
    } else if (this.#closed || kept.wanted === 0) {
      this.#end(worker)
    } else {
      kept.ready.push(worker)
      this.#parts.noteReady()
    }
  }

  /** Whoever waits longer than starts are under way hears of it; work ahead is tried again later. */
  #failed(kept: Kept, error: unknown): void {
    if (kept.demands.length > kept.starting.now + kept.starting.later) kept.demands.shift()?.reject(error)
    else this.#pause(kept, error)
  }

  #end(worker: PoolWorker): void {
    this.#parts.giveBack(worker.memoryBytes)
    this.#parts.endings.end(worker)
  }

  /** A ready one that died: give its memory back, and make another in a while. One that was taken is its taker's. */
  #gone(kept: Kept, worker: PoolWorker): void {
    const at = kept.ready.indexOf(worker)
    if (at < 0) return
    kept.ready.splice(at, 1)
    this.#parts.giveBack(worker.memoryBytes)
    this.#pause(kept, new FaasError('engine_failed', `Worker ${worker.name} ended before it was used.`))
    this.#tidy(kept)
  }

  /** A shape that cannot start is tried again ever more rarely. */
  #pause(kept: Kept, error: unknown): void {
    if (this.#closed || kept.stopPause !== null) return
    this.#parts.log.warn(
      { image: kept.shape.image, err: error, retryMs: kept.pauseMs },
      'a generic worker did not start',
    )
    kept.stopPause = this.#parts.clock.after(kept.pauseMs, () => {
      kept.stopPause = null
      this.#refill(kept)
      this.#tidy(kept)
    })
    kept.pauseMs = Math.min(longestPauseMs, kept.pauseMs * 2)
  }

  #target(kept: Kept, perMs = kept.demand.perMs(this.#parts.clock.elapsed())): number {
    if (kept.wanted === 0) return 0
    const ceiling = Math.floor(this.#parts.limitBytes / kept.shape.memoryBytes / 2)
    return genericTarget(perMs, this.#parts.floor, ceiling)
  }

  #kept(shape: Shape): Kept {
    const key = keyOf(shape)
    let kept = this.#shapes.get(key)
    if (kept === undefined) {
      kept = {
        shape,
        wanted: 0,
        ready: [],
        starting: { now: 0, later: 0 },
        demands: [],
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
  #tidy(kept: Kept): void {
    const { wanted, ready, demands, starting, stopPause } = kept
    if (wanted + ready.length + demands.length + starting.now + starting.later > 0 || stopPause !== null) return
    this.#shapes.delete(keyOf(kept.shape))
  }
}

/** Ready or on their way. Starts that calls wait for are not counted: their workers are taken as they come. */
const here = ({ ready, starting }: Kept): number => ready.length + starting.later

/** Of one that so many takes are expected of. */
const worthOf = ({ shape, startMs }: Kept, perMs = 0): number => worthKeeping(perMs, startMs, shape.memoryBytes)

const keyOf = ({ image, network, trusted, memoryBytes }: Shape): string =>
  `${image} ${network} ${trusted} ${memoryBytes}`
