/** Every runtime passes the conformance list as a plain process that shares no folder with the server. */
import { describe } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'

for (const { name, folder, signatures, isHere } of completeRuntimes()) {
  describe.runIf(isHere)(`the runtime ${name} over TCP`, () =>
    conformanceList(processHarness(folder, undefined, 'tcp'), signatures),
  )
}
