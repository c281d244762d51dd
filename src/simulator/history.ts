import type { Installation, PastCall, PastFunction } from '../domain/runs/history.ts'
import { type Trace, type TracedCall, type TracedFunction, type TracedRuntime, traceOf } from './trace.ts'

/**
 * Converts a server's past calls to a trace. A cold start costs the median of its cold starts. Deleted functions have the memory
 * of their peak, else `defaultMemoryBytes`, and count as functions of the first runtime.
 */
export function traceOfHistory(
  calls: Iterable<PastCall>,
  installation: Installation,
  defaultMemoryBytes: number,
): Trace {
  const { byVersion, lengthMs, cold, bind } = gathered(calls)
  const all = [...byVersion.values()]
  const images = [...installation.generic.keys()]
  const runtimes: TracedRuntime[] = (images.length > 0 ? images : [null]).map((image) => ({
    memoryBytes: (image === null ? undefined : installation.generic.get(image)) ?? defaultMemoryBytes,
    startMs: cold - bind,
    bindMs: bind,
  }))
  const functions: TracedFunction[] = all.map(({ functionId, memoryPeakMb }) => {
    const known = installation.functions.get(functionId)
    const memoryBytes = known?.memoryBytes ?? (memoryPeakMb === 0 ? defaultMemoryBytes : Math.ceil(memoryPeakMb) * mib)
    return { memoryBytes, coldMs: cold, concurrency: known?.concurrency ?? 1, runtime: runtimeOf(known, images) }
  })
  const own = all.map((one) => one.calls)
  return traceOf(functions, own, lengthMs, runtimes)
}

const mib = 1024 * 1024
const usualColdMs = 500
const usualBindMs = 20

function runtimeOf(known: PastFunction | undefined, images: string[]): number | null {
  if (known === undefined) return 0
  return known.runtimeImage === null ? null : Math.max(0, images.indexOf(known.runtimeImage))
}

interface Seen {
  functionId: string
  calls: TracedCall[]
  memoryPeakMb: number
}

/** Calls by function version, with times relative to the first call. Throws an Error with a sentence when there are none. */
function gathered(calls: Iterable<PastCall>) {
  const byVersion = new Map<string, Seen>()
  const [coldMs, bindMs]: [number[], number[]] = [[], []]
  let first = Number.NaN
  let lengthMs = 0
  for (const { functionId, functionVersion, atMs, runMs, acquireMs, startKind, memoryPeakMb } of calls) {
    if (Number.isNaN(first)) first = atMs
    lengthMs = Math.max(lengthMs, atMs - first + runMs)
    const key = `${functionId}/${functionVersion}`
    const own = byVersion.get(key) ?? { functionId, calls: [], memoryPeakMb: 0 }
    byVersion.set(key, own)
    own.calls.push({ atMs: atMs - first, runMs })
    own.memoryPeakMb = Math.max(own.memoryPeakMb, memoryPeakMb ?? 0)
    if (acquireMs !== null && startKind === 'cold') coldMs.push(acquireMs)
    if (acquireMs !== null && startKind === 'prewarmed') bindMs.push(acquireMs)
  }
  if (byVersion.size === 0) throw new Error('There are no calls that have ended in this time.')
  const cold = medianOf(coldMs) ?? usualColdMs
  // The extra time lets the last call get its worker within the trace.
  return { byVersion, lengthMs: lengthMs + cold, cold, bind: Math.min(cold, medianOf(bindMs) ?? usualBindMs) }
}

const medianOf = (values: number[]): number | undefined => values.sort((a, b) => a - b)[values.length >> 1]
