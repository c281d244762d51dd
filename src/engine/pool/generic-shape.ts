import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { onlyMachine } from '../../domain/platform/machine.ts'
import type { Log } from '../../domain/runs/log.ts'
import type { IdleGeneric, MakeRoomAhead, OrderedWorker, WorkerOrder } from './generic-order.ts'
import { GenericOrders, type WaitingOrder } from './generic-orders.ts'
import type { Memory } from './memory.ts'
import { GenericDemand } from './policy/generic-demand.ts'
import { noSimilarWorkers, type SimilarWorkersAt } from './policy/placement.ts'
import { genericTarget, genericWorth } from './policy/pool-policy.ts'
import type { Urgency } from './policy/urgency.ts'
import type { PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import { StartBackoff } from './start-backoff.ts'
import type { Starts } from './starts.ts'
import type { WorkerRemovals } from './worker-removals.ts'

export interface GenericWorkersParts {
  factory: WorkerFactory
  memory: Memory
  departures: WorkerRemovals
  starts: Starts
  clock: Clock
  log: Log
  /** Least number of ready workers of each shape. */
  floor: number
  /** CPU share that workers start with on an engine that cannot change limits later; null: it can. */
  fixedCpuMillicpu: number | null
}

/** How long workers come to other machines, where there are some, after one could not be started. */
const doubtMs = 30_000
/** Assumed start time of a shape that has not started yet. */
const usualStartMs = 500
/** Work ahead for everybody counts as a project of its own in the start queue. */
const nobody = ''

/** The generic workers of one shape: ready ones, starting ones, and the orders that wait for one. */
export class GenericShape {
  readonly shape: Shape
  /** Number of runtimes that want ready workers of this shape. */
  wanted = 0
  #parts: GenericWorkersParts
  #ready: PoolWorker[] = []
  /** Machine of each worker that is being started ahead. */
  #comingTo: string[] = []
  /** Starts that run or wait in the queue, by urgency. */
  #starting: Record<Urgency, number> = { now: 0, later: 0 }
  #orders = new GenericOrders()
  #demand = new GenericDemand()
  /** Mean start time so far. */
  #startMs = usualStartMs
  #backoff: StartBackoff
  #starts = new Set<Promise<void>>()
  #closed = false

  constructor(parts: GenericWorkersParts, shape: Shape) {
    this.#parts = parts
    this.shape = shape
    this.#backoff = new StartBackoff(parts.clock, () => parts.memory.noteIdle())
  }

  /** True when the shape has no workers and no runtime wants any. */
  get isEmpty(): boolean {
    return this.wanted + this.ready + this.#orders.size + this.#starts.size === 0 && !this.#backoff.isPausing
  }

  /** Number of ready workers. */
  get ready(): number {
    return this.#ready.length
  }

  get isKept(): boolean {
    return this.#target() > 0
  }

  /** Expected time until a worker is available; 0: one is ready. */
  get startMs(): number {
    return this.#ready.some((worker) => !worker.isEnding) ? 0 : this.#startMs
  }

  /** Takes the newest ready worker from the fitting machine with the fewest workers of its kind. */
  take(
    likeAt: SimilarWorkersAt = noSimilarWorkers,
    fits: (machine: string) => boolean = () => true,
  ): PoolWorker | undefined {
    // A worker that has just died stays in the list: its end event removes it.
    const usable = this.#ready.filter((worker) => !worker.isEnding && fits(machineOf(worker)))
    if (usable.length === 0) return undefined
    const fewest = Math.min(...usable.map((worker) => likeAt(machineOf(worker))))
    const worker = usable.findLast((one) => likeAt(machineOf(one)) === fewest) as PoolWorker
    this.#backoff.reset()
    this.#takeOut(worker)
    return worker
  }

  /** Puts back a worker that cannot be used now. */
  put(worker: PoolWorker): void {
    if (this.#closed || worker.isEnding || this.ready >= this.#target()) this.#end(worker)
    else this.#ready.push(worker)
  }

  /** The next worker that finishes starting, whichever order started it. Throws FaasError `engine_failed`. */
  start(order: WorkerOrder): Promise<OrderedWorker> {
    return new Promise((resolve, reject) => {
      const waiting = { ...order, resolve, reject }
      this.#orders.add(waiting)
      this.#begin('now', order.projectId, () => this.#startFor(waiting))
    })
  }

  /** Notes demand: a call took a generic worker, or would have taken one if one had been ready. */
  noteTaken(): void {
    this.#demand.note(this.#parts.clock.elapsed(), this.#startMs)
  }

  /** Ready workers that may be evicted. Starting workers count first, so the last ready one has the least worth. */
  get readyWorkers(): readonly PoolWorker[] {
    return this.#ready
  }

  spare(): IdleGeneric[] {
    if (this.ready === 0) return []
    const perMs = this.#demand.perMs(this.#parts.clock.elapsed())
    return this.#ready.map((worker, at) => {
      const { name, memoryBytes } = worker
      const worth = genericWorth(perMs, this.#starting.later + at, this.#startMs, this.shape.memoryBytes)
      return {
        name,
        image: this.shape.image,
        memoryBytes,
        machine: worker.machine,
        worth,
        evict: () => this.#evict(worker),
      }
    })
  }

  /** Starts workers up to the target. */
  refill(makeRoom: MakeRoomAhead): void {
    const { memoryBytes } = this.shape
    if (this.#closed || this.#backoff.isPausing) return
    const perMs = this.#demand.perMs(this.#parts.clock.elapsed())
    for (let have = this.#here(); have < this.#target(perMs); have++) {
      const gain = { worth: genericWorth(perMs, have, this.#startMs, memoryBytes), savedMs: this.#startMs }
      const machine = makeRoom(memoryBytes, gain, (at) => this.#likeAt(at))
      if (machine === null) return
      this.#comingTo.push(machine)
      this.#begin('later', nobody, () => this.#startAhead(machine))
    }
  }

  endReady(): void {
    for (const worker of this.#ready.splice(0)) this.#end(worker)
  }

  /** Ends the ready workers and starts no more. Resolves when no start is under way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#backoff.stop()
    this.endReady()
    while (this.#starts.size > 0) await Promise.all(this.#starts)
  }

  #begin(urgency: Urgency, projectId: string, start: () => Promise<PoolWorker | null>): void {
    const begun = this.#run(urgency, projectId, start).finally(() => this.#starts.delete(begun))
    this.#starts.add(begun)
  }

  async #run(urgency: Urgency, projectId: string, start: () => Promise<PoolWorker | null>): Promise<void> {
    this.#starting[urgency]++
    try {
      const worker = await this.#parts.starts.run(urgency, projectId, start)
      if (worker === null) return
      this.#starting[urgency]--
      this.#arrived(worker)
    } catch (error) {
      this.#starting[urgency]--
      this.#failed(error)
    }
  }

  /**
   * Called when the start queue admits it. If the order was served by another worker meanwhile, nothing is started and the start
   * is no longer counted.
   */
  async #startFor(order: WaitingOrder): Promise<PoolWorker | null> {
    this.#orders.dropNeedless()
    if (this.#starting.now <= this.#orders.size) {
      const served = this.#orders.has(order) ? order : (this.#orders.first() as WaitingOrder)
      const machine = served.makeRoom(this.shape.memoryBytes)
      if (machine !== null) return this.#make(served.projectId, machine)
      this.#orders.delete(served)
      served.resolve('no_memory')
    }
    this.#starting.now--
    return null
  }

  /** Its memory is already reserved. A failed order may take this worker instead. */
  async #startAhead(machine: string): Promise<PoolWorker | null> {
    try {
      return await this.#startWanted(machine)
    } finally {
      this.#comingTo.splice(this.#comingTo.indexOf(machine), 1)
    }
  }

  async #startWanted(machine: string): Promise<PoolWorker | null> {
    this.#orders.dropNeedless()
    const isWanted = this.#here() <= this.#target() || this.#orders.size > this.#starting.now
    if (!this.#closed && isWanted) return this.#make(null, machine)
    this.#starting.later--
    this.#parts.memory.release(this.shape.memoryBytes, null, machine)
    return null
  }

  /** Until it is bound, the worker belongs to no project. */
  async #make(reservedFor: string | null, machine: string): Promise<PoolWorker> {
    const { clock, factory, memory } = this.#parts
    const { memoryBytes } = this.shape
    memory.transfer(memoryBytes, reservedFor, null)
    const from = clock.elapsed()
    try {
      const started = await factory.startGeneric(this.shape, machine)
      this.#startMs = this.#startMs * 0.7 + (clock.elapsed() - from) * 0.3
      return started
    } catch (error) {
      if (error instanceof FaasError && error.code === 'engine_failed') memory.avoid(machine, clock.elapsed() + doubtMs)
      memory.release(memoryBytes, null, machine)
      throw error
    }
  }

  #arrived(worker: PoolWorker): void {
    void worker.gone.then(() => this.#gone(worker))
    this.#orders.dropNeedless()
    const order = this.#orders.take()
    if (order !== undefined) {
      this.#backoff.reset()
      order.resolve(worker)
    } else if (this.#closed || this.wanted === 0) {
      this.#end(worker)
    } else {
      this.#ready.push(worker)
      this.#parts.memory.noteIdle()
    }
  }

  /** Orders beyond the starts under way are refused; work ahead is retried later. */
  #failed(error: unknown): void {
    if (this.#orders.size > this.#starting.now + this.#starting.later) this.#orders.take()?.reject(error)
    else this.#pause(error)
  }

  #evict(worker: PoolWorker): void {
    if (this.#takeOut(worker)) this.#end(worker)
  }

  #end(worker: PoolWorker): void {
    this.#parts.departures.end(worker, worker.memoryBytes, null)
  }

  /**
   * A ready worker died: its memory is released and another is started later. A worker that was already taken is handled by its
   * taker.
   */
  #gone(worker: PoolWorker): void {
    if (!this.#takeOut(worker)) return
    this.#parts.memory.release(worker.memoryBytes, null, worker.machine)
    this.#pause(new FaasError('engine_failed', `Worker ${worker.name} ended before it was used.`))
  }

  #takeOut(worker: PoolWorker): boolean {
    const at = this.#ready.indexOf(worker)
    if (at >= 0) this.#ready.splice(at, 1)
    return at >= 0
  }

  /** A shape that cannot start is retried at the first refill after a pause. */
  #pause(error: unknown): void {
    if (this.#closed || this.#backoff.isPausing) return
    const retryMs = this.#backoff.begin()
    this.#parts.log.warn({ image: this.shape.image, err: error, retryMs }, 'a generic worker did not start')
  }

  #likeAt(machine: string): number {
    const ready = this.#ready.filter((worker) => machineOf(worker) === machine)
    return ready.length + this.#comingTo.filter((one) => one === machine).length
  }

  /** Ready and starting workers, without starts that calls wait for: those are taken as soon as they are ready. */
  #here(): number {
    return this.ready + this.#starting.later
  }

  #target(perMs = this.#demand.perMs(this.#parts.clock.elapsed())): number {
    if (this.wanted === 0) return 0
    return genericTarget(perMs, this.#parts.floor, this.#parts.memory.limitBytes, this.shape.memoryBytes)
  }
}

const machineOf = ({ machine = onlyMachine }: PoolWorker): string => machine
