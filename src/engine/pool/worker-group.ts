import type { Lease, LoadFailure, Revision } from '../../domain/worker.ts'
import type { Habits } from './policy/habits.ts'
import type { PoolWorker } from './pool-worker.ts'

/** A worker bound to the group's revision. */
export interface Slot {
  worker: PoolWorker
  inFlight: number
  calls: number
  /** Clock time (elapsed ms) since when nothing runs in it. */
  idleSince: number
  /** Bytes of the budget that it holds; 0 once given back. */
  heldBytes: number
  /** Settles when the pause is in force; null: it is not paused. */
  sleep: Promise<void> | null
  /** Settles when it runs again; null: nobody wakes it. */
  waking: Promise<void> | null
  /** False when the engine could not pause it. */
  mayPause: boolean
  /** Takes no more calls; goes when those in flight have ended. */
  leaving: boolean
}

export interface Waiter {
  since: number
  revision: Revision
  resolve(got: Lease | LoadFailure): void
  reject(error: unknown): void
  stopTimer(): void
}

/** The workers of one revision, and the calls that wait for one. */
export class WorkerGroup {
  /** The newest of the equal ones: bounds and deadline may differ. */
  revision: Revision
  readonly slots = new Set<Slot>()
  readonly waiters: Waiter[] = []
  /** Workers being bound or started for it. */
  provisioning = 0
  /** Those of them that come whether calls wait or not. */
  provisioningAnyway = 0
  /** Tries in a row that brought no worker which could serve a call. */
  failures = 0
  /** When the last of them failed. */
  failedAt = Number.NEGATIVE_INFINITY
  /** The next try, when the last one failed; null: nothing holds it back. */
  retry: { forCalls: boolean; stop(): void } | null = null
  /** The next look at calls that were left to busy workers; null: there are none. */
  stopPatience: (() => void) | null = null
  /** Outlives the group. */
  readonly habits: Habits
  /** Its function has newer code or limits. */
  retired = false
  /** Slots with room for a call; the one used last is on top, so that the others can grow old. */
  #free: Slot[] = []

  constructor(revision: Revision, habits: Habits) {
    this.revision = revision
    this.habits = habits
  }

  get isEmpty(): boolean {
    return this.slots.size === 0 && this.waiters.length === 0 && this.provisioning === 0
  }

  /** Workers that can serve. */
  get serving(): number {
    let count = 0
    for (const slot of this.slots) if (!slot.leaving && !slot.worker.isEnding) count++
    return count
  }

  /** Calls that its workers run. */
  get running(): number {
    let count = 0
    for (const slot of this.slots) count += slot.inFlight
    return count
  }

  /** How many more workers its function's bound allows. */
  get room(): number {
    return (this.revision.maxWorkers ?? Number.POSITIVE_INFINITY) - this.slots.size - this.provisioning
  }

  /** A slot with room, counted as in use; undefined when there is none. One whose worker has just died is passed over. */
  take(): Slot | undefined {
    let slot = this.#free[this.#free.length - 1]
    while (slot?.worker.isEnding) {
      this.#free.pop()
      slot = this.#free[this.#free.length - 1]
    }
    if (slot === undefined) return undefined
    this.failures = 0
    slot.inFlight++
    slot.calls++
    if (slot.inFlight >= this.revision.concurrency) this.#free.pop()
    return slot
  }

  add(slot: Slot): void {
    this.slots.add(slot)
    this.#free.push(slot)
  }

  /** A call of this slot has ended. */
  giveBack(slot: Slot): void {
    slot.inFlight--
    if (slot.leaving || slot.worker.isEnding || slot.inFlight !== this.revision.concurrency - 1) return
    this.#free.push(slot)
  }

  /** No call is given to it from now on. */
  leave(slot: Slot): void {
    slot.leaving = true
    const at = this.#free.indexOf(slot)
    if (at >= 0) this.#free.splice(at, 1)
  }

  /** Those that could go now, the one unused for longest first. */
  idle(): Slot[] {
    return this.#free.filter((slot) => slot.inFlight === 0 && !slot.worker.isEnding)
  }

  stopRetry(): void {
    this.retry?.stop()
    this.retry = null
  }

  stopTimers(): void {
    this.stopRetry()
    this.stopPatience?.()
    this.stopPatience = null
  }
}
