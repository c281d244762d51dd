import { createHook } from 'node:async_hooks'
import { createServer, IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { answerOn } from '../src/http/connections.ts'

/** What the server uses of Node.js beyond its documentation (docs/how-it-works.md): each test fails when Node.js changes it. */

test('whole-request.ts: `readableEnded` is an accessor, and the parser hands the body to `push`, then null', async () => {
  expect(Object.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded')?.get).toBeTypeOf('function')
  const pushed: (number | null)[] = []
  class Watched extends IncomingMessage {
    override push(chunk: Buffer | null): boolean {
      pushed.push(chunk?.length ?? null)
      return super.push(chunk)
    }
  }
  await answered(
    createServer({ IncomingMessage: Watched }, (asked, answer) => void asked.resume().once('end', () => answer.end())),
  )
  expect(pushed).toEqual([2, null])
})

test('connections.ts: a connection tells in `_httpMessage` whether its answer has begun', async () => {
  const seen: unknown[] = []
  await answered(
    createServer((asked, answer) => {
      seen.push(answerOn(asked.socket) === answer, answerOn(asked.socket)?.headersSent)
      answer.write('x')
      seen.push(answerOn(asked.socket)?.headersSent)
      answer.end()
    }),
  )
  expect(seen).toEqual([true, false, true])
})

test('serve.ts: a tick can be kept by a hook, and a collection asked for', () => {
  const kept: string[] = []
  const hook = createHook({ init: (_id, type) => void kept.push(type) }).enable()
  process.nextTick(() => {})
  hook.disable()
  expect(kept).toContain('TickObject')
  setFlagsFromString('--expose-gc')
  expect(runInNewContext('typeof gc')).toBe('function')
  setFlagsFromString('--no-expose-gc')
})

/** Sends one small request and waits for the end of the answer. */
async function answered(server: ReturnType<typeof createServer>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}')
  await new Promise((resolve) => socket.resume().once('close', resolve))
  server.close()
}
