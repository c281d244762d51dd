import { setImmediate } from 'node:timers/promises'
import type { Connection } from './sqlite.ts'

/** Index entries read at once: a fraction of a millisecond. */
const stepRows = 5000

/** Every project with executions; the index is queried once for each. */
export function projectsOf(connection: Connection): string[] {
  const next = connection
    .prepare<[string], string>('SELECT project_id FROM executions WHERE project_id > ? ORDER BY project_id LIMIT 1')
    .pluck()
  const projects: string[] = []
  for (let project = next.get(''); project !== undefined; project = next.get(project)) projects.push(project)
  return projects
}

/** A row's position in the order of its project. */
export interface RowPosition {
  created_at: number
  rowid: number
}

/** The oldest of a project's `rows` newest rows, or null when there are fewer. */
export async function oldestRetained(
  connection: Connection,
  projectId: string,
  rows: number,
): Promise<RowPosition | null> {
  const older = connection.prepare<unknown[], RowPosition>(
    `SELECT created_at, rowid FROM executions INDEXED BY executions_project
    WHERE project_id = ? AND created_at <= ? AND (created_at, rowid) <= (?, ?)
    ORDER BY created_at DESC, rowid DESC LIMIT 1 OFFSET ?`,
  )
  let at: RowPosition = { created_at: Number.MAX_SAFE_INTEGER, rowid: Number.MAX_SAFE_INTEGER }
  for (let left = rows - 1; ; left -= stepRows) {
    const found = older.get(projectId, at.created_at, at.created_at, at.rowid, Math.min(left, stepRows))
    if (found === undefined || left <= stepRows) return found ?? null
    at = found
    await setImmediate()
  }
}

/** Rows whose sizes are read at once: some milliseconds. */
const sizeRows = 1000

/**
 * Bytes of a project's records, from the newest on, until there are more than `most`: then `oldest` is the oldest row that still
 * fits. Large columns are not read.
 */
export async function bytesOfProject(
  connection: Connection,
  projectId: string,
  most: number,
): Promise<{ bytes: number; oldest: RowPosition | null }> {
  const older = connection.prepare<unknown[], RowPosition & { bytes: number }>(
    `SELECT created_at, rowid, ${rowBytes} + ifnull(octet_length(input), 0) + ifnull(octet_length(output), 0)
      + ifnull(octet_length(outputs), 0) + ifnull(octet_length(error), 0) + octet_length(log) AS bytes
    FROM executions INDEXED BY executions_project
    WHERE project_id = ? AND created_at <= ? AND (created_at, rowid) < (?, ?)
    ORDER BY created_at DESC, rowid DESC LIMIT ${sizeRows}`,
  )
  let at: RowPosition = { created_at: Number.MAX_SAFE_INTEGER, rowid: Number.MAX_SAFE_INTEGER }
  let bytes = 0
  for (;;) {
    const rows = older.all(projectId, at.created_at, at.created_at, at.rowid)
    for (const row of rows) {
      if (bytes + row.bytes > most) return { bytes, oldest: at }
      bytes += row.bytes
      at = { created_at: row.created_at, rowid: row.rowid }
    }
    if (rows.length < sizeRows) return { bytes, oldest: null }
    await setImmediate()
  }
}

/** Bytes of a row and its index entries that do not depend on its texts. */
const rowBytes = 512

/** Size of the database file. */
export const fileBytes = (connection: Connection): number =>
  (connection.pragma('page_count', { simple: true }) as number) *
  (connection.pragma('page_size', { simple: true }) as number)
