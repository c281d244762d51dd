import { FaasError } from '../domain/errors.ts'

/** What SQLite and the system say when a disk takes no more: it is full, over its quota, read-only, or failing. */
const codes =
  /\b(SQLITE_FULL|SQLITE_READONLY|SQLITE_IOERR|ENOSPC|EDQUOT|EROFS)|database or disk is full|readonly database|disk I\/O error/

const dataFolder = 'the data folder (TAIBAI_DATA_DIR)'

/** FaasError `storage_full` when that is what failed, else what is given: clients try 503 again. */
export function storageFailure<E>(cause: unknown, otherwise: E, folder = dataFolder): FaasError | E {
  const { code } = (cause ?? {}) as { code?: unknown }
  if (!codes.test(`${typeof code === 'string' ? code : ''} ${String(cause)}`)) return otherwise
  const message = `The disk of ${folder} takes nothing more: nothing can be accepted until there is space.`
  return new FaasError('storage_full', message, { cause })
}
