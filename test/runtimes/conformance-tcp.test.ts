/** Every runtime passes the conformance list as a plain process that shares no folder with the server: what the link may change. */
import { describe } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'

for (const { name, folder, isHere, isCompiled } of completeRuntimes()) {
  describe.runIf(isHere)(`the runtime ${name} over TCP`, () =>
    // The other signatures are calls like these by the time that they get to them.
    conformanceList(processHarness(folder, undefined, 'tcp'), { signatures: ['http'], isCompiled }),
  )
}
