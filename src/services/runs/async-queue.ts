import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'

export interface AsyncQueueLimits {
  /** Accepted runs that may wait. */
  maxQueued: number
  /** Bytes of input that may wait. */
  maxQueuedBytes: number
  /** Accepted runs at work at once. */
  maxAsyncRunning: number
  /** Of those, of one function: a busy one leaves room for the others. */
  maxAsyncRunningPerFunction: number
  /** Tries of an accepted run when the platform fails. */
  maxAttempts: number
  /** Pause before the second try; doubles with each further one. */
  retryPauseMs: number
}

/** One try; false: the platform failed, try again after a pause. Must not throw. */
export type Attempt = () => Promise<boolean>

/** A place in the queue that was promised before the run became durable. */
export interface Place {
  giveUp(): void
  /** Resolves when the run is over. */
  enqueue(attempt: Attempt): Promise<void>
}

interface Waiting {
  functionId: string
  bytes: number
  attempt: Attempt
  tries: number
  done: () => void
}

/** Accepted runs that wait for their turn: first come, first served within a function, functions in turn. */
export class AsyncQueue {
  #limits: AsyncQueueLimits
  #clock: Clock
  #lanes = new Map<string, { waiting: Waiting[]; running: number }>()
  #held = 0
  #heldBytes = 0
  #running = 0
  #closed = false
  #idle: (() => void)[] = []

  constructor(limits: AsyncQueueLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Accepted runs that have not begun. */
  get waiting(): number {
    return this.#held
  }

  /** Throws FaasError `queue_full`. */
  reserve(functionId: string, bytes: number): Place {
    const { maxQueued, maxQueuedBytes } = this.#limits
    if (this.#held >= maxQueued || this.#heldBytes + bytes > maxQueuedBytes) {
      throw new FaasError('queue_full', `${this.#held} runs wait already; try again later.`)
    }
    return this.readmit(functionId, bytes)
  }

  /** A place for what was accepted before: limits do not count. */
  readmit(functionId: string, bytes: number): Place {
    this.#held++
    this.#heldBytes += bytes
    return {
      giveUp: () => this.#let(bytes),
      enqueue: (attempt) => new Promise((done) => this.#add({ functionId, bytes, attempt, tries: 0, done })),
    }
  }

  /** Starts nothing more; resolves when what is at work has ended. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #let(bytes: number): void {
    this.#held--
    this.#heldBytes -= bytes
  }

  #add(entry: Waiting): void {
    const lane = this.#lanes.get(entry.functionId) ?? { waiting: [], running: 0 }
    this.#lanes.set(entry.functionId, lane)
    lane.waiting.push(entry)
    this.#dispatch()
  }

  #dispatch(): void {
    if (this.#closed) return
    const { maxAsyncRunning, maxAsyncRunningPerFunction } = this.#limits
    for (const [functionId, lane] of this.#lanes) {
      if (this.#running >= maxAsyncRunning) return
      while (this.#running < maxAsyncRunning && lane.running < maxAsyncRunningPerFunction) {
        const entry = lane.waiting.shift()
        if (entry === undefined) break
        lane.running++
        this.#running++
        this.#let(entry.bytes)
        void this.#work(entry).finally(() => this.#ended(functionId, lane))
      }
    }
  }

  async #work(entry: Waiting): Promise<void> {
    entry.tries++
    if (await entry.attempt()) return entry.done()
    this.#held++
    this.#heldBytes += entry.bytes
    this.#clock.after(this.#limits.retryPauseMs * 2 ** (entry.tries - 1), () => this.#add(entry))
  }

  /** The lane moves behind the others, so that functions take turns. */
  #ended(functionId: string, lane: { waiting: Waiting[]; running: number }): void {
    lane.running--
    this.#running--
    this.#lanes.delete(functionId)
    if (lane.running > 0 || lane.waiting.length > 0) this.#lanes.set(functionId, lane)
    this.#dispatch()
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
