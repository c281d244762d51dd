import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'

/** Both ends of one Unix socket connection; a test must leave both closed. */
export async function socketPair(): Promise<{ server: Socket; worker: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), 'taibai-pair-'))
  const listener = createServer().listen(join(folder, 'pair.sock'))
  await once(listener, 'listening')
  const arriving = once(listener, 'connection')
  const worker = connect(join(folder, 'pair.sock'))
  const [server] = (await arriving) as [Socket]
  listener.close()
  rmSync(folder, { recursive: true })
  worker.on('error', () => {})
  onTestFinished(() => expectClosed([server, worker]))
  return { server, worker }
}

async function expectClosed(left: Socket[]): Promise<void> {
  // The other end hears of a close in a moment.
  for (let turn = 0; turn < 50 && left.some((socket) => !socket.destroyed); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const sockets = left.filter((socket) => !socket.destroyed)
  for (const socket of sockets) socket.destroy()
  expect(sockets, 'sockets left').toHaveLength(0)
}
