/** Every runtime passes the conformance list, and keeps the protocol, as a plain process. */
import { describe } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'
import { protocolList } from '../support/shim-protocol-list.ts'

for (const runtime of completeRuntimes()) {
  const { name, folder, isHere } = runtime
  describe.runIf(isHere)(`the runtime ${name}`, () => {
    conformanceList(processHarness(folder), runtime)
    describe('the protocol', () => protocolList(folder, runtime))
  })
}
