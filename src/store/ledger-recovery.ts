import type { Execution } from '../domain/runs/execution.ts'
import type { FunctionError } from '../domain/runs/outcome.ts'
import { columns, fromStored, type StoredExecution } from './ledger-rows.ts'
import type { Connection } from './sqlite.ts'

/** What an earlier process left: read once, before there are calls. */

/** Accepted runs without an end, the oldest first. */
export const unfinishedRuns = (connection: Connection): Execution[] =>
  connection
    .prepare<[], StoredExecution>(
      `SELECT ${columns} FROM executions INDEXED BY executions_running
      WHERE status = 'running' AND is_sync = 0 ORDER BY created_at, id`,
    )
    .all()
    .map(fromStored)

/** Runs whose result has not reached its destination, the first due first. */
export const undeliveredRuns = (connection: Connection): Execution[] =>
  connection
    .prepare<[], StoredExecution>(
      `SELECT ${columns} FROM executions INDEXED BY executions_undelivered
      WHERE deliver_at IS NOT NULL ORDER BY deliver_at`,
    )
    .all()
    .map(fromStored)

/** Calls whose caller is gone end with this error. Returns their number. */
export const endCalls = (connection: Connection, error: FunctionError, now: number): number =>
  connection
    .prepare(
      "UPDATE executions SET status = 'error', error = ?, updated_at = ? WHERE status = 'running' AND is_sync = 1",
    )
    .run(JSON.stringify(error), now).changes
