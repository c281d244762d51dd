import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/log.ts'
import type { Revision } from '../domain/worker.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { genericTarget } from './pool-policy.ts'
import type { PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import type { Starts, Urgency } from './starts.ts'

/** Takes remembered of a shape; enough for a burst of that many. */
const rememberedTakes = 200
const firstPauseMs = 500
const longestPauseMs = 60_000

export interface GenericWorkersParts {
  factory: WorkerFactory
  budget: MemoryBudget
  starts: Starts
  clock: Clock
  log: Log
  /** Kept ready of each shape at least. */
  floor: number
}

interface Kept {
  shape: Shape
  /** Runtimes that want it kept; 0: it is forgotten when the last worker of it has gone. */
  wanted: number
  ready: PoolWorker[]
  starting: number
  /** Who waits for the next one that comes up. */
  demands: { resolve(worker: PoolWorker): void; reject(error: unknown): void }[]
  takenAt: number[]
  /** Mean time of a start so far. */
  startMs: number
  pauseMs: number
  paused: boolean
}

/** Workers that are started ahead and belong to nobody yet: the target follows the demand during one refill. */
export class GenericWorkers {
  #parts: GenericWorkersParts
  #shapes = new Map<string, Kept>()
  /** What the workers of a runtime are started as. */
  #runtimes = new Map<string, Shape>()
  #closed = false

  constructor(parts: GenericWorkersParts) {
    this.#parts = parts
  }

  /** Workers of the runtime are kept ready from now on. */
  addRuntime(id: string, shape: Shape): void {
    this.removeRuntime(id)
    this.#runtimes.set(id, shape)
    this.#kept(shape).wanted++
    this.#refill(this.#kept(shape))
  }

  removeRuntime(id: string): void {
    const shape = this.#runtimes.get(id)
    if (shape === undefined) return
    this.#runtimes.delete(id)
    const kept = this.#kept(shape)
    if (--kept.wanted === 0) for (const worker of kept.ready.splice(0)) this.#end(worker)
  }

  /** The shape of the workers that can be bound to this revision. */
  shapeOf(revision: Revision): Shape {
    const { image, network, trusted, runtimeId } = revision
    const memoryBytes = this.#runtimes.get(runtimeId ?? '')?.memoryBytes ?? revision.memoryBytes
    return { image, network, trusted, memoryBytes }
  }

  keeps(shape: Shape): boolean {
    return this.#target(this.#kept(shape)) > 0
  }

  /** One that is ready, with its memory still reserved; refilled in the background. */
  take(shape: Shape): PoolWorker | undefined {
    const kept = this.#kept(shape)
    kept.takenAt.push(this.#parts.clock.elapsed())
    if (kept.takenAt.length > rememberedTakes) kept.takenAt.shift()
    const worker = kept.ready.pop()
    // Off the path of the call that takes it.
    setImmediate(() => this.#refill(kept))
    return worker
  }

  /** Back, or surplus: somebody started it and does not need it any more. */
  put(shape: Shape, worker: PoolWorker): void {
    const kept = this.#kept(shape)
    if (this.#closed || kept.ready.length >= Math.max(1, this.#target(kept))) this.#end(worker)
    else kept.ready.push(worker)
  }

  /**
   * One that is not ready yet: the next that comes up, whoever it was started for. Takes over the reservation of the shape's
   * memory, and gives it back when it fails.
   */
  start(shape: Shape): Promise<PoolWorker> {
    const kept = this.#kept(shape)
    return new Promise((resolve, reject) => {
      kept.demands.push({ resolve, reject })
      void this.#begin(kept, 'now')
    })
  }

  /** Ready ones that may make room for others. */
  spare(): { worker: PoolWorker; shape: Shape }[] {
    return [...this.#shapes.values()].flatMap(({ shape, ready }) => ready.map((worker) => ({ worker, shape })))
  }

  /** Takes it out of the ready ones, to be ended; its memory counts as free at once. */
  drop(shape: Shape, worker: PoolWorker): void {
    const kept = this.#kept(shape)
    const at = kept.ready.indexOf(worker)
    if (at < 0) return
    kept.ready.splice(at, 1)
    this.#end(worker)
  }

  counts(image: string): { ready: number; starting: number } {
    const shapes = [...this.#shapes.values()].filter(({ shape }) => shape.image === image)
    const sum = (of: (kept: Kept) => number) => shapes.reduce((total, kept) => total + of(kept), 0)
    return { ready: sum((kept) => kept.ready.length), starting: sum((kept) => kept.starting) }
  }

  /** Looks whether more should be ready: memory came free, or time has passed. */
  refillAll(): void {
    for (const kept of this.#shapes.values()) this.#refill(kept)
  }

  async close(): Promise<void> {
    this.#closed = true
    const ready = [...this.#shapes.values()].flatMap((kept) => kept.ready.splice(0))
    await Promise.all(ready.map((worker) => worker.kill()))
  }

  #refill(kept: Kept): void {
    if (this.#closed || kept.paused) return
    while (this.#missing(kept) > 0 && this.#parts.budget.reserve(kept.shape.memoryBytes))
      void this.#begin(kept, 'later')
  }

  /** Starts that calls wait for are not counted: their workers are taken as they come. */
  #missing(kept: Kept): number {
    return this.#target(kept) - kept.ready.length - (kept.starting - kept.demands.length)
  }

  async #begin(kept: Kept, urgency: Urgency): Promise<void> {
    const { clock, starts, factory, budget } = this.#parts
    kept.starting++
    try {
      const worker = await starts.run(urgency, async () => {
        const from = clock.elapsed()
        const started = await factory.startGeneric(kept.shape)
        kept.startMs = kept.startMs * 0.7 + (clock.elapsed() - from) * 0.3
        return started
      })
      kept.starting--
      kept.pauseMs = firstPauseMs
      this.#arrived(kept, worker)
    } catch (error) {
      kept.starting--
      budget.giveBack(kept.shape.memoryBytes)
      this.#failed(kept, error)
    }
  }

  #arrived(kept: Kept, worker: PoolWorker): void {
    void worker.gone.then(() => this.#forget(kept, worker))
    const demand = kept.demands.shift()
    if (demand !== undefined) demand.resolve(worker)
    else if (this.#closed || kept.wanted === 0) this.#end(worker)
    else kept.ready.push(worker)
  }

  /** Whoever waits longer than starts are under way hears of it; work ahead is tried again later. */
  #failed(kept: Kept, error: unknown): void {
    if (kept.demands.length > kept.starting) kept.demands.shift()?.reject(error)
    else this.#pause(kept, error)
  }

  #end(worker: PoolWorker): void {
    this.#parts.budget.giveBack(worker.memoryBytes)
    void worker.kill()
  }

  /** A ready one that died: give its memory back and make another. One that was taken is its taker's. */
  #forget(kept: Kept, worker: PoolWorker): void {
    const at = kept.ready.indexOf(worker)
    if (at < 0) return
    kept.ready.splice(at, 1)
    this.#parts.budget.giveBack(worker.memoryBytes)
    this.#refill(kept)
  }

  /** A shape that cannot start is tried again ever more rarely. */
  #pause(kept: Kept, error: unknown): void {
    if (this.#closed) return
    this.#parts.log.warn(
      { image: kept.shape.image, err: error, retryMs: kept.pauseMs },
      'a generic worker did not start',
    )
    kept.paused = true
    this.#parts.clock.after(kept.pauseMs, () => {
      kept.paused = false
      this.#refill(kept)
    })
    kept.pauseMs = Math.min(longestPauseMs, kept.pauseMs * 2)
  }

  #target(kept: Kept): number {
    if (kept.wanted === 0) return 0
    const ceiling = Math.floor(this.#parts.budget.limitBytes / kept.shape.memoryBytes / 2)
    return genericTarget(kept.takenAt, kept.startMs, this.#parts.floor, ceiling)
  }

  #kept(shape: Shape): Kept {
    const key = `${shape.image} ${shape.network} ${shape.trusted} ${shape.memoryBytes}`
    let kept = this.#shapes.get(key)
    if (kept === undefined) {
      kept = {
        shape,
        wanted: 0,
        ready: [],
        starting: 0,
        demands: [],
        takenAt: [],
        startMs: 500,
        pauseMs: firstPauseMs,
        paused: false,
      }
      this.#shapes.set(key, kept)
    }
    return kept
  }
}
