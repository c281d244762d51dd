import type { Revision } from '../../domain/platform/worker.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import { errorTypes, type FunctionError, type Outcome, type Value } from '../../domain/runs/outcome.ts'
import { failurePayload } from './runtime-families.ts'

/** The result of an invocation in the formats of AWS Lambda. Pure. */

export interface Payload {
  body: Buffer
  /** True when the function failed; the body has the details. */
  isFailure: boolean
}

/** Null: the response was sent as a stream. */
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

/** A payload is JSON, so returned text is quoted. A streaming payload stays as it is. */
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

/** The last log output between the platform's START and REPORT lines, as base64. */
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
