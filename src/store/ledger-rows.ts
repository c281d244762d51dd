import type { ColdReason, Execution, ExecutionStatus, InputKind, StartKind, Trigger } from '../domain/execution.ts'
import type { FunctionError } from '../domain/outcome.ts'

/** How an execution lies in ledger.db: the columns in the order of the schema, and values to and from them. */

/** Values of one row, bound by position. */
export type Row = (string | number | null)[]

const fixedColumns = ['id', 'project_id', 'function_id', 'function_version', 'created_at', 'is_sync', 'trigger']
const inputColumns = ['input_kind', 'is_image_run', 'function_alias', 'description', 'input']
const runColumns = [
  ...['updated_at', 'status', 'attempt', 'start_kind', 'cold_reason', 'worker', 'duration_ms'],
  ...['queue_ms', 'acquire_ms', 'load_ms', 'resume_ms', 'run_ms', 'total_ms', 'memory_peak_mb', 'cpu_ms'],
  ...['error', 'output', 'log'],
]
const allColumns = [...fixedColumns, ...inputColumns, ...runColumns]

/** A row whose id exists is left as it is: zero changes. */
export const insertSql = `INSERT INTO executions (${allColumns}) VALUES (${allColumns.map(() => '?')})
  ON CONFLICT (id) DO NOTHING`

/** A row that was deleted stays deleted: zero changes. */
export const updateSql = `UPDATE executions SET ${runColumns.map((column) => `${column} = ?`)} WHERE id = ?`

export const deleteSql = 'DELETE FROM executions WHERE id = ?'

export const countSql = `INSERT INTO counters (function_id, function_version, count, last_at) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET count = excluded.count, last_at = excluded.last_at`

/** Finished rows, so many at once: those older than a moment; those of a project that come before a row. */
export const pruneOlderSql = `DELETE FROM executions WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_time
  WHERE created_at < ? AND status <> 'running' ORDER BY created_at LIMIT ?)`
export const pruneProjectSql = `DELETE FROM executions WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_project
  WHERE project_id = ? AND (created_at, rowid) < (?, ?) AND status <> 'running' ORDER BY created_at LIMIT ?)`

export const columns = allColumns.join(', ')
/** The log may be large: lists leave it where it is. */
export const columnsWithoutLog = columns.replace(/log$/, "'' AS log")

export function insertRow(execution: Execution): Row {
  const { phases } = execution
  return [
    execution.id,
    execution.projectId,
    execution.functionId,
    execution.functionVersion,
    execution.createdAt,
    execution.sync ? 1 : 0,
    execution.trigger,
    execution.inputKind,
    execution.isImageRun ? 1 : 0,
    execution.functionAlias,
    execution.description,
    execution.input,
    execution.updatedAt,
    execution.status,
    execution.attempt,
    execution.startKind,
    execution.coldReason,
    execution.worker,
    execution.durationMs,
    phases === null ? null : phases.queue,
    phases === null ? null : phases.acquire,
    phases === null ? null : phases.load,
    // Null takes no room: in the row it lies behind what may be large.
    phases === null || phases.resume === 0 ? null : phases.resume,
    phases === null ? null : phases.run,
    phases === null ? null : phases.total,
    execution.memoryPeakMb,
    execution.cpuMs,
    execution.error === null ? null : JSON.stringify(execution.error),
    execution.output,
    execution.log,
  ]
}

/** What a run changes, then the id. */
export function updateRow(execution: Execution): Row {
  const row = insertRow(execution).slice(fixedColumns.length + inputColumns.length)
  row.push(execution.id)
  return row
}

export interface StoredExecution {
  id: string
  project_id: string
  function_id: string
  function_version: number
  created_at: number
  is_sync: number
  trigger: Trigger
  input_kind: InputKind
  is_image_run: number
  function_alias: string | null
  description: string | null
  input: string | null
  updated_at: number | null
  status: ExecutionStatus
  attempt: number
  start_kind: StartKind | null
  cold_reason: ColdReason | null
  worker: string | null
  duration_ms: number | null
  queue_ms: number | null
  acquire_ms: number | null
  load_ms: number | null
  resume_ms: number | null
  run_ms: number | null
  total_ms: number | null
  memory_peak_mb: number | null
  cpu_ms: number | null
  error: string | null
  output: string | null
  log: string
}

export function fromStored(row: StoredExecution): Execution {
  return {
    id: row.id,
    projectId: row.project_id,
    functionId: row.function_id,
    functionVersion: row.function_version,
    functionAlias: row.function_alias,
    description: row.description,
    status: row.status,
    sync: row.is_sync === 1,
    trigger: row.trigger,
    input: row.input,
    inputKind: row.input_kind,
    output: row.output,
    error: row.error === null ? null : (JSON.parse(row.error) as FunctionError),
    durationMs: row.duration_ms,
    isImageRun: row.is_image_run === 1,
    log: row.log,
    attempt: row.attempt,
    startKind: row.start_kind,
    coldReason: row.cold_reason,
    phases: phasesOf(row),
    worker: row.worker,
    memoryPeakMb: row.memory_peak_mb,
    cpuMs: row.cpu_ms,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function phasesOf(row: StoredExecution): Execution['phases'] {
  if (row.total_ms === null) return null
  const { queue_ms, acquire_ms, load_ms, resume_ms, run_ms, total_ms } = row
  const [queue, acquire, load] = [queue_ms ?? 0, acquire_ms ?? 0, load_ms ?? 0]
  return { queue, acquire, load, resume: resume_ms ?? 0, run: run_ms ?? 0, total: total_ms }
}
