import { errorTypes, type FunctionError, type Outcome, type Usage, type Value } from '../domain/outcome.ts'
import { headOf } from './channel.ts'
import { type Frame, FrameType, ProtocolError, parseMeta } from './protocol.ts'
import type { Exit } from './sandbox.ts'

/** What the frame that ended a call says. A frame that makes no sense ends the call as the function's fault: its process sent it. */
export function outcomeOf(frame: Frame, runMs: number, streamedStatus: number | undefined): Outcome {
  try {
    const meta = parseMeta(frame)
    const usage = usageOf(meta)
    if (frame.type === FrameType.failed) return { kind: 'raised', error: errorOf(meta), runMs, ...usage }
    if (frame.type === FrameType.end) return { kind: 'streamed', status: streamedStatus ?? 200, runMs, ...usage }
    return { kind: 'returned', value: returnedValue(frame, meta), runMs, ...usage }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return raised('ProtocolError', error.message, runMs)
  }
}

export function errorOf(meta: Record<string, unknown>): FunctionError {
  const { type, message, stack } = meta
  return {
    type: String(type ?? 'Error'),
    message: String(message ?? ''),
    stack: typeof stack === 'string' ? stack : null,
  }
}

function returnedValue(frame: Frame, meta: Record<string, unknown>): Value {
  const { value, http } = meta
  const kind = value === 'text' || value === 'bytes' ? value : 'json'
  if (http === undefined) return { kind, body: frame.body }
  return { kind, body: frame.body, http: headOf(http as Record<string, unknown>) }
}

function usageOf(meta: Record<string, unknown>): Usage {
  const { cpu_ms, memory_peak_bytes } = meta
  return {
    cpuMs: typeof cpu_ms === 'number' ? cpu_ms : null,
    memoryPeakMb: typeof memory_peak_bytes === 'number' ? Math.round(memory_peak_bytes / 104857.6) / 10 : null,
  }
}

const noUsage: Usage = { cpuMs: null, memoryPeakMb: null }

const raised = (type: string, message: string, runMs: number): Outcome => {
  return { kind: 'raised', error: { type, message, stack: null }, runMs, ...noUsage }
}

export const resultTooLarge = (maxBytes: number, runMs: number): Outcome =>
  raised('ResultTooLarge', `the answer is longer than ${maxBytes} bytes`, runMs)

export function timedOut(timeoutMs: number, runMs: number): Outcome {
  const message = `the function did not end within ${timeoutMs / 1000} s`
  return { kind: 'timeout', error: { type: errorTypes.timeout, message, stack: null }, runMs, ...noUsage }
}

/** The worker ended by itself, or the kernel ended it for its memory. */
export function killed(exit: Exit, memoryBytes: number, runMs: number): Outcome {
  const [type, message] = exit.memoryExceeded
    ? [errorTypes.memory, `the function used more than its ${Math.round(memoryBytes / 1048576)} MiB of memory`]
    : [errorTypes.exit, `the function's process ended${exit.code === null ? '' : ` with code ${exit.code}`}`]
  return { kind: 'killed', error: { type, message, stack: null }, runMs, ...noUsage }
}

export function platformFailed(message: string, runMs: number): Outcome {
  return { kind: 'platform', error: { type: errorTypes.platform, message, stack: null }, runMs, ...noUsage }
}
