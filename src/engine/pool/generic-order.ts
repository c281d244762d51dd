import type { SimilarWorkersAt } from './policy/placement.ts'
import type { Evictable } from './policy/pool-policy.ts'
import type { PoolWorker } from './pool-worker.ts'

/** A group's request for the next worker of a shape. */
export interface WorkerOrder {
  projectId: string
  /** Checked before the start; false cancels the order. */
  isNeeded(): boolean
  /** Reserves memory for a worker that is about to be started. Returns the machine; null: no machine has enough. */
  makeRoom(bytes: number): string | null
}

/** `no_memory`: no memory is free now. Null: the worker was not needed any more. */
export type OrderedWorker = PoolWorker | 'no_memory' | null

/** An idle worker that may be ended to make room for others. */
export interface IdleGeneric extends Evictable {
  image: string
  evict(): void
}

/**
 * Reserves memory for one more generic worker when the expected gain is higher than the price. Returns the id of the machine, or null
 * when it is not.
 */
export type MakeRoomAhead = (
  bytes: number,
  gain: { worth: number; savedMs: number },
  likeAt: SimilarWorkersAt,
) => string | null
