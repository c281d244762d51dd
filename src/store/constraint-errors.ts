import Sqlite from 'better-sqlite3'
import { FaasError } from '../domain/errors.ts'
import { storageFailure } from './storage-full.ts'

/** Maps columns of a unique index, in SQLite's spelling, to the error when the row exists already. */
export type ConstraintErrors = Record<string, () => FaasError>

/** Runs a write; SQLite's errors become FaasErrors. */
export function runWrite<T>(write: () => T, refusals: ConstraintErrors = {}): T {
  try {
    return write()
  } catch (error) {
    throw isSqliteError(error) ? translated(error, refusals) : error
  }
}

type SqliteError = InstanceType<Sqlite.SqliteError>
const isSqliteError = (error: unknown): error is SqliteError => error instanceof Sqlite.SqliteError

function translated(error: SqliteError, refusals: ConstraintErrors): FaasError {
  if (error.code !== 'SQLITE_CONSTRAINT_UNIQUE' && error.code !== 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return storageFailure(
      error,
      new FaasError('internal', 'The database failed; see the server log.', { cause: error }),
    )
  }
  const columns = error.message.replace('UNIQUE constraint failed: ', '')
  return refusals[columns]?.() ?? new FaasError('conflict', 'Such a row exists already.', { cause: error })
}
