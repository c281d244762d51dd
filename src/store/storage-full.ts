import { FaasError } from '../domain/errors.ts'

/** What SQLite and the system say when a disk takes no more: it is full, over its quota, read-only, or failing. */
const codes =
  /\b(SQLITE_FULL|SQLITE_READONLY|SQLITE_IOERR|ENOSPC|EDQUOT|EROFS)|database or disk is full|readonly database|disk I\/O error/

/** FaasError `storage_full` when that is what failed, else what is given: clients try 503 again. */
export function storageFailure(cause: unknown, otherwise: FaasError): FaasError {
  const { code } = (cause ?? {}) as { code?: unknown }
  if (!codes.test(`${typeof code === 'string' ? code : ''} ${String(cause)}`)) return otherwise
  const message =
    'The disk of the data folder (TAIBAI_DATA_DIR) takes nothing more: nothing can be accepted until there is space.'
  return new FaasError('storage_full', message, { cause })
}
