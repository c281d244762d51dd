import { type AppJobs, refuseLongList } from '../../domain/functions/app-function.ts'
import { type Fn, isApp } from '../../domain/functions/function.ts'
import type { Revision } from '../../domain/platform/worker.ts'
import type { LoadTrials } from './load-trials.ts'

/** What is tried before anything is changed: `load` loads the code in a worker. */
export type LoadCheck = 'load' | null

export interface LoadCheckParts {
  appTimers: AppJobs
  trials: LoadTrials
}

/**
 * Loads the code if the request asks for it, then writes the function. `warm` is the revision of the worker that loaded the
 * code; this worker ends unless it can serve the function as written. A new app is always loaded, because its functions are
 * stored with its code. `before`: null when the function is new.
 */
export async function afterLoadCheck<T>(
  { appTimers, trials }: LoadCheckParts,
  { fn, before, check }: { fn: Fn; before: Fn | null; check: LoadCheck },
  write: (loaded: Fn, warm: Revision | null) => Promise<T>,
): Promise<T> {
  if (check !== 'load' && (before !== null || !isApp(fn))) return write(fn, null)
  const { functions, warm } = await trials.load(fn, before)
  try {
    if (functions !== undefined) {
      refuseLongList(functions)
      appTimers.check(fn, functions)
    }
    return await write(functions === undefined ? fn : { ...fn, code: { ...fn.code, functions } }, warm)
  } finally {
    if (warm !== null) trials.end(warm)
  }
}
