import type { Durations } from './durations.ts'

/** How the parts of the server are, for metrics and health. Taken when somebody asks; nothing is counted for it beside. */

export interface PoolVitals {
  /** Memory limits of all workers together, and what they may have. */
  reservedBytes: number
  budgetBytes: number
  /** Calls that wait for a worker. */
  waitingCalls: number
}

export interface LedgerVitals {
  /** What is on its way to the disk. */
  pendingBytes: number
  /** Executions that could not be recorded, since the server began. */
  lostRows: number
  /** The disk took nothing when it was last tried. */
  isFailing: boolean
  /** How long batches took to be durable. */
  commits: Durations
}
