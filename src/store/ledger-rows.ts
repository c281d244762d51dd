import type { Execution, Phases } from '../domain/runs/execution.ts'

/** The mapping of an execution to ledger.db: one table of columns produces the SQL, the bound row, and the execution. */

type Value = string | number | null
/** Values of one row, bound by position. */
export type Row = Value[]
export type StoredExecution = Record<string, Value>

interface Column {
  name: string
  field: keyof Execution | keyof Phases
  /** JavaScript expression of the value, from `e`, the execution, and `p`, its phases. */
  value: string
  /** JavaScript expression of the field, from `r`, the stored row. */
  read: string
}

/** A field that is stored as it is. */
function plain(field: keyof Execution): Column {
  const name = columnNamed(field)
  return { name, field, value: `e.${field}`, read: `r.${name}` }
}

const flag = (field: 'sync' | 'isImageRun', name: string): Column => ({
  name,
  field,
  value: `e.${field} ? 1 : 0`,
  read: `r.${name} === 1`,
})

const json = (field: 'error' | 'terms' | 'delivery'): Column => ({
  name: field,
  field,
  value: `e.${field} === null ? null : JSON.stringify(e.${field})`,
  read: `r.${field} === null ? null : JSON.parse(r.${field})`,
})

/** Null: the run has not begun. */
const phase = (field: keyof Phases): Column => ({
  name: `${field}_ms`,
  field,
  value: `p === null ? null : p.${field}`,
  read: `r.${field}_ms ?? 0`,
})

/** Null for most runs. Null needs no space: the column is behind the large ones. */
const rarePhase = (field: keyof Phases): Column => ({
  ...phase(field),
  value: `p === null || p.${field} === 0 ? null : p.${field}`,
})

const columnNamed = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Columns known when the run is accepted. */
const made: Column[] = [
  plain('id'),
  plain('projectId'),
  plain('functionId'),
  plain('functionVersion'),
  plain('createdAt'),
  flag('sync', 'is_sync'),
  plain('trigger'),
  plain('triggerId'),
  plain('inputKind'),
  flag('isImageRun', 'is_image_run'),
  plain('functionAlias'),
  plain('description'),
  plain('input'),
]

const phases: Column[] = [
  phase('queue'),
  phase('acquire'),
  phase('load'),
  rarePhase('resume'),
  phase('run'),
  phase('total'),
]

/** Columns that the run changes. */
const changed: Column[] = [
  plain('updatedAt'),
  plain('status'),
  plain('attempt'),
  plain('startKind'),
  plain('coldReason'),
  plain('worker'),
  plain('durationMs'),
  ...phases,
  plain('memoryPeakMb'),
  plain('cpuMs'),
  json('error'),
  json('terms'),
  plain('runAt'),
  plain('deadAt'),
  json('delivery'),
  plain('deliverAt'),
  // Headers may be secrets, and the body is stored a second time: removed once the run is over and will not run again.
  {
    name: 'request',
    field: 'request',
    value: "e.request === null || (e.status !== 'running' && e.deadAt === null) ? null : JSON.stringify(e.request)",
    read: 'r.request === null ? null : JSON.parse(r.request)',
  },
  plain('outputs'),
  plain('output'),
  plain('log'),
]

const table = [...made, ...changed]
const namesOf = (columns: Column[]): string[] => columns.map(({ name }) => name)
const allColumns = namesOf(table)
const runColumns = namesOf(changed)

/** Columns that are null for most runs. Rows in which all of them are null are inserted without them. */
const rare = new Set<Column['field']>([
  ...(['triggerId', 'functionAlias', 'description', 'coldReason', 'resume', 'error'] as const),
  ...(['terms', 'runAt', 'deadAt', 'delivery', 'deliverAt', 'request', 'outputs'] as const),
])
const [rareColumns, usual] = [
  table.filter(({ field }) => rare.has(field)),
  table.filter(({ field }) => !rare.has(field)),
]

/** An existing id is left unchanged: zero changes. */
const insertOf = (names: string[]): string =>
  `INSERT INTO executions (${names.join(', ')}) VALUES (${names.map(() => '?')}) ON CONFLICT (id) DO NOTHING`
