import type { Execution } from '../../domain/execution.ts'
import { errorTypes, type FunctionError, type Outcome, type Value } from '../../domain/outcome.ts'
import type { Revision } from '../../domain/worker.ts'
import { failurePayload } from './runtime-families.ts'

/** What an invocation answers with, in the forms of AWS Lambda: pure. */

export interface Payload {
  body: Buffer
  /** The function failed: the body says how. */
  isFailure: boolean
}

/** Null: the answer went out as a stream. */
export function payloadOf(
  execution: Execution,
  outcome: Outcome,
  revision: Revision,
  runtime: string | null,
): Payload | null {
  if (outcome.kind === 'streamed') return null
  if (outcome.kind === 'returned') return { body: jsonOf(outcome.value), isFailure: false }
  const failure = failureOf(execution, outcome, revision, runtime)
  return { body: Buffer.from(JSON.stringify(failure)), isFailure: true }
}

/** A payload is JSON: text that a function returned comes quoted. What is a stream of its own is as it is. */
function jsonOf({ kind, body, http }: Value): Buffer {
  return kind === 'text' && http === undefined ? Buffer.from(JSON.stringify(body.toString('utf8'))) : body
}

type Failed = Exclude<Outcome, { kind: 'returned' | 'streamed' }>

function failureOf(execution: Execution, outcome: Failed, revision: Revision, runtime: string | null): object {
  const { error } = outcome
  if (outcome.kind === 'timeout') return timedOut(execution, revision, error)
  if (outcome.kind === 'raised') return failurePayload(runtime, error, execution.id)
  return { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${execution.id} Error: ${exitText(error)}` }
}

function timedOut({ id, createdAt }: Execution, { timeoutMs }: Revision, error: FunctionError): object {
  const isLoad = error.during === 'load'
  const seconds = (timeoutMs / 1000).toFixed(2)
  const what = isLoad ? `Init phase timed out: ${error.message}` : `Task timed out after ${seconds} seconds`
  return { errorType: 'Sandbox.Timedout', errorMessage: `${new Date(createdAt).toISOString()} ${id} ${what}` }
}

function exitText({ type, message }: FunctionError): string {
  if (type === errorTypes.memory) return `Runtime exited with error: signal: killed (${message})`
  return type === errorTypes.exit ? `Runtime exited with error: ${message}` : message
}

const mostLogBytes = 4096

/** The last of what was printed, between the lines of the platform, as base64. */
export function logTail(execution: Execution, version: string, memoryMb: number): string {
  const { id, log, durationMs, phases, memoryPeakMb, startKind } = execution
  const printed = log === '' || log.endsWith('\n') ? log : `${log}\n`
  const ms = durationMs ?? 0
  const init = startKind === 'warm' || phases === null ? '' : `\tInit Duration: ${phases.load.toFixed(2)} ms`
  const report =
    `REPORT RequestId: ${id}\tDuration: ${ms.toFixed(2)} ms\tBilled Duration: ${Math.ceil(ms)} ms\t` +
    `Memory Size: ${memoryMb} MB\tMax Memory Used: ${Math.round(memoryPeakMb ?? 0)} MB${init}\n`
  const text = `START RequestId: ${id} Version: ${version}\n${printed}END RequestId: ${id}\n${report}`
  return Buffer.from(text).subarray(-mostLogBytes).toString('base64')
}
