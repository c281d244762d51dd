import type { WhiskEntity } from '../../domain/functions/openwhisk.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import { errorTypes, type FunctionError } from '../../domain/runs/outcome.ts'
import { sequenceKind } from './kinds.ts'
import { namespaceOf, partsOf } from './names.ts'
import { activationIdOf } from './whisk-runs.ts'

/** Converts an execution to an activation. Pure. */

/** The end of a run as one of OpenWhisk's four results. */
export interface WhiskResponse {
  status: 'success' | 'application error' | 'action developer error' | 'whisk internal error'
  statusCode: 0 | 1 | 2 | 3
  success: boolean
  result: unknown
}

/** The response of a finished run. */
export function responseOf(execution: Execution, timeoutMs: number): WhiskResponse {
  const { status, output, error } = execution
  if (status === 'success') {
    return { status: 'success', statusCode: 0, success: true, result: parsed(output) ?? {} }
  }
  if (status === 'error') return failed('whisk internal error', 3, error?.message ?? 'The run failed.')
  if (output !== null) {
    return { status: 'application error', statusCode: 1, success: false, result: parsed(output) }
  }
  return failed('action developer error', 2, error === null ? 'The run failed.' : whyNot(error, timeoutMs))
}

const failed = (status: WhiskResponse['status'], statusCode: 2 | 3, error: string): WhiskResponse => ({
  status,
  statusCode,
  success: false,
  result: { error },
})

function parsed(output: string | null): unknown {
  try {
    return output === null ? null : JSON.parse(output)
  } catch {
    return output
  }
}

/** The failure in OpenWhisk's words. */
function whyNot({ type, message, during }: FunctionError, timeoutMs: number): string {
  if (during === 'load') return `Initialization has failed due to: ${message}`
  if (type === errorTypes.timeout) return `The action exceeded its time limits of ${timeoutMs} milliseconds.`
  if (type === errorTypes.memory) return 'The action exhausted its memory and was aborted.'
  if (type === errorTypes.exit) return 'The action did not produce a valid response and exited unexpectedly.'
  if (type === 'NotAnObject') return message
  return `An error has occurred: ${type}: ${message}`
}

/** `withResult`: includes the result and the log. `components`: activations of a sequence's actions. */
export function activationRecord(
  execution: Execution,
  entity: WhiskEntity | null,
  project: string,
  withResult = true,
): Record<string, unknown> {
  const { fields, name: known, writes } = entity ?? { fields: null, name: execution.functionId, writes: 1 }
  const timeoutMs = fields?.limits?.timeout ?? 0
  const response = responseOf(execution, timeoutMs)
  const { start, end, duration, waitTime, initTime } = timesOf(execution)
  const cause = causeOf(execution)
  const annotations = [
    { key: 'path', value: `${namespaceOf(project, known)}/${partsOf(known).name}` },
    { key: 'waitTime', value: waitTime },
    { key: 'kind', value: fields?.exec?.kind ?? 'unknown' },
    { key: 'timeout', value: execution.error?.type === errorTypes.timeout },
    { key: 'limits', value: fields?.limits ?? {} },
    ...(initTime === null ? [] : [{ key: 'initTime', value: initTime }]),
    ...(fields?.exec?.kind === sequenceKind ? [{ key: 'topmost', value: cause === undefined }] : []),
  ]
  return {
    namespace: project,
    name: partsOf(known).name,
    version: `0.0.${writes}`,
    subject: project,
    activationId: activationIdOf(execution.id),
    start,
    end,
    duration,
    statusCode: response.statusCode,
    ...(withResult && { response, logs: logsOf(execution, entity, end) }),
    annotations,
    publish: false,
    ...(cause !== undefined && { cause }),
  }
}

/** The activation whose function called this one. */
function causeOf({ trigger, triggerId }: Execution): string | undefined {
  const isOfTrigger = trigger === 'job' || trigger === 'webhook' || trigger === 'event'
  const id = isOfTrigger || triggerId === null ? null : canonicalUuid(triggerId)
  return id === null ? undefined : activationIdOf(id)
}

function timesOf({ createdAt, updatedAt, durationMs, phases, startKind }: Execution) {
  const end = updatedAt ?? createdAt
  const isCold = startKind !== null && startKind !== 'warm'
  const initTime = isCold ? Math.round(phases?.load ?? 0) : null
  const duration = Math.round((durationMs ?? 0) + (initTime ?? 0))
  const start = Math.max(createdAt, end - duration)
  return { start, end, duration, waitTime: start - createdAt, initTime }
}

/** The log of a sequence lists its activations; other lines get a time and a stream name. */
export function logsOf({ log, error, output }: Execution, entity: WhiskEntity | null, atMs: number): string[] {
  const lines = linesOf(log)
  if (entity?.fields.exec?.kind === sequenceKind) return lines
  const time = new Date(atMs).toISOString()
  const trace = output === null ? linesOf(error?.stack ?? '') : []
  return [...lines.map((line) => `${time} stdout: ${line}`), ...trace.map((line) => `${time} stderr: ${line}`)]
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')
