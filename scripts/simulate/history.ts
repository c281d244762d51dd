import Database from 'better-sqlite3'
import { type Trace, type TracedCall, type TracedFunction, traceOf } from './trace.ts'

/**
 * The trace that a server's own ledger holds. Read-only, beside a server that runs. What a function's memory is, the
 * ledger does not say: that of its peak stands for it, else the given one. A cold start costs what it did in the median. Nor
 * does it say the runtimes: there is one, whose generic workers have the given memory.
 */
export function history(file: string, defaultMemoryBytes: number): Trace {
  const db = new Database(file, { readonly: true, fileMustExist: true })
  try {
    const select = `SELECT function_id || '/' || function_version AS fn, created_at AS atMs, run_ms AS runMs,
      acquire_ms AS acquireMs, start_kind AS startKind, memory_peak_mb AS memoryMb
      FROM executions WHERE run_ms IS NOT NULL AND is_image_run = 0 ORDER BY created_at`
    return traceOfRows(db.prepare(select).iterate() as IterableIterator<Row>, defaultMemoryBytes)
  } finally {
    db.close()
  }
}

interface Row {
  fn: string
  atMs: number
  runMs: number
  acquireMs: number | null
  startKind: string | null
  memoryMb: number | null
}

interface Seen {
  calls: TracedCall[]
  memoryMb: number
}

const mib = 1024 * 1024
const usualColdMs = 500
const usualBindMs = 20

function traceOfRows(rows: Iterable<Row>, defaultMemoryBytes: number): Trace {
  const seen = new Map<string, Seen>()
  const coldMs: number[] = []
  const bindMs: number[] = []
  let first = Number.NaN
  let last = 0
  for (const { fn, atMs, runMs, acquireMs, startKind, memoryMb } of rows) {
    if (Number.isNaN(first)) first = atMs
    last = atMs - first + runMs
    const own = seen.get(fn) ?? { calls: [], memoryMb: 0 }
    seen.set(fn, own)
    own.calls.push({ atMs: atMs - first, runMs })
    own.memoryMb = Math.max(own.memoryMb, memoryMb ?? 0)
    if (startKind === 'cold' && acquireMs !== null) coldMs.push(acquireMs)
    if (startKind === 'prewarmed' && acquireMs !== null) bindMs.push(acquireMs)
  }
  if (seen.size === 0) throw new Error('The ledger has no calls that have ended.')
  const cold = medianOf(coldMs) ?? usualColdMs
  const bind = Math.min(cold, medianOf(bindMs) ?? usualBindMs)
  const all = [...seen.values()]
  const functions: TracedFunction[] = all.map(({ memoryMb }) => {
    const memoryBytes = memoryMb === 0 ? defaultMemoryBytes : Math.ceil(memoryMb) * mib
    return { memoryBytes, coldMs: cold, concurrency: 1, runtime: 0 }
  })
  return traceOf(
    functions,
    all.map(({ calls }) => calls),
    last,
    [{ memoryBytes: defaultMemoryBytes, startMs: cold - bind, bindMs: bind }],
  )
}

function medianOf(values: number[]): number | undefined {
  return values.sort((a, b) => a - b)[values.length >> 1]
}
