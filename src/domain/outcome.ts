/** What a function returned: bytes as they came from the worker, not parsed on the way. */
export interface Value {
  kind: 'json' | 'text' | 'bytes'
  body: Buffer
  /** Status and headers of an `http` function's answer. */
  http?: HttpHead
}

export interface HttpHead {
  status: number
  headers: [string, string][]
}

/** What the function threw, or how it ended. */
export interface FunctionError {
  type: string
  message: string
  stack: string | null
  /** There when the code could not even be loaded: the function never ran. */
  during?: 'load'
}

/** What a run used, as well as the worker can tell; null where it can't. */
export interface Usage {
  cpuMs: number | null
  memoryPeakMb: number | null
  /** What its worker was ready to run and had no processor, since it said so last; absent: it did not say now. */
  stalledMs?: number
}

/**
 * How a run ended. The first four are the function's own doing and are results; `platform` is ours and is an error.
 * `streamed`: the answer went out through the call's sink.
 */
export type Outcome = Usage & { runMs: number } & (
    | { kind: 'returned'; value: Value }
    | { kind: 'streamed'; status: number }
    /** `value`: the answer that the function gave all the same, as JSON. */
    | { kind: 'raised'; error: FunctionError; value?: Value }
    | { kind: 'timeout'; error: FunctionError }
    | { kind: 'killed'; error: FunctionError }
    | { kind: 'platform'; error: FunctionError }
  )

/** Texts that Qinling's own tests look for in `result.output`. */
export const timeoutText = 'Function execution timeout'
export const killedText = 'Function execution failed because of too much resource consumption'

/** Types of FunctionError that the platform sets; all others are class names of what the function threw. */
export const errorTypes = {
  timeout: 'Timeout',
  memory: 'MemoryExceeded',
  exit: 'FunctionExit',
  platform: 'PlatformError',
  cancelled: 'Cancelled',
} as const

/** Said of code that could not be loaded, wherever the words are ours. */
export const loadFailureText = ({ type, message }: FunctionError): string =>
  `the code could not be loaded: ${type}: ${message}`

/** What `result.output` says of a failure: Qinling's texts where it had one, else what the function threw. */
export function failureText(error: FunctionError | null): string {
  if (error === null) return 'Function execution failed.'
  if (error.type === errorTypes.timeout) return `${timeoutText}: ${error.message}`
  if (error.type === errorTypes.memory || error.type === errorTypes.exit) return killedText
  return error.message
}

/** Somebody gave the run up: its end, whatever its function made of that. */
export function cancelled(runMs: number, hasBegun: boolean): Outcome {
  const message = hasBegun ? 'The run was cancelled while it was at work.' : 'The run was cancelled before it began.'
  return { kind: 'killed', error: { type: errorTypes.cancelled, message, stack: null }, runMs, ...noUsage }
}

export const noUsage: Usage = { cpuMs: null, memoryPeakMb: null }

/** A run that the platform could not make or finish. */
export function platformFailed(message: string, runMs: number): Outcome {
  return { kind: 'platform', error: { type: errorTypes.platform, message, stack: null }, runMs, ...noUsage }
}
