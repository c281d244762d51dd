import type { Fn } from '../../domain/function.ts'
import type { FunctionFields } from './function-fields.ts'

/** What a change of a function means for its workers. */

export interface FunctionChange extends FunctionFields {
  /** An object, or the JSON text of one. */
  code?: unknown
  zip?: Buffer
}

const contractHeavy = ['code', 'zip', 'entry', 'cpuMillicpu', 'memoryBytes'] as const
const ourHeavy = ['signature', 'env', 'concurrency', 'network', 'cpuMaxMillicpu'] as const

/** Any but name, description, timeout and the bounds of the pool: workers are dropped, and unfinished jobs stand in the way. */
export const isHeavy = (given: FunctionChange): boolean =>
  [...contractHeavy, ...ourHeavy].some((key) => given[key] !== undefined)

/** What the contract does not allow on image functions. */
export const changesImage = (given: FunctionChange): boolean => contractHeavy.some((key) => given[key] !== undefined)

/** New code concerns version 0 alone; everything else that is in a worker is shared by all versions. */
export function workersToDrop(before: Fn, after: Fn): 'none' | 'current' | 'all' {
  const keys = ['entry', 'cpuMillicpu', 'memoryBytes', ...ourHeavy] as const
  if (keys.some((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))) return 'all'
  return before.packageHash === after.packageHash ? 'none' : 'current'
}

export const boundsDiffer = (before: Fn, after: Fn): boolean =>
  before.minWorkers !== after.minWorkers ||
  before.maxWorkers !== after.maxWorkers ||
  before.idleTimeoutSeconds !== after.idleTimeoutSeconds
