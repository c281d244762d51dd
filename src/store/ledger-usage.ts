import type { UsageFilter, UsageRow } from '../domain/platform/usage.ts'
import type { Row } from './ledger-rows.ts'
import type { Connection } from './sqlite.ts'

/** Use of functions in ledger.db: one row per day, project and function. */

const amounts = ['calls', 'busy_gb_seconds', 'idle_gb_seconds', 'cpu_seconds', 'bytes_in', 'bytes_out']

export const addUsageSql = `INSERT INTO usage (day, project_id, function_id, ${amounts}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET ${amounts.map((name) => `${name} = ${name} + excluded.${name}`)}`
export const pruneUsageSql = 'DELETE FROM usage WHERE day < ?'

export const usageRow = (row: UsageRow): Row => [
  ...[row.day, row.projectId, row.functionId, row.calls, row.busyGbSeconds, row.idleGbSeconds],
  ...[row.cpuSeconds, row.bytesIn, row.bytesOut],
]

export function usageOf(connection: Connection, { projectId, fromDay, toDay }: UsageFilter): UsageRow[] {
  return connection
    .prepare<(string | null)[], UsageRow>(
      `SELECT day, project_id AS projectId, function_id AS functionId, calls, busy_gb_seconds AS busyGbSeconds,
        idle_gb_seconds AS idleGbSeconds, cpu_seconds AS cpuSeconds, bytes_in AS bytesIn, bytes_out AS bytesOut
      FROM usage WHERE day BETWEEN ? AND ? AND (? IS NULL OR project_id = ?) ORDER BY day, project_id, function_id`,
    )
    .all(fromDay, toDay, projectId, projectId)
}
