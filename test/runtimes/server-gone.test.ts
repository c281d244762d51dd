/** A shim whose server was killed while it started does not stay: of the process engine's nobody else would end it. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makePipes } from '../../src/engine/worker/named-pipes.ts'
import { completeRuntimes } from '../support/complete-runtimes.ts'
import { spawnShim } from '../support/shim-process.ts'

/** Reached only by a process that waits for ever. */
const limitMs = 30_000

for (const runtime of completeRuntimes()) {
  describe.runIf(runtime.isHere)(`a worker of the runtime ${runtime.name} whose pipes nobody reads`, () => {
    test('ends when nobody listens', async () => {
      expect(await endOfWorker(runtime.folder, 'nobody')).toBe('it ended')
    })

    test('ends when the connection does', async () => {
      expect(await endOfWorker(runtime.folder, 'one that goes')).toBe('it ended')
    })
  })
}

async function endOfWorker(runtime: string, listener: 'nobody' | 'one that goes'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-shim-'))
  const socket = join(folder, 'worker.sock')
  await makePipes([join(folder, 'stdout'), join(folder, 'stderr')])
  const server = createServer((connection) => connection.destroy())
  if (listener !== 'nobody') await once(server.listen(socket), 'listening')
  const child = spawnShim(runtime, folder, { TAIBAI_SOCKET: socket })
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const [, signal] = await once(child, 'exit')
  clearTimeout(timer)
  server.close()
  rmSync(folder, { recursive: true })
  return signal === null ? 'it ended' : 'it waited'
}
