import type { FunctionRow } from './resources/functions.ts'
import type { RuntimeRow } from './resources/runtimes.ts'
import type { HistoryLine } from './resources/stats.ts'

/** Converts the API's past calls to the simulator's format. */

export function pastCallOf(line: HistoryLine) {
  const [functionId, functionVersion, atMs, runMs, acquireMs, startKind, memoryPeakMb] = line
  return { functionId, functionVersion, atMs, runMs, acquireMs, startKind, memoryPeakMb }
}

export function installationOf(functions: FunctionRow[], runtimes: RuntimeRow[]) {
  const byId = new Map(runtimes.map((runtime) => [runtime.id, runtime]))
  const known = functions.map(({ id, name, runtime_id, memory_size, concurrency }) => {
    const runtime = runtime_id === null ? undefined : byId.get(runtime_id)
    const memoryBytes = Math.max(memory_size, runtime?.min_memory ?? 0)
    return [id, { name, memoryBytes, concurrency, runtimeImage: runtime?.image ?? null }] as const
  })
  return { functions: new Map(known), generic: new Map(runtimes.map(({ image, min_memory }) => [image, min_memory])) }
}
