import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Log } from '../../domain/log.ts'
import type { Departures } from './departures.ts'
import type { Memory } from './memory.ts'
import { GenericDemand } from './policy/generic-demand.ts'
import { type Evictable, genericTarget, genericWorth } from './policy/pool-policy.ts'
import type { PoolWorker, Shape, WorkerFactory } from './pool-worker.ts'
import type { Starts, Urgency } from './starts.ts'

export interface GenericWorkersParts {
  factory: WorkerFactory
  memory: Memory
  departures: Departures
  starts: Starts
  clock: Clock
  log: Log
  /** Least number kept ready of each shape. */
  floor: number
  /** The share of the processors that workers are started with, where limits cannot be changed later; null: they can. */
  fixedCpuMillicpu: number | null
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

/** An idle worker that may be ended to make room for others. */
export interface Spare extends Evictable {
  image: string
  evict(): void
}

/** Reserves memory for one more generic worker, when it is worth what it takes. */
export type MakeRoomAhead = (bytes: number, gain: { worth: number; savedMs: number }) => boolean

interface Request extends Order {
  resolve(got: Ordered): void
  reject(error: unknown): void
}

const firstPauseMs = 500
const longestPauseMs = 60_000
/** Assumed start time of a shape that was never started. */
const usualStartMs = 500
/** In the line of starts, work ahead for everybody is a project of its own. */
const nobody = ''

/** The generic workers of one shape: those that are ready, those on their way, and the orders that wait for one. */
export class GenericShape {
  readonly shape: Shape
  /** Number of runtimes that want workers of it kept ready. */
  wanted = 0
  #parts: GenericWorkersParts
  #ready: PoolWorker[] = []
  /** Starts under way or in line, by why. */
  #starting: Record<Urgency, number> = { now: 0, later: 0 }
  /** The oldest first. */
  #requests: Request[] = []
  #demand = new GenericDemand()
  /** Mean time of a start so far. */
  #startMs = usualStartMs
  #pauseMs = firstPauseMs
  /** Ends the pause after a failure; null: no pause. */
  #stopPause: (() => void) | null = null
  #starts = new Set<Promise<void>>()
  #closed = false

  constructor(parts: GenericWorkersParts, shape: Shape) {
    this.#parts = parts
    this.shape = shape
  }

  /** Nothing is left of it, and no runtime wants it. */
  get isEmpty(): boolean {
    return this.wanted + this.ready + this.#requests.length + this.#starts.size === 0 && this.#stopPause === null
  }

  /** Number of ready workers. */
  get ready(): number {
    return this.#ready.length
  }

  get isKept(): boolean {
    return this.#target() > 0
  }

  /** Until one would be there; 0: one is ready. */
  get startMs(): number {
    return this.#ready.some((worker) => !worker.isEnding) ? 0 : this.#startMs
  }

  /** One that is ready. */
  take(): PoolWorker | undefined {
    // One that has just died stays where it is: its end takes it out.
    const at = this.#ready.findLastIndex((worker) => !worker.isEnding)
    if (at < 0) return undefined
    this.#pauseMs = firstPauseMs
    return this.#ready.splice(at, 1)[0]
  }

