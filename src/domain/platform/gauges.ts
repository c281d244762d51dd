import type { Durations } from '../durations.ts'

/** State of the server's parts, for metrics and health. Computed on demand. */

export interface PoolGauges {
  /** Reserved memory of all workers together, and its limit. */
  reservedBytes: number
  budgetBytes: number
  /** Calls that wait for a worker. */
  waitingCalls: number
}

export interface LedgerGauges {
  /** Bytes that wait to be written. */
  pendingBytes: number
  /** Executions that could not be recorded since the server began. */
  lostRows: number
  /** True when the disk refused the last write. */
  isFailing: boolean
  /** Durations of commits. */
  commits: Durations
}
