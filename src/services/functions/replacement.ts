import type { Fn } from '../../domain/functions/function.ts'
import type { FunctionFields } from './function-fields.ts'

/** Replaces a function by one of another runtime or image, which a change of the existing function does not allow. */

type Field = keyof FunctionFields

/**
 * `kept`: whoever makes the other need not name it. `code`: it says what in the code is called, and how. `image`: only images
 * have it. `unique`: no two functions have it at once.
 */
type Fate = 'kept' | 'code' | 'image' | 'unique'

/** The rule for each field of a function; a new field needs a row here. */
export const replacementRuleOf: Record<Field, Fate> = {
  name: 'unique',
  hosts: 'unique',
  entry: 'code',
  signature: 'code',
  writable: 'image',
  description: 'kept',
  timeoutSeconds: 'kept',
  cpuMillicpu: 'kept',
  memoryBytes: 'kept',
  env: 'kept',
  secrets: 'kept',
  maxRunning: 'kept',
  maxRate: 'kept',
  maxGbSecondsPerDay: 'kept',
  sandbox: 'kept',
  record: 'kept',
  concurrency: 'kept',
  minWorkers: 'kept',
  maxWorkers: 'kept',
  idleTimeoutSeconds: 'kept',
  network: 'kept',
  api: 'kept',
  cpuMaxMillicpu: 'kept',
  tmpSizeBytes: 'kept',
  access: 'kept',
  cors: 'kept',
  retries: 'kept',
  onSuccess: 'kept',
  onFailure: 'kept',
  placement: 'kept',
}

/**
 * What stays of a function in the one that takes its place. `said`: fields that the caller's platform has words for, so that
 * what is not said of them goes back to what is usual.
 */
export function retainedFieldsOf(fn: Fn, to: { isImage: boolean; said: readonly Field[] }): FunctionFields {
  const isKept = (field: Field) =>
    !to.said.includes(field) &&
    (replacementRuleOf[field] === 'kept' || (replacementRuleOf[field] === 'image' && to.isImage))
  const fields = (Object.keys(replacementRuleOf) as Field[]).filter(isKept)
  // What a row says by null is what a field says by being left out.
  return Object.fromEntries(fields.flatMap((field) => (fn[field] === null ? [] : [[field, fn[field]]])))
}

/** What no two functions have at once goes over with the place. */
export const uniqueFieldsOf = ({ name, hosts }: Fn): Pick<FunctionFields, 'name' | 'hosts'> => ({
  ...(name !== null && { name }),
  ...(hosts.length > 0 && { hosts }),
})