  /** Takes a worker back that cannot be used now. */
  put(worker: PoolWorker): void {
    if (this.#closed || worker.isEnding || this.ready >= this.#target()) this.#end(worker)
    else this.#ready.push(worker)
  }

  /** One that is not ready yet: the next that comes up, whoever it was started for. Throws FaasError `engine_failed`. */
  start(order: Order): Promise<Ordered> {
    return new Promise((resolve, reject) => {
      const request = { ...order, resolve, reject }
      this.#requests.push(request)
      this.#begin('now', order.projectId, () => this.#startFor(request))
    })
  }

  /** Notes the demand: a call took a generic worker, or would have taken one if one had been ready. */
  noteTaken(): void {
    this.#demand.note(this.#parts.clock.elapsed(), this.#startMs)
  }

  /** Ready ones that may make room for others. Those on their way count before them: the last one is worth the least. */
  spare(): Spare[] {
    if (this.ready === 0) return []
    const perMs = this.#demand.perMs(this.#parts.clock.elapsed())
    return this.#ready.map((worker, at) => {
      const { name, memoryBytes } = worker
      const worth = genericWorth(perMs, this.#starting.later + at, this.#startMs, this.shape.memoryBytes)
      return { name, image: this.shape.image, memoryBytes, worth, evict: () => this.#evict(worker) }
    })
  }

  /** Starts as many as should be ready. */
  refill(makeRoom: MakeRoomAhead): void {
    const { memoryBytes } = this.shape
    if (this.#closed || this.#stopPause !== null) return
    const perMs = this.#demand.perMs(this.#parts.clock.elapsed())
    for (let have = this.#here(); have < this.#target(perMs); have++) {
      const gain = { worth: genericWorth(perMs, have, this.#startMs, memoryBytes), savedMs: this.#startMs }
      if (!makeRoom(memoryBytes, gain)) return
      this.#begin('later', nobody, () => this.#startAhead())
    }
  }

  endReady(): void {
    for (const worker of this.#ready.splice(0)) this.#end(worker)
  }

  /** Ends the ready ones and starts no more. Resolves when no start is under way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopPause?.()
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

  /** Its turn has come. The order may have been served otherwise: then nothing is started, and it counts no more at once. */
  async #startFor(request: Request): Promise<PoolWorker | null> {
    this.#dropNeedless()
    if (this.#starting.now <= this.#requests.length) {
      const served = this.#requests.includes(request) ? request : (this.#requests[0] as Request)
      if (served.makeRoom(this.shape.memoryBytes)) return this.#make(served.projectId)
      this.#requests.splice(this.#requests.indexOf(served), 1)
      served.resolve('no_memory')
    }
    this.#starting.now--
    return null
  }

  /** Its memory is reserved. An order whose own start failed is left to it. */
  async #startAhead(): Promise<PoolWorker | null> {
    this.#dropNeedless()
    const isWanted = this.#here() <= this.#target() || this.#requests.length > this.#starting.now
    if (!this.#closed && isWanted) return this.#make(null)
    this.#starting.later--
    this.#parts.memory.giveBack(this.shape.memoryBytes, null)
    return null
  }

  /** Until it is bound it belongs to nobody. */
  async #make(reservedFor: string | null): Promise<PoolWorker> {
    const { clock, factory, memory } = this.#parts
    const { memoryBytes } = this.shape
    memory.handOver(memoryBytes, reservedFor, null)
    const from = clock.elapsed()
    try {
      const started = await factory.startGeneric(this.shape)
      this.#startMs = this.#startMs * 0.7 + (clock.elapsed() - from) * 0.3
      return started
    } catch (error) {
      memory.giveBack(memoryBytes, null)
      throw error
    }
  }

  #dropNeedless(): void {
    this.#requests = this.#requests.filter((request) => {
      const isNeeded = request.isNeeded()
      if (!isNeeded) request.resolve(null)
      return isNeeded
    })
  }

  #arrived(worker: PoolWorker): void {
    void worker.gone.then(() => this.#gone(worker))
    this.#dropNeedless()
    const request = this.#requests.shift()
    if (request !== undefined) {
      this.#pauseMs = firstPauseMs
      request.resolve(worker)
    } else if (this.#closed || this.wanted === 0) {
      this.#end(worker)
    } else {
      this.#ready.push(worker)
      this.#parts.memory.noteIdle()
    }
  }

  /** Orders beyond the starts under way are refused; work ahead is tried again later. */
  #failed(error: unknown): void {
    if (this.#requests.length > this.#starting.now + this.#starting.later) this.#requests.shift()?.reject(error)
    else this.#pause(error)
  }

  #evict(worker: PoolWorker): void {
    if (this.#takeOut(worker)) this.#end(worker)
  }

  #end(worker: PoolWorker): void {
    this.#parts.departures.end(worker, worker.memoryBytes, null)
  }

  /** A ready one that died: its memory is given back, and another is made in a while. One that was taken is its taker's. */
  #gone(worker: PoolWorker): void {
    if (!this.#takeOut(worker)) return
    this.#parts.memory.giveBack(worker.memoryBytes, null)
    this.#pause(new FaasError('engine_failed', `Worker ${worker.name} ended before it was used.`))
  }

  #takeOut(worker: PoolWorker): boolean {
    const at = this.#ready.indexOf(worker)
    if (at >= 0) this.#ready.splice(at, 1)
    return at >= 0
  }

  /** A shape that cannot start is tried again ever more rarely, at the first refill after the pause. */
  #pause(error: unknown): void {
    const { log, clock, memory } = this.#parts
    if (this.#closed || this.#stopPause !== null) return
    log.warn({ image: this.shape.image, err: error, retryMs: this.#pauseMs }, 'a generic worker did not start')
    this.#stopPause = clock.after(this.#pauseMs, () => {
      this.#stopPause = null
      memory.noteIdle()
    })
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2)
  }

  /** Ready or on their way. Starts that calls wait for are not counted: their workers are taken as they come. */
  #here(): number {
    return this.ready + this.#starting.later
  }

  #target(perMs = this.#demand.perMs(this.#parts.clock.elapsed())): number {
    if (this.wanted === 0) return 0
    return genericTarget(perMs, this.#parts.floor, this.#parts.memory.limitBytes, this.shape.memoryBytes)
  }
}
