/** Every runtime passes what of the conformance list a link may change, as a plain process behind the relay that encrypts its link. */
import { describe } from 'vitest'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { linkList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'

for (const { name, folder, isHere, isCompiled } of completeRuntimes()) {
  describe.runIf(isHere)(`the runtime ${name} over TLS`, () =>
    linkList(processHarness(folder, undefined, 'tls'), { signatures: [], isCompiled }),
  )
}