export const insertSql = insertOf(allColumns)
/** The same for most runs: a third fewer values to bind and to pass to the thread. */
export const insertUsualSql = insertOf(namesOf(usual))

/** A deleted row stays deleted: zero changes. */
export const updateSql = `UPDATE executions SET ${runColumns.map((column) => `${column} = ?`)} WHERE id = ?`

/** An accepted run is about to begin. */
export const beginSql = 'UPDATE executions SET attempt = ?, run_at = NULL WHERE id = ?'

/** Rewrites all columns of a finished run. */
export const rewriteSql = `UPDATE executions SET ${allColumns.slice(1).map((column) => `${column} = ?`)}
  WHERE status <> 'running' AND id = ?`
export const dropInputSql = 'UPDATE executions SET input = NULL WHERE id = ?'

export const deleteSql = 'DELETE FROM executions WHERE id = ?'

export const countSql = `INSERT INTO counters (function_id, function_version, count, last_at) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET count = excluded.count, last_at = excluded.last_at`

/** Neither a dead letter nor awaiting delivery. */
const isDone = 'dead_at IS NULL AND deliver_at IS NULL'

/** Deletes finished rows, at most LIMIT at once: those older than a time, or those of a project before a row. */
export const pruneOlderSql = `DELETE FROM executions WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_time
  WHERE created_at < ? AND status <> 'running' AND ${isDone} ORDER BY created_at LIMIT ?)`
export const pruneProjectSql = `DELETE FROM executions WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_project
  WHERE project_id = ? AND (created_at, rowid) < (?, ?) AND status <> 'running' AND ${isDone} ORDER BY created_at LIMIT ?)`

/** Dead letters that expire: those older than a time, or the oldest of a project beyond its limit. */
export const expireOlderDeadLettersSql = `UPDATE executions SET dead_at = NULL, request = NULL WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_dead
  WHERE dead_at IS NOT NULL AND dead_at < ? LIMIT ?)`
export const expireProjectDeadLettersSql = `UPDATE executions SET dead_at = NULL, request = NULL WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_dead
  WHERE dead_at IS NOT NULL AND project_id = ? ORDER BY created_at DESC LIMIT -1 OFFSET ?)`

export const columns = allColumns.join(', ')
/** Lists do not read the log, which may be large. */
export const columnsWithoutLog = columns.replace(/log$/, "'' AS log")

/**
 * Converts an execution to a row and back, with functions compiled once from the table, like hand-written literals. Walking the
 * table for each row would take ten times as long, and a hundred times for an execution; rows cross to another thread by the ten
 * thousand. Nothing in the compiled text comes from outside.
 */
export const insertRow = compiled<(execution: Execution) => Row>('e', rowText(table.map(({ value }) => value)))

/** Null: it has a value in a rare column. */
export const insertUsualRow = compiled<(execution: Execution) => Row | null>(
  'e',
  `const p = e.phases; return ${rareColumns.map(({ value }) => `(${value}) === null`).join(' && ')}
    ? [${usual.map(({ value }) => value).join(', ')}] : null`,
)

export const rewriteRow = compiled<(execution: Execution) => Row>(
  'e',
  rowText([...table.slice(1).map(({ value }) => value), 'e.id']),
)

/** The values that a run changes, then the id. */
export const updateRow = compiled<(execution: Execution) => Row>(
  'e',
  rowText([...changed.map(({ value }) => value), 'e.id']),
)

export const fromStored = compiled<(row: StoredExecution) => Execution>('r', executionText())

function compiled<F>(parameter: string, body: string): F {
  return new Function(parameter, body) as F
}

function rowText(values: string[]): string {
  return `const p = e.phases; return [${values.join(', ')}]`
}

function executionText(): string {
  const fields = (columns: Column[]): string => columns.map(({ field, read }) => `${field}: ${read}`).join(', ')
  const own = table.filter((column) => !phases.includes(column))
  return `return { ${fields(own)}, phases: r.total_ms === null ? null : { ${fields(phases)} } }`
}

/** Bytes of a row that do not depend on its texts. */
export const rowBytes = 512
