import type { AppFunction } from '../../domain/app-function.ts'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { Fn } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { loadFailureText } from '../../domain/outcome.ts'
import type { LoadFailure, Pool } from '../../domain/worker.ts'
import type { Targets } from './targets.ts'

/** Limit of bytes from the end of the printed output that the error repeats. */
const longestLog = 8192

/**
 * Loads the code of a function in a worker before anything is written. The worker has a revision id of its own, so the function's
 * workers are unaffected, and it ends afterwards. Throws FaasError `invalid_request` with the failure and the output when the
 * code does not load, and the pool's error when there is no worker. Returns the functions of an app.
 */
export async function tryLoad(
  parts: { targets: Targets; pool: Pool; newId: NewId },
  fn: Fn,
): Promise<AppFunction[] | undefined> {
  if (fn.code.source === 'image') {
    throw invalid('"check=load" tries what a package needs to load, and an image loads nothing: leave "check" out.')
  }
  const { targets, pool, newId } = parts
  const trial = targets.revisionOf({ ...fn, id: newId(), minWorkers: 0 })
  try {
    const got = await pool.acquire(trial)
    if (got.kind === 'load_failure') throw refusal(got)
    got.release()
    return got.functions
  } finally {
    pool.retire(trial.functionId, null, 'new_code')
  }
}

function refusal({ outcome, log }: LoadFailure): FaasError {
  if (!('error' in outcome)) return new FaasError('internal', 'The code was loaded, but the check got no answer.')
  const { error } = outcome
  if (outcome.kind === 'platform') return new FaasError('engine_failed', error.message)
  const printed = log.trim() === '' ? '' : `\nIt printed:\n${log.trimEnd().slice(-longestLog)}`
  const stack = error.stack === null ? '' : `\n${error.stack.trimEnd()}`
  return invalid(`Nothing was changed: ${loadFailureText(error)}${stack}${printed}`)
}
