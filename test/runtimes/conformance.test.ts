/** Every runtime passes the conformance list, and keeps the protocol, as a plain process. */
import { beforeAll, describe } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { conformanceList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'
import { protocolList } from '../support/shim-protocol-list.ts'

const compilingMs = 600_000

for (const runtime of completeRuntimes()) {
  const { name, folder, isHere } = runtime
  describe.runIf(isHere)(`the runtime ${name}`, () => {
    const harness = processHarness(folder)
    // The first of all workers compiles its function.
    if (runtime.isCompiled) beforeAll(async () => (await harness.bind()).kill(), compilingMs)
    conformanceList(harness, runtime)
    describe('the protocol', () => protocolList(folder, runtime))
  })
}
