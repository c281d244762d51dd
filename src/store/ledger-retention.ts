import { setImmediate } from 'node:timers/promises'
import type { Connection } from './sqlite.ts'

/** Index entries passed in one go: a fraction of a millisecond. */
const stepRows = 5000

/** Every project that has executions; the index is asked once for each. */
export function projectsOf(connection: Connection): string[] {
  const next = connection
    .prepare<[string], string>('SELECT project_id FROM executions WHERE project_id > ? ORDER BY project_id LIMIT 1')
    .pluck()
  const projects: string[] = []
  for (let project = next.get(''); project !== undefined; project = next.get(project)) projects.push(project)
  return projects
}

/** A row's place in the order of its project. */
export interface Place {
  created_at: number
  rowid: number
}

/** The oldest of a project's `rows` newest rows, or null when there are fewer. */
export async function oldestKept(connection: Connection, projectId: string, rows: number): Promise<Place | null> {
  const older = connection.prepare<unknown[], Place>(
    `SELECT created_at, rowid FROM executions INDEXED BY executions_project
    WHERE project_id = ? AND created_at <= ? AND (created_at, rowid) <= (?, ?)
    ORDER BY created_at DESC, rowid DESC LIMIT 1 OFFSET ?`,
  )
  let at: Place = { created_at: Number.MAX_SAFE_INTEGER, rowid: Number.MAX_SAFE_INTEGER }
  for (let left = rows - 1; ; left -= stepRows) {
    const found = older.get(projectId, at.created_at, at.created_at, at.rowid, Math.min(left, stepRows))
    if (found === undefined || left <= stepRows) return found ?? null
    at = found
    await setImmediate()
  }
}
