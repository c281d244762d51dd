/** Calls of many functions in order of time, as plain arrays: a week has millions of them. */
export interface Trace {
  functions: TracedFunction[]
  /** Runtimes for which generic workers can be kept. */
  runtimes: TracedRuntime[]
  /** Times of the calls, in ms since the beginning of the trace. */
  atMs: Float64Array
  /** The function of each call: an index in `functions`. */
  functionOf: Uint32Array
  runMs: Float32Array
  lengthMs: number
}

export interface TracedFunction {
  memoryBytes: number
  /** Cost of a start that is not warm, for a call. */
  coldMs: number
  /** Number of calls that share a worker. */
  concurrency: number
  /** Index in `runtimes`; null: an image of its own, whose workers serve nobody else. */
  runtime: number | null
}

export interface TracedRuntime {
  /** Memory of a generic worker. */
  memoryBytes: number
  /** Time until a generic worker is ready. */
  startMs: number
  /** Time to bind it to a function, including loading the code. */
  bindMs: number
}

export interface TracedCall {
  atMs: number
  runMs: number
}

/** Takes the calls of one function after the other and returns all in order of time. */
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
