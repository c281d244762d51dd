import type { FunctionStore } from '../../domain/functions/function.ts'
import type { Ledger } from '../../domain/runs/execution.ts'

/** The function versions that ran before this process began. */
export function hasRunBefore(
  functions: FunctionStore,
  ledger: Ledger,
): (functionId: string, version: number) => boolean {
  const known = new Set<string>()
  for (const { id } of functions.list(null)) {
    const versions = [0, ...functions.listVersions(id).map((version) => version.number)]
    for (const version of versions) if (ledger.counts(id, version).count > 0) known.add(`${id}/${version}`)
  }
  return (functionId, version) => known.has(`${functionId}/${version}`)
}
