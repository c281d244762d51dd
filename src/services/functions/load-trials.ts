import { FaasError, invalid } from '../../domain/errors.ts'
import type { AppFunction } from '../../domain/functions/app-function.ts'
import { type Fn, type FunctionStore, isApp } from '../../domain/functions/function.ts'
import type { NewId } from '../../domain/ids.ts'
import type { LoadFailure, Pool, Revision } from '../../domain/platform/worker.ts'
import { loadFailureText } from '../../domain/runs/outcome.ts'
import type { Targets } from './targets.ts'

/** Limit of bytes from the end of the printed output that the error repeats. */
const longestLog = 8192

export interface LoadTrialsParts {
  functions: Pick<FunctionStore, 'find'>
  targets: Pick<Targets, 'revisionOf'>
  pool: Pool
  newId: NewId
}

/** Code that was loaded into a worker. */
export interface LoadedCode {
  /** The functions that an app registered. */
  functions: AppFunction[] | undefined
  /** The revision whose worker waits for the function's next call; null: the worker has ended. */
  warm: Revision | null
}

/** Loads code in workers before the function is written. */
export class LoadTrials {
  #parts: LoadTrialsParts
  /** Number of trials under way by key of their revision. */
  #open = new Map<string, number>()

  constructor(parts: LoadTrialsParts) {
    this.#parts = parts
  }

  /**
   * Loads the code of a function in a worker before anything is written; `before` is the function as stored, null when it is new.
   * The worker serves the function's next call once the function is written; call `end` in any case if there is a worker. Throws
   * FaasError `invalid_request` with the failure and the output when the code does not load, and the pool's error when there is
   * no worker.
   */
  async load(fn: Fn, before: Fn | null): Promise<LoadedCode> {
    if (fn.code.source === 'image') {
      throw invalid('"check=load" tries what a package needs to load, and an image loads nothing: leave "check" out.')
    }
    const { revision, isOwn } = this.#trialOf(fn, before)
    this.#open.set(revision.key, (this.#open.get(revision.key) ?? 0) + 1)
    let warm: Revision | null = null
    try {
      const got = await this.#parts.pool.acquire(revision)
      if (got.kind === 'load_failure') throw refusal(got)
      got.release()
      if (isOwn) warm = revision
      return { functions: got.functions, warm }
    } finally {
      if (warm === null) this.end(revision)
    }
  }

  /**
   * Ends the workers of a trial, unless they serve the function as it is written, or another trial of the same: other changes may
   * have been written while the code was built and loaded.
   */
  end(revision: Revision): void {
    const left = (this.#open.get(revision.key) ?? 1) - 1
    if (left > 0) return void this.#open.set(revision.key, left)
    this.#open.delete(revision.key)
    if (!this.#isCurrent(revision)) this.#parts.pool.discard(revision)
  }

  /** False, too, when the runtime of the function is away. */
  #isCurrent({ functionId, key }: Revision): boolean {
    const { functions, targets } = this.#parts
    const fn = functions.find(functionId)
    try {
      return fn !== null && targets.revisionOf(fn).key === key
    } catch {
      return false
    }
  }

  /**
   * The revision has an id of its own where a worker that exists would serve the trial without loading anything: for unchanged
   * code, and for apps, whose functions are only told by a load.
   */
  #trialOf(fn: Fn, before: Fn | null) {
    const { targets, newId } = this.#parts
    const revision = targets.revisionOf({ ...fn, minWorkers: 0 })
    const isOwn = !isApp(fn) && (before === null || targets.revisionOf(before).key !== revision.key)
    return { revision: isOwn ? revision : targets.revisionOf({ ...fn, id: newId(), minWorkers: 0 }), isOwn }
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
