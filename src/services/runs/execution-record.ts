import { FaasError } from '../../domain/errors.ts'
import type { Recording } from '../../domain/functions/function.ts'
import type { CallInput, Lease, LoadFailure } from '../../domain/platform/worker.ts'
import { type Execution, type Phases, statusOf, type Trigger } from '../../domain/runs/execution.ts'
import { inputAsText } from '../../domain/runs/input.ts'
import { errorTypes, loadFailureText, type Outcome } from '../../domain/runs/outcome.ts'
import type { RunOptions } from '../../domain/runs/run-options.ts'
import { outputText } from './output-text.ts'

/** The record of a run: its beginning, what is noted about its start and end, and its log line. */

/** What is known before a run begins. */
export interface NewRun {
  executionId: string
  projectId: string
  functionId: string
  functionVersion: number
  functionAlias: string | null
  trigger: Trigger
  triggerId: string | null
  description: string | null
  input: CallInput
}

/** Sets every field in one object shape, because this is done for every call. */
export function newExecution(run: NewRun, nowMs: number): Execution {
  return {
    id: run.executionId,
    projectId: run.projectId,
    functionId: run.functionId,
    functionVersion: run.functionVersion,
    functionAlias: run.functionAlias,
    description: run.description,
    status: 'running',
    sync: false,
    trigger: run.trigger,
    triggerId: run.triggerId,
    input: inputAsText(run.input),
    inputKind: run.input.kind,
    request: null,
    output: null,
    outputs: null,
    error: null,
    durationMs: null,
    isImageRun: false,
    log: '',
    attempt: 1,
    startKind: null,
    coldReason: null,
    phases: null,
    worker: null,
    memoryPeakMb: null,
    cpuMs: null,
    terms: null,
    runAt: null,
    deadAt: null,
    delivery: null,
    deliverAt: null,
    createdAt: nowMs,
    updatedAt: null,
  }
}

/**
 * The part of a finished run's record that its function wants to keep: all, less, or nothing (null). Dead letters, results that
 * are still to be delivered, and responses to idempotency keys are kept whole. Pure.
 */
export function recordToKeep(execution: Execution, recording: Recording): Execution | null {
  const { deadAt, delivery, terms } = execution
  const isOwed = deadAt !== null || delivery !== null || terms?.key !== undefined
  if (recording === 'full' || isOwed) return execution
  if (recording === 'none') return null
  if (execution.status !== 'success') return execution
  return recording === 'failures' ? null : { ...execution, input: null, output: null, outputs: null, log: '' }
}

/** The run will be retried, so the end of this attempt does not count. */
export function reopenRecord(execution: Execution): void {
  execution.status = 'running'
  execution.output = null
  execution.outputs = null
  execution.error = null
  execution.durationMs = null
  execution.memoryPeakMb = null
  execution.cpuMs = null
  execution.updatedAt = null
}

/** Kind and metadata of the response, without its bytes. */
export function responseKindOf(outcome: Outcome): RunOptions['answered'] {
  if (outcome.kind !== 'returned') return undefined
  const { kind, http } = outcome.value
  return http === undefined ? kind : `http-${kind}`
}

/** Text that the function could not print itself: why its code was not loaded, or that it ran out of memory. */
export function failureLogText(outcome: Outcome): string {
  if ('error' in outcome && outcome.error.during === 'load') return `\n[${loadFailureText(outcome.error)}]\n`
  if (outcome.kind !== 'killed' || outcome.error.type !== errorTypes.memory) return ''
  return `\n[${outcome.error.message} and was ended: memory_size is the limit]\n`
}

/** The retry time is over; the last failure stays recorded. */
export function recordRetriesExpired(execution: Execution, maxAgeMs: number): void {
  const last = execution.error?.message ?? ''
  const message = `The run did not succeed within ${maxAgeMs / 60_000} minutes of its acceptance. ${last}`.trim()
  execution.error = { type: errorTypes.platform, message, stack: null }
}

export function noteEnd(execution: Execution, outcome: Outcome, nowMs: number): void {
  execution.status = statusOf(outcome)
  execution.durationMs = outcome.runMs
  execution.output = outputText(outcome)
  execution.error = 'error' in outcome ? outcome.error : null
  execution.cpuMs = outcome.cpuMs
  execution.memoryPeakMb = outcome.memoryPeakMb
  execution.updatedAt = nowMs
}

/**
 * The log line of a run that succeeded or failed by the function's fault, as `Log.infoText` takes it: all ids and the duration of
 * each phase. It is concatenated by hand, because pino took a tenth of a warm call's time for an object. Values that may need
 * escaping are escaped.
 */
export function endLogLine(execution: Execution): string {
  const { phases, error, coldReason } = execution
  const { queue, acquire, load, resume, run, total } = phases ?? noPhases
  const reason = coldReason === null ? '' : `,"coldReason":"${coldReason}"`
  const woken = resume === 0 ? '' : `,"resumeMs":${micros(resume)}`
  const failure = error === null ? '' : `,"error":${JSON.stringify(error.type)}`
  return (
    `"execution":"${execution.id}","function":"${execution.functionId}","version":${execution.functionVersion},` +
    `"project":${JSON.stringify(execution.projectId)},"trigger":"${execution.trigger}","status":"${execution.status}",` +
    `"startKind":${execution.startKind === null ? null : `"${execution.startKind}"`}${reason},` +
    `"queueMs":${micros(queue)},"acquireMs":${micros(acquire)},"loadMs":${micros(load)}${woken},` +
    `"runMs":${micros(run)},"totalMs":${micros(total)},"worker":${execution.worker === null ? null : `"${execution.worker}"`},` +
    `"attempt":${execution.attempt}${failure}`
  )
}

const noPhases: Phases = { queue: 0, acquire: 0, load: 0, resume: 0, run: 0, total: 0 }

/** The same as keys, for rare lines, with the reason of the failure: the platform's own text. */
export function endLogFields(execution: Execution): object {
  return { ...JSON.parse(`{${endLogLine(execution)}}`), reason: execution.error?.message }
}

/** Rounded to microseconds. */
const micros = (ms: number): number => Math.round(ms * 1000) / 1000

export function noteStart(execution: Execution, got: Lease | LoadFailure, acquireMs: number): void {
  execution.worker = got.worker
  execution.startKind = got.startKind
  execution.coldReason = got.coldReason
  if (execution.phases === null) return
  execution.phases.acquire = acquireMs
  execution.phases.load = got.loadMs
  if (got.kind === 'lease') execution.phases.resume = got.resumeMs
}

/** The outcome of a platform failure, without internal texts. */
export function platformOutcome(error: unknown): Outcome {
  const message =
    error instanceof FaasError ? error.message : 'The platform failed to run the function; see the server log.'
  const failure = { type: errorTypes.platform, message, stack: null }
  return { kind: 'platform', error: failure, runMs: 0, cpuMs: null, memoryPeakMb: null }
}
