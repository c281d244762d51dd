import type { Execution, Phases } from '../domain/execution.ts'

/** How an execution lies in ledger.db: one table of columns makes the SQL, the row that is bound, and the execution again. */

type Value = string | number | null
/** Values of one row, bound by position. */
export type Row = Value[]
export type StoredExecution = Record<string, Value>

interface Column {
  name: string
  field: keyof Execution | keyof Phases
  /** JavaScript of the value, from `e`, the execution, and `p`, its phases. */
  value: string
  /** JavaScript of the field, from `r`, the stored row. */
  read: string
}

/** The field as it is. */
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

/** Most runs have none of it. Null takes no room: in the row it lies behind what may be large. */
const rarePhase = (field: keyof Phases): Column => ({
  ...phase(field),
  value: `p === null || p.${field} === 0 ? null : p.${field}`,
})

const columnNamed = (field: string): string => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** What is known when the run is accepted. */
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

/** What the run changes. */
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
  // Headers may be secrets, and the body is there a second time: gone when the run is over and not to be run again.
  {
    name: 'request',
    field: 'request',
    value: "e.request === null || (e.status !== 'running' && e.deadAt === null) ? null : JSON.stringify(e.request)",
    read: 'r.request === null ? null : JSON.parse(r.request)',
  },
  plain('output'),
  plain('log'),
]

const table = [...made, ...changed]
const namesOf = (columns: Column[]): string[] => columns.map(({ name }) => name)
const allColumns = namesOf(table)
const runColumns = namesOf(changed)

/** What most runs have none of: null in their rows, and where it is null in all of one, left out of it. */
const rare = new Set<Column['field']>([
  ...(['triggerId', 'functionAlias', 'description', 'coldReason', 'resume', 'error'] as const),
  ...(['terms', 'runAt', 'deadAt', 'delivery', 'deliverAt', 'request'] as const),
])
const [rareColumns, usual] = [
  table.filter(({ field }) => rare.has(field)),
  table.filter(({ field }) => !rare.has(field)),
]

/** A row whose id exists is left as it is: zero changes. */
const insertOf = (names: string[]): string =>
  `INSERT INTO executions (${names.join(', ')}) VALUES (${names.map(() => '?')}) ON CONFLICT (id) DO NOTHING`
export const insertSql = insertOf(allColumns)
/** The same of a usual run: a third fewer values to bind, and to bring to the thread that writes. */
export const insertUsualSql = insertOf(namesOf(usual))

/** A row that was deleted stays deleted: zero changes. */
export const updateSql = `UPDATE executions SET ${runColumns.map((column) => `${column} = ?`)} WHERE id = ?`

/** An accepted run is about to begin. */
export const beginSql = 'UPDATE executions SET attempt = ?, run_at = NULL WHERE id = ?'

/** All of a row that is over. */
export const rewriteSql = `UPDATE executions SET ${allColumns.slice(1).map((column) => `${column} = ?`)}
  WHERE status <> 'running' AND id = ?`
export const dropInputSql = 'UPDATE executions SET input = NULL WHERE id = ?'

export const deleteSql = 'DELETE FROM executions WHERE id = ?'

export const countSql = `INSERT INTO counters (function_id, function_version, count, last_at) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET count = excluded.count, last_at = excluded.last_at`

/** Nobody is to look at it, and it is on its way nowhere. */
const isDone = 'dead_at IS NULL AND deliver_at IS NULL'

/** Deletes finished rows, at most LIMIT in one step: those older than a moment; those of a project that come before a row. */
export const pruneOlderSql = `DELETE FROM executions WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_time
  WHERE created_at < ? AND status <> 'running' AND ${isDone} ORDER BY created_at LIMIT ?)`
export const pruneProjectSql = `DELETE FROM executions WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_project
  WHERE project_id = ? AND (created_at, rowid) < (?, ?) AND status <> 'running' AND ${isDone} ORDER BY created_at LIMIT ?)`

/** Dead letters that are kept as such no longer: those older than a moment; the oldest of a project beyond its number. */
export const buryOlderSql = `UPDATE executions SET dead_at = NULL, request = NULL WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_dead
  WHERE dead_at IS NOT NULL AND dead_at < ? LIMIT ?)`
export const buryProjectSql = `UPDATE executions SET dead_at = NULL, request = NULL WHERE rowid IN (
  SELECT rowid FROM executions INDEXED BY executions_dead
  WHERE dead_at IS NOT NULL AND project_id = ? ORDER BY created_at DESC LIMIT -1 OFFSET ?)`

export const columns = allColumns.join(', ')
/** The log may be large: lists leave it where it is. */
export const columnsWithoutLog = columns.replace(/log$/, "'' AS log")

/**
 * The row of an execution, and the execution of a row: made of the table once, as the literals that one would write by hand.
 * Walking the table for each of the rows, which cross to another thread by the ten thousand, costs ten times as much for a
 * row and a hundred times for an execution. Nothing in the text comes from outside.
 */
export const insertRow = compiled<(execution: Execution) => Row>('e', rowText(table.map(({ value }) => value)))

/** Null: it has something that only few have. */
export const insertUsualRow = compiled<(execution: Execution) => Row | null>(
  'e',
  `const p = e.phases; return ${rareColumns.map(({ value }) => `(${value}) === null`).join(' && ')}
    ? [${usual.map(({ value }) => value).join(', ')}] : null`,
)

export const rewriteRow = compiled<(execution: Execution) => Row>(
  'e',
  rowText([...table.slice(1).map(({ value }) => value), 'e.id']),
)

/** What a run changes, then the id. */
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
