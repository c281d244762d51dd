import { setImmediate } from 'node:timers/promises'
import { invalid } from '../domain/errors.ts'
import type { Condition, Execution, ExecutionFilter, Page } from '../domain/runs/execution.ts'
import { columnsWithoutLog, fromStored, type StoredExecution } from './ledger-rows.ts'
import type { Connection } from './sqlite.ts'

/** Rows read at once: about a millisecond. */
const windowRows = 500
/** Approximate limit of input and output bytes in a slice. */
const sliceBytes = 4 * 1024 * 1024

interface Key {
  rowid: number
  created_at: number
  id: string
  matches: 0 | 1
}

/**
 * Executions without logs, ordered by time and id, in slices. An index finds the first row; from there rows are read in windows,
 * so that neither many rows nor few matches block the process. A slice may be empty.
 */
export async function* listExecutions(
  connection: Connection,
  filter: ExecutionFilter,
  page: Page,
): AsyncGenerator<Execution[]> {
  const newestFirst = page.newestFirst === true
  const { sql, parameters, isExact } = keysQuery(filter, newestFirst)
  const keys = connection.prepare<unknown[], Key>(sql)
  const row = connection.prepare<[number], StoredExecution>(
    `SELECT ${columnsWithoutLog} FROM executions WHERE rowid = ?`,
  )
  let at = startOf(connection, filter.projectId, page.marker, newestFirst)
  let left = page.limit ?? Number.POSITIVE_INFINITY
  while (left > 0) {
    const size = isExact ? Math.min(left, windowRows) : windowRows
    const window = keys.all(...parameters, at.created_at, at.created_at, at.id, size)
    const matching = window.filter(({ matches }) => matches === 1).slice(0, left)
    left -= matching.length
    for (const slice of slices(matching, row)) {
      yield slice
      await setImmediate()
    }
    const last = window.at(-1)
    if (last === undefined || window.length < size) return
    at = last
    // Readers who take turns let others go first before the next window is read.
    if (matching.length === 0) yield []
    await setImmediate()
  }
}

const beforeAll = { created_at: Number.MIN_SAFE_INTEGER, id: '' }
const afterAll = { created_at: Number.MAX_SAFE_INTEGER, id: '\u{10ffff}' }

/** A row of another project counts as missing. */
function startOf(
  connection: Connection,
  projectId: string | null,
  marker: string | null,
  newestFirst: boolean,
): Omit<Key, 'rowid' | 'matches'> {
  if (marker === null) return newestFirst ? afterAll : beforeAll
  const row = connection
    .prepare<unknown[], number>('SELECT created_at FROM executions WHERE id = ? AND project_id = ifnull(?, project_id)')
    .pluck()
    .get(marker, projectId)
  if (row === undefined) throw invalid(`marker ${marker} is not an execution; it may have been deleted.`)
  return { created_at: row, id: marker }
}

function* slices(keys: Key[], row: { get(rowid: number): StoredExecution | undefined }): Generator<Execution[]> {
  let slice: Execution[] = []
  let bytes = 0
  for (const { rowid } of keys) {
    const stored = row.get(rowid)
    if (stored === undefined) continue
    const execution = fromStored(stored)
    slice.push(execution)
    bytes += (execution.input?.length ?? 0) + (execution.output?.length ?? 0)
    if (bytes < sliceBytes) continue
    yield slice
    slice = []
    bytes = 0
  }
  if (slice.length > 0) yield slice
}

/** Start of a list: an index, and the condition that it serves. */
interface Seek {
  serves: Condition | null
  index: string
  where: string
  values: string[]
}

interface KeysQuery {
  sql: string
  /** Followed by: time, time and id of the last row, and the number of rows to read. */
  parameters: unknown[]
  /** True when every row that is read matches. */
  isExact: boolean
}

function keysQuery({ projectId, conditions, onlyDead }: ExecutionFilter, newestFirst: boolean): KeysQuery {
  const all = projectId === null ? conditions : [...conditions, ofProject(projectId)]
  const seek = onlyDead ? ofDead : chooseSeek(all)
  const rest = all.filter((condition) => condition !== seek.serves).map(conditionSql)
  const matches = rest.map(({ sql }) => `ifnull(${sql}, 0)`).join(' AND ') || '1'
  const [beyond, direction] = newestFirst ? ['<', 'DESC'] : ['>', 'ASC']
  return {
    sql: `SELECT rowid, created_at, id, ${matches} AS matches FROM executions INDEXED BY ${seek.index}
      WHERE ${seek.where} created_at ${beyond}= ? AND (created_at ${beyond} ? OR id ${beyond} ?)
      ORDER BY created_at ${direction}, id ${direction} LIMIT ?`,
    parameters: [...rest.flatMap(({ values }) => values), ...seek.values],
    isExact: rest.length === 0,
  }
}

const ofProject = (projectId: string): Condition => ({ column: 'project_id', op: 'eq', values: [projectId] })

/** Dead letters are few. */
const ofDead: Seek = { serves: null, index: 'executions_dead', where: 'dead_at IS NOT NULL AND', values: [] }

function chooseSeek(conditions: Condition[]): Seek {
  const equal = (name: Condition['column']) => conditions.find(({ column, op }) => column === name && op === 'eq')
  const status = equal('status')
  if (status?.values[0] === 'running') {
    return { serves: status, index: 'executions_running', where: "status = 'running' AND", values: [] }
  }
  const trigger = equal('trigger_id')
  if (trigger) {
    return { serves: trigger, index: 'executions_trigger', where: 'trigger_id = ? AND', values: trigger.values }
  }
  const fn = equal('function_id')
  if (fn) {
    return { serves: fn, index: 'executions_function', where: 'function_id = ? AND', values: fn.values }
  }
  const project = equal('project_id')
  if (project) {
    return { serves: project, index: 'executions_project', where: 'project_id = ? AND', values: project.values }
  }
  return { serves: null, index: 'executions_time', where: '', values: [] }
}

const operators = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const

function conditionSql({ column, op, values }: Condition): { sql: string; values: unknown[] } {
  switch (op) {
    case 'has':
      return { sql: `instr(${column}, ?) > 0`, values: [values[0]] }
    case 'in':
    case 'nin': {
      const not = op === 'nin' ? 'NOT ' : ''
      return { sql: `${column} ${not}IN (SELECT value FROM json_each(?))`, values: [JSON.stringify(values)] }
    }
    default:
      return { sql: `${column} ${operators[op]} ?`, values: [values[0]] }
  }
}
