import { FaasError } from '../domain/errors.ts'

/** Error codes of SQLite and the system for a disk that accepts no writes: full, over quota, read-only, or failing. */
const codes =
  /\b(SQLITE_FULL|SQLITE_READONLY|SQLITE_IOERR|ENOSPC|EDQUOT|EROFS)|database or disk is full|readonly database|disk I\/O error/

const dataFolder = 'the data folder (TAIBAI_DATA_DIR)'

/** FaasError `storage_full` for such an error, else `otherwise`: clients retry 503. */
export function storageFailure<E>(cause: unknown, otherwise: E, folder = dataFolder): FaasError | E {
  const { code } = (cause ?? {}) as { code?: unknown }
  if (!codes.test(`${typeof code === 'string' ? code : ''} ${String(cause)}`)) return otherwise
  const message = `The disk of ${folder} is full: nothing can be accepted until there is space.`
  return new FaasError('storage_full', message, { cause })
}
