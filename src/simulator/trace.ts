/** Calls of many functions over time, in order, as plain arrays: a week has millions of them. */
export interface Trace {
  functions: TracedFunction[]
  /** Those of which generic workers can be kept. */
  runtimes: TracedRuntime[]
  /** When a call came, in ms from the beginning of the trace. */
  atMs: Float64Array
  /** Whose call: a place in `functions`. */
  functionOf: Uint32Array
  runMs: Float32Array
  lengthMs: number
}

export interface TracedFunction {
  memoryBytes: number
  /** What a start that is not warm costs a call. */
  coldMs: number
  /** Calls that share a worker. */
  concurrency: number
  /** A place in `runtimes`; null: an image of its own, whose workers serve nobody else. */
  runtime: number | null
}

export interface TracedRuntime {
  /** Memory of a worker that belongs to no function yet. */
  memoryBytes: number
  /** Until such a worker is there. */
  startMs: number
  /** Until it is a function's, with its code loaded. */
  bindMs: number
}

export interface TracedCall {
  atMs: number
  runMs: number
}

/** One function after the other in, all calls in order of time out. */
export function traceOf(
  functions: TracedFunction[],
  calls: TracedCall[][],
  lengthMs: number,
  runtimes: TracedRuntime[] = [],
): Trace {
  const count = calls.reduce((sum, own) => sum + own.length, 0)
  const times = new Float64Array(count)
  const owners = new Uint32Array(count)
  const runs = new Float32Array(count)
  let filled = 0
  for (const [owner, own] of calls.entries()) {
    for (const { atMs, runMs } of own) {
      times[filled] = atMs
      owners[filled] = owner
      runs[filled++] = runMs
    }
  }
  const order = Uint32Array.from({ length: count }, (_, n) => n).sort(
    (a, b) => (times[a] as number) - (times[b] as number) || a - b,
  )
  return {
    functions,
    runtimes,
    atMs: Float64Array.from(order, (n) => times[n] as number),
    functionOf: Uint32Array.from(order, (n) => owners[n] as number),
    runMs: Float32Array.from(order, (n) => runs[n] as number),
    lengthMs,
  }
}
