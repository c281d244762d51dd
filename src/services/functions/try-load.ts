import type { AppFunction } from '../../domain/app-function.ts'
import { FaasError, invalid } from '../../domain/errors.ts'
import { type Fn, isApp } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { loadFailureText } from '../../domain/outcome.ts'
import type { LoadFailure, Pool, Revision } from '../../domain/worker.ts'
import type { Targets } from './targets.ts'

/** Limit of bytes from the end of the printed output that the error repeats. */
const longestLog = 8192

/** Code that was loaded into a worker. */
export interface Tried {
  /** The functions that an app registered. */
  functions: AppFunction[] | undefined
  /** The revision whose worker waits for the function's next call; null: the worker has ended. */
  warm: Revision | null
}

/**
 * Loads the code of a function in a worker before anything is written; `before` is the function as stored, null when it is new.
 * The worker serves the function's next call once the function is written; a caller that does not write it has the pool discard
 * the revision. Throws FaasError `invalid_request` with the failure and the output when the code does not load, and the pool's
 * error when there is no worker.
 */
export async function tryLoad(
  parts: { targets: Targets; pool: Pool; newId: NewId },
  fn: Fn,
  before: Fn | null,
): Promise<Tried> {
  if (fn.code.source === 'image') {
    throw invalid('"check=load" tries what a package needs to load, and an image loads nothing: leave "check" out.')
  }
  const { pool } = parts
  const { revision, isOwn } = trialOf(parts, fn, before)
  try {
    const got = await pool.acquire(revision)
    if (got.kind === 'load_failure') throw refusal(got)
    got.release()
    if (!isOwn) pool.discard(revision)
    return { functions: got.functions, warm: isOwn ? revision : null }
  } catch (error) {
    pool.discard(revision)
    throw error
  }
}

/**
 * The revision has an id of its own where a worker that exists would serve the trial without loading anything: for unchanged code,
 * and for apps, whose functions are only told by a load.
 */
function trialOf({ targets, newId }: { targets: Targets; newId: NewId }, fn: Fn, before: Fn | null) {
  const revision = targets.revisionOf({ ...fn, minWorkers: 0 })
  const isOwn = !isApp(fn) && (before === null || targets.revisionOf(before).key !== revision.key)
  return { revision: isOwn ? revision : targets.revisionOf({ ...fn, id: newId(), minWorkers: 0 }), isOwn }
}

function refusal({ outcome, log }: LoadFailure): FaasError {
  if (!('error' in outcome)) return new FaasError('internal', 'The code was loaded, but the check got no answer.')
  const { error } = outcome
  if (outcome.kind === 'platform') return new FaasError('engine_failed', error.message)
  const printed = log.trim() === '' ? '' : `\nIt printed:\n${log.trimEnd().slice(-longestLog)}`
  const stack = error.stack === null ? '' : `\n${error.stack.trimEnd()}`
  return invalid(`Nothing was changed: ${loadFailureText(error)}${stack}${printed}`)
}
