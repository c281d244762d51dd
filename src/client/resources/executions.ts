import type { Destination, Retries } from './functions.ts'
import type { Row, TargetFields } from './row.ts'

export interface ExecutionRow extends Row {
  function_id: string
  function_version: number
  function_alias: string | null
  description: string | null
  status: 'running' | 'success' | 'failed' | 'error'
  sync: boolean
  input: string | null
  /** JSON text. */
  result: string | null
  output: unknown
  /** What an app put into outputs that nobody reads. */
  outputs: { name: string; type: string; to: string | null; messages: string[] }[] | null
  error: { type: string; message: string; stack: string | null; during?: 'load' } | null
  attempt: number
  trigger: string
  /** The job, webhook or source that started it, or the calling execution. */
  trigger_id: string | null
  start_kind: 'warm' | 'prewarmed' | 'cold' | null
  cold_reason: string | null
  /** Milliseconds of each phase. */
  phases: Record<string, number> | null
  worker: string | null
  memory_peak_mb: number | null
  cpu_ms: number | null
  /** Earliest begin: after a delay, or of the next retry. */
  run_at: string | null
  /** Time since which it is a dead letter. */
  dead_at: string | null
  priority: number
  delivery: {
    to: Destination
    state: 'pending' | 'delivered' | 'failed'
    attempts: number
    error: string | null
  } | null
}

export interface ExecutionFields extends TargetFields {
  /** Text; the text of a JSON object is the object. */
  input?: string
  sync?: boolean
  description?: string
  /** The following fields are for accepted runs (`sync: false`). */
  retries?: Retries
  /** Seconds. */
  delay?: number
  run_at?: string
  /** From -100 to 100; higher goes first. */
  priority?: number
  idempotency_key?: string
  on_success?: Destination
  on_failure?: Destination
}
