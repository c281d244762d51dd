import type { Execution, Phases } from '../domain/execution.ts'
import type { FunctionError } from '../domain/outcome.ts'

/** How an execution lies in ledger.db: one table of columns makes the SQL, the row that is bound, and the execution again. */

type Value = string | number | null
/** Values of one row, bound by position. */
export type Row = Value[]
export type StoredExecution = Record<string, Value>

interface Column {
  name: string
  /** JavaScript of the value, from `e`, the execution, and `p`, its phases. */
  value: string
  read(execution: Execution, value: Value): void
}

/** The field as it is. */
function plain(field: keyof Execution, name = columnNamed(field)): Column {
  return { name, value: `e.${field}`, read: (execution, value) => Object.assign(execution, { [field]: value }) }
}

function flag(field: 'sync' | 'isImageRun', name: string): Column {
  const read = (execution: Execution, value: Value) => {
    execution[field] = value === 1
  }
  return { name, value: `e.${field} ? 1 : 0`, read }
}

function json(field: 'error'): Column {
  const read = (execution: Execution, value: Value) => {
    execution[field] = value === null ? null : (JSON.parse(value as string) as FunctionError)
  }
  return { name: field, value: `e.${field} === null ? null : JSON.stringify(e.${field})`, read }
}

/** Null: the run has not begun. */
function phase(field: keyof Phases): Column {
  const read = (execution: Execution, value: Value) => {
    if (value === null) return
    execution.phases ??= { queue: 0, acquire: 0, load: 0, resume: 0, run: 0, total: 0 }
    execution.phases[field] = value as number
  }
  return { name: `${field}_ms`, value: `p === null ? null : p.${field}`, read }
}

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

/** What the run changes. */
const changed: Column[] = [
  plain('updatedAt'),
  plain('status'),
  plain('attempt'),
  plain('startKind'),
  plain('coldReason'),
  plain('worker'),
  plain('durationMs'),
  phase('queue'),
  phase('acquire'),
  phase('load'),
  rarePhase('resume'),
  phase('run'),
  phase('total'),
  plain('memoryPeakMb'),
  plain('cpuMs'),
  json('error'),
  plain('output'),
  plain('log'),
]

const table = [...made, ...changed]
const namesOf = (columns: Column[]): string[] => columns.map(({ name }) => name)
const allColumns = namesOf(table)
const runColumns = namesOf(changed)

/** A row whose id exists is left as it is: zero changes. */
export const insertSql = `INSERT INTO executions (${allColumns.join(', ')}) VALUES (${allColumns.map(() => '?')})
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

/**
 * The row of an execution. Made of the table once, as the array literal that one would write by hand: walking the table for
 * each of the rows, which cross to another thread by the ten thousand, costs ten times as much (1 µs).
 */
export const insertRow: (execution: Execution) => Row = compiled(table.map(({ value }) => value))

/** What a run changes, then the id. */
export const updateRow: (execution: Execution) => Row = compiled([...changed.map(({ value }) => value), 'e.id'])

/** Nothing in it comes from outside: the expressions are those of the table above. */
function compiled(values: string[]): (execution: Execution) => Row {
  return new Function('e', `const p = e.phases; return [${values.join(', ')}]`) as (execution: Execution) => Row
}

export function fromStored(row: StoredExecution): Execution {
  // Every field once, in one shape; those of columns are set below.
  const execution = { output: null, error: null, phases: null } as Execution
  for (const { name, read } of table) read(execution, row[name] as Value)
  return execution
}
