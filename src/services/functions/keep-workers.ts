import { FaasError } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Targets } from './targets.ts'

/** Sets the function's minimum of warm workers, unless its runtime is unavailable. */
export function keepWorkers({ targets, pool }: { targets: Targets; pool: Pool }, fn: Fn): void {
  try {
    pool.keep(targets.resolveIn(fn.projectId, { functionId: fn.id }).revision)
  } catch (error) {
    if (!(error instanceof FaasError)) throw error
  }
}
