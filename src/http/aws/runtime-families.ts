import type { FunctionError } from '../../domain/outcome.ts'
import { invalidParameter } from './aws-error.ts'

/** What clients call a runtime, and which of ours that is: a row each. */
interface Family {
  /** How the names begin: `nodejs20.x`. */
  prefix: string
  /** Name of our runtime. */
  runtime: string
  /** The name for a function that was made in another way. */
  shownAs: string
  /** The payload of a failure as functions of this language put it. */
  failure(error: FunctionError, requestId: string): object
}

const families: Family[] = [
  {
    prefix: 'nodejs',
    runtime: 'nodejs',
    shownAs: 'nodejs24.x',
    failure: ({ type, message, stack }) => ({
      errorType: type,
      errorMessage: message,
      trace: stack === null ? [] : stack.split('\n'),
    }),
  },
  {
    prefix: 'python3',
    runtime: 'python3',
    shownAs: 'python3.13',
    failure: ({ type, message, stack }, requestId) => ({
      errorMessage: message,
      errorType: type,
      requestId,
      stackTrace: framesIn(stack),
    }),
  },
  {
    prefix: 'provided',
    runtime: 'provided',
    shownAs: 'provided.al2023',
    failure: ({ type, message, stack }) => ({
      errorType: type,
      errorMessage: message,
      stackTrace: stack === null ? [] : stack.split('\n'),
    }),
  },
]

/** Frames of a trace as `traceback.format_list` gives them: a line that says where, and the lines below it. */
function framesIn(stack: string | null): string[] {
  const frames: string[] = []
  for (const line of (stack ?? '').split('\n')) {
    if (line.startsWith('  File ')) frames.push(`${line}\n`)
    else if (line.startsWith('    ') && frames.length > 0) frames[frames.length - 1] += `${line}\n`
  }
  return frames
}

/** Throws AwsError for a runtime that is not here. */
export function runtimeOf(named: string): string {
  const family = families.find(({ prefix }) => named.startsWith(prefix))
  if (family !== undefined) return family.runtime
  const known = families.map(({ prefix }) => `${prefix}*`).join(', ')
  throw invalidParameter(`Value ${named} at 'runtime' is not among the runtimes of this server: ${known}.`)
}

export const shownRuntime = (runtime: string | null): string | undefined =>
  families.find((family) => runtime !== null && family.runtime === runtime)?.shownAs ?? runtime ?? undefined

export function failurePayload(runtime: string | null, error: FunctionError, requestId: string): object {
  const family = families.find((family) => family.runtime === runtime)
  if (family !== undefined) return family.failure(error, requestId)
  return { errorType: error.type, errorMessage: error.message }
}
