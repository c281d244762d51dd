import type { Ledger } from '../../domain/execution.ts'
import type { FunctionStore } from '../../domain/function.ts'

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
