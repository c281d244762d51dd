import { type AppJobs, refuseLongList } from '../../domain/app-function.ts'
import { type Fn, type FunctionStore, isApp } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Pool, Revision } from '../../domain/worker.ts'
import type { Targets } from './targets.ts'
import { tryLoad } from './try-load.ts'

/** What is tried before anything is changed: `load` loads the code in a worker. */
export type Check = 'load' | null

export interface LoadCheckParts {
  functions: FunctionStore
  appTimers: AppJobs
  targets: Targets
  pool: Pool
  newId: NewId
}

/**
 * Loads the code where that is asked, then writes; `warm` is the revision of a worker that was made for the function as given.
 * The worker of the load ends unless it serves the function as written. A new app is always loaded, because its functions are
 * stored with its code. `before`: null when the function is new.
 */
export async function onceLoaded<T>(
  parts: LoadCheckParts,
  { fn, before, check }: { fn: Fn; before: Fn | null; check: Check },
  write: (loaded: Fn, warm: Revision | null) => Promise<T>,
): Promise<T> {
  if (check !== 'load' && (before !== null || !isApp(fn))) return write(fn, null)
  const { functions, warm } = await tryLoad(parts, fn, before)
  if (functions !== undefined) {
    refuseLongList(functions)
    parts.appTimers.check(fn, functions)
  }
  try {
    return await write(functions === undefined ? fn : { ...fn, code: { ...fn.code, functions } }, warm)
  } finally {
    if (warm !== null && !isCurrent(parts, warm)) parts.pool.discard(warm)
  }
}

/** Other changes may have been written while the code was built and loaded; false, too, when its runtime is away. */
function isCurrent({ functions, targets }: LoadCheckParts, { functionId, key }: Revision): boolean {
  const fn = functions.find(functionId)
  try {
    return fn !== null && targets.revisionOf(fn).key === key
  } catch {
    return false
  }
}
