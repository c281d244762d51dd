import type { FunctionError } from '../../domain/runs/outcome.ts'
import { invalidParameter } from './aws-error.ts'

/** Maps AWS runtime names to our runtimes, one row per language. */
interface Family {
  /** Prefix of the names: `nodejs20.x`. */
  prefix: string
  /** Name of our runtime. */
  runtime: string
  /** AWS name of a function that was created in another way. */
  shownAs: string
  /** AWS name of a runtime of one language version, from the digits in our name. */
  shownVersion(digits: string): string
  /** The payload of a failure in the format of this language's AWS runtime. */
  failure(error: FunctionError, requestId: string): object
}

const families: Family[] = [
  {
    prefix: 'nodejs',
    runtime: 'nodejs',
    shownAs: 'nodejs24.x',
    shownVersion: (digits) => `nodejs${digits}.x`,
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
    shownVersion: (digits) => `python3.${digits}`,
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
    shownVersion: (digits) => `provided${digits}`,
    failure: ({ type, message, stack }) => ({
      errorType: type,
      errorMessage: message,
      stackTrace: stack === null ? [] : stack.split('\n'),
    }),
  },
]

/** Frames of a trace in the format of `traceback.format_list`: a line with the location, and the lines below it. */
function framesIn(stack: string | null): string[] {
  const frames: string[] = []
  for (const line of (stack ?? '').split('\n')) {
    if (line.startsWith('  File ')) frames.push(`${line}\n`)
    else if (line.startsWith('    ') && frames.length > 0) frames[frames.length - 1] += `${line}\n`
  }
  return frames
}

/**
 * Name of our runtime: that of the language version if it exists (`nodejs22` for `nodejs22.x`, tested with `isHere`), else the
 * default one. Throws AwsError for an unknown language.
 */
export function runtimeOf(named: string, isHere: (runtime: string) => boolean): string {
  const family = families.find(({ prefix }) => named.startsWith(prefix))
  if (family !== undefined) {
    const version = named.replace(/\.x$/, '').replace('.', '')
    return isHere(version) ? version : family.runtime
  }
  const known = families.map(({ prefix }) => `${prefix}*`).join(', ')
  throw invalidParameter(`Value ${named} at 'runtime' is not among the runtimes of this server: ${known}.`)
}

export function shownRuntime(runtime: string | null): string | undefined {
  const found = familyOf(runtime)
  if (found === undefined) return runtime ?? undefined
  return found.digits === '' ? found.family.shownAs : found.family.shownVersion(found.digits)
}

export function failurePayload(runtime: string | null, error: FunctionError, requestId: string): object {
  const found = familyOf(runtime)
  if (found !== undefined) return found.family.failure(error, requestId)
  return { errorType: error.type, errorMessage: error.message }
}

/** The family of one of our runtimes, and the digits of its version: the default one has none. */
function familyOf(runtime: string | null): { family: Family; digits: string } | undefined {
  const found = families
    .filter((family) => runtime?.startsWith(family.runtime))
    .map((family) => ({ family, digits: String(runtime).slice(family.runtime.length) }))
  return found.find(({ digits }) => /^\d*$/.test(digits))
}
