import { appOutputsIn } from '../../domain/functions/app-output.ts'
import {
  errorTypes,
  type FunctionError,
  noUsage,
  type Outcome,
  platformFailure,
  type Usage,
  type Value,
} from '../../domain/runs/outcome.ts'
import type { Exit } from '../sandbox/sandbox.ts'
import { headOf } from './channel.ts'
import { type Frame, FrameType, ProtocolError, parseMeta } from './protocol.ts'

/** The outcome in the frame that ended a call. A malformed frame counts as the function's fault: its process sent it. */
export function outcomeOf(frame: Frame, runMs: number, streamedStatus: number | undefined): Outcome {
  try {
    const meta = parseMeta(frame)
    const used = usageOf(meta)
    if (frame.type === FrameType.failed) return { ...failure(frame, meta), runMs, ...used }
    if ((frame.type === FrameType.end) !== (streamedStatus !== undefined)) {
      throw new ProtocolError('a streamed answer ends with END, and only that')
    }
    const ended: Outcome =
      streamedStatus !== undefined
        ? { kind: 'streamed', status: streamedStatus, runMs, ...used }
        : { kind: 'returned', value: returnedValue(frame, meta), runMs, ...used }
    const outputs = appOutputsIn(meta.outputs)
    if (outputs !== undefined) ended.outputs = outputs
    return ended
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return raised('ProtocolError', error.message, runMs)
  }
}

/** A failure, including the response where the signature defines one. */
function failure(frame: Frame, meta: Record<string, unknown>) {
  const error = errorOf(meta)
  if (frame.body.length === 0) return { kind: 'raised' as const, error }
  return { kind: 'raised' as const, error, value: { kind: 'json' as const, body: frame.body } }
}

/** Longest kept text of a failure: it is recorded with each execution. */
const longestText = 64 * 1024

function errorOf({ type, message, stack }: Record<string, unknown>): FunctionError {
  return { type: textOf(type) || 'Error', message: textOf(message), stack: textOf(stack) || null }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, longestText) : '')

function returnedValue(frame: Frame, meta: Record<string, unknown>): Value {
  const { value, http } = meta
  const kind = value === 'text' || value === 'bytes' ? value : 'json'
  if (http === undefined) return { kind, body: frame.body }
  if (typeof http !== 'object' || http === null) throw new ProtocolError('the head of an answer is not an object')
  return { kind, body: frame.body, http: headOf(http as Record<string, unknown>) }
}

function usageOf(meta: Record<string, unknown>): Usage {
  const usage: Usage = { cpuMs: cpuOf(meta), memoryPeakMb: memoryPeakOf(meta) }
  if (isAmount(meta.stalled_ms)) usage.stalledMs = meta.stalled_ms
  return usage
}

const cpuOf = ({ cpu_ms }: Record<string, unknown>): number | null => (isAmount(cpu_ms) ? cpu_ms : null)

const memoryPeakOf = ({ memory_peak_bytes }: Record<string, unknown>): number | null =>
  isAmount(memory_peak_bytes) ? Math.round(memory_peak_bytes / 104857.6) / 10 : null

const isAmount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < 1e15

const raised = (type: string, message: string, runMs: number): Outcome => {
  return { kind: 'raised', error: { type, message, stack: null }, runMs, ...noUsage }
}

export const resultTooLarge = (maxBytes: number, runMs: number): Outcome =>
  raised('ResultTooLarge', `the answer is longer than ${maxBytes} bytes`, runMs)

export function timedOut(timeoutMs: number, runMs: number): Outcome {
  const message = `the function did not end within ${timeoutMs / 1000} s`
  return { kind: 'timeout', error: { type: errorTypes.timeout, message, stack: null }, runMs, ...noUsage }
}

/** Turns the outcome of loading into that of a call: the error says that loading failed. Platform failures stay as they are. */
export function loadFailureOutcome(outcome: Outcome): Outcome {
  if (outcome.kind !== 'raised' && outcome.kind !== 'killed' && outcome.kind !== 'timeout') return outcome
  const { error } = outcome
  const message = outcome.kind === 'killed' ? `${error.message} while its code was loaded` : error.message
  return { ...outcome, error: { ...error, message, during: 'load' } }
}

export function notLoadedInTime(timeoutMs: number, loadMs: number): Outcome {
  const message = `the code was not loaded within ${timeoutMs / 1000} s`
  const error = { type: errorTypes.timeout, message, stack: null, during: 'load' as const }
  return { kind: 'timeout', error, runMs: loadMs, ...noUsage }
}

/** The worker sent what no shim sends, so the function bypassed its shim. */
export function protocolViolation(why: string, runMs: number): Outcome {
  const message = `the function's process was killed because it broke the worker protocol: ${why}`
  return { kind: 'killed', error: { type: 'ProtocolError', message, stack: null }, runMs, ...noUsage }
}

/**
 * A worker that exits, or that the kernel ends for its memory, is the function's fault; one that somebody else ended is the
 * platform's.
 */
export function killed(exit: Exit, memoryBytes: number, runMs: number): Outcome {
  if (exit.fromOutside) return platformFailure('The worker was ended from outside while it ran the function.', runMs)
  const [type, message] = exit.memoryExceeded
    ? [errorTypes.memory, `the function used more than its ${Math.round(memoryBytes / 1048576)} MiB of memory`]
    : [
        errorTypes.exit,
        `the function's process ended${exit.code === null ? '' : ` with code ${exit.code}`}${guess(exit, memoryBytes)}`,
      ]
  return { kind: 'killed', error: { type, message, stack: null }, runMs, ...noUsage }
}

/** A shim whose connection closes ends with an exit code of its own. */
export const linkLost = (runMs: number): Outcome =>
  platformFailure('The connection between the server and the worker was lost while it ran the function.', runMs)

const guess = ({ mayBeMemory }: Exit, memoryBytes: number): string =>
  mayBeMemory ? `: it may have used more than its ${Math.round(memoryBytes / 1048576)} MiB of memory` : ''
