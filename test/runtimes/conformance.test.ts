/** Every runtime passes the conformance list, and keeps the protocol, as a plain process, by either link. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { conformanceList } from '../support/conformance-list.ts'
import { processHarness } from '../support/shim-process.ts'
import { protocolList } from '../support/shim-protocol-list.ts'

const runtimes = fileURLToPath(new URL('../../runtimes', import.meta.url))

for (const name of readdirSync(runtimes)) {
  const folder = join(runtimes, name)
  if (!isComplete(folder)) continue
  describe(`the runtime ${name}`, () => {
    conformanceList(processHarness(folder))
    describe('the protocol', () => protocolList(folder))
    describe('over TCP', () => conformanceList(processHarness(folder, undefined, 'tcp')))
  })
}

function isComplete(folder: string): boolean {
  const manifest = join(folder, 'runtime.json')
  if (!existsSync(manifest) || !existsSync(join(folder, 'conformance'))) return false
  return existsSync(join(folder, JSON.parse(readFileSync(manifest, 'utf8')).shim))
}
