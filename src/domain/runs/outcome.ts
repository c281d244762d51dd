/** The return value of a function: bytes as the worker sent them, not parsed. */
export interface Value {
  kind: 'json' | 'text' | 'bytes'
  body: Buffer
  /** Status and headers of an `http` function's response. */
  http?: HttpHead
}

export interface HttpHead {
  status: number
  headers: [string, string][]
}

/** What a function of an app put into one of its output bindings (a queue, a topic, a blob …). */
export interface AppOutput {
  /** Name of the binding. */
  name: string
  /** Type of the binding: `queue`, `serviceBus`, `blob` … */
  type: string
  /** Name of the queue or topic, path of the blob …; null: the binding has none. */
  to: string | null
  /** Texts; bytes that are no text are base64. */
  messages: string[]
}

/** The exception of the function, or how its process ended. */
export interface FunctionError {
  type: string
  message: string
  stack: string | null
  /** Set when the code could not be loaded: the function never ran. */
  during?: 'load'
}

/** Resource use of a run, as far as the worker can measure it; null where it cannot. */
export interface Usage {
  cpuMs: number | null
  memoryPeakMb: number | null
  /** Time in which the worker was ready to run but had no processor, since its last report; absent: not reported. */
  stalledMs?: number
}

/**
 * How a run ended. The first four are results of the function; `platform` is our error. `streamed`: the response was sent through
 * the call's sink. `outputs`: what an app put into output bindings.
 */
export type Outcome = Usage & { runMs: number } & (
    | { kind: 'returned'; value: Value; outputs?: AppOutput[] }
    | { kind: 'streamed'; status: number; outputs?: AppOutput[] }
    /** `value`: the response that the function gave despite the failure, as JSON. */
    | { kind: 'raised'; error: FunctionError; value?: Value }
    | { kind: 'timeout'; error: FunctionError }
    | { kind: 'killed'; error: FunctionError }
    | { kind: 'platform'; error: FunctionError }
  )

/** Texts that Qinling's own tests expect in `result.output`. */
export const timeoutText = 'Function execution timeout'
export const killedText = 'Function execution failed because of too much resource consumption'

/** Types of FunctionError that the platform sets; others are class names of the function's exceptions. */
export const errorTypes = {
  timeout: 'Timeout',
  memory: 'MemoryExceeded',
  exit: 'FunctionExit',
  platform: 'PlatformError',
  cancelled: 'Cancelled',
} as const

/** Text for code that could not be loaded, wherever we choose the words. */
export const loadFailureText = ({ type, message }: FunctionError): string =>
  `the code could not be loaded: ${type}: ${message}`

/** The failure's text in `result.output`: Qinling's text where it has one, else the function's exception. */
export function failureText(error: FunctionError | null): string {
  if (error === null) return 'Function execution failed.'
  if (error.type === errorTypes.timeout) return `${timeoutText}: ${error.message}`
  if (error.type === errorTypes.memory || error.type === errorTypes.exit) return killedText
  return error.message
}

/** The outcome of a cancelled run, whatever its function returned. */
export function cancelledOutcome(runMs: number, hasBegun: boolean): Outcome {
  const message = hasBegun ? 'The run was cancelled while it was at work.' : 'The run was cancelled before it began.'
  return { kind: 'killed', error: { type: errorTypes.cancelled, message, stack: null }, runMs, ...noUsage }
}

export const noUsage: Usage = { cpuMs: null, memoryPeakMb: null }

/** A run that the platform could not start or finish. */
export function platformFailure(message: string, runMs: number): Outcome {
  return { kind: 'platform', error: { type: errorTypes.platform, message, stack: null }, runMs, ...noUsage }
}
