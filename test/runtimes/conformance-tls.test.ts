/** Every runtime passes the conformance list as a plain process whose link is encrypted: what the relay before the shim may change. */
import { describe } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'

for (const { name, folder, isHere, isCompiled } of completeRuntimes()) {
  describe.runIf(isHere)(`the runtime ${name} over TLS`, () =>
    conformanceList(processHarness(folder, undefined, 'tls'), { signatures: [], isCompiled }),
  )
}
