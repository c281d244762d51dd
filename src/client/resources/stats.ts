import type { ExecutionRow } from './executions.ts'

/** A call: function id, version, ms since 1970, run ms, ms until it had a worker, start kind, peak MB. */
export type HistoryLine = [string, number, number, number, number | null, ExecutionRow['start_kind'], number | null]

export interface FunctionStatsRow
  extends Pick<StatsRow, 'executions' | 'failed' | 'error' | 'error_rate' | 'cold_ratio'> {
  function_id: string
  total: { p50: number | null; p95: number | null; p99: number | null }
}

export interface StatsRow {
  since: string
  executions: number
  success: number
  failed: number
  error: number
  error_rate: number | null
  phases: Record<string, { p50: number | null; p95: number | null; p99: number | null }>
  starts: { warm: number; prewarmed: number; cold: number }
  cold_ratio: number | null
  cold_reasons: Record<string, { count: number; ratio: number }>
  gb_seconds: { busy: number; idle_warm: number | null }
}
