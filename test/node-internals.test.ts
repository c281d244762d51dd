import { createHook } from 'node:async_hooks'
import { createServer, IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { answerOn } from '../src/http/connection/connections.ts'
import { canWriteRawHead, keepAliveMs, writeRawHead } from '../src/http/connection/response-head.ts'

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

test('response-head.ts: a head that is given as text in `_header` leaves as Node.js would write it, and the connection goes on', async () => {
  const nowMs = Date.now()
  const server = createServer((asked, answer) => {
    if (asked.url === '/ready') writeRawHead(answer, 'X-A: b\r\nContent-Type: text/plain', 2, nowMs)
    else {
      const date = new Date(nowMs).toUTCString()
      answer.writeHead(200, ['X-A', 'b', 'Content-Type', 'text/plain', 'Content-Length', '2', 'Date', date])
    }
    answer.end('hi', 'latin1')
  })
  server.keepAliveTimeout = keepAliveMs
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const [, ready, usual, again, last] = (
    await sentBack(server, ask('/ready') + ask('/usual') + ask('/ready') + ask('/usual').replace('\r\n\r\n', closing))
  ).split('HTTP/1.1')
  expect(ready).toContain('hi')
  expect(ready).toBe(usual)
  expect(again).toBe(usual)
  expect(last).toContain('Connection: close')
})

const closing = '\r\nConnection: close\r\n\r\n'

test.each([
  ['GET / HTTP/1.1\r\nHost: a', true],
  ['HEAD / HTTP/1.1\r\nHost: a', false],
  ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close', false],
  ['GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive', false],
  ['GET /set HTTP/1.1\r\nHost: a', false],
])('response-head.ts: where Node.js would write another head it does: %j', async (asked, expected) => {
  const taken: boolean[] = []
  const server = createServer((incoming, answer) => {
    if (incoming.url === '/set') answer.setHeader('X-A', 'b')
    taken.push(canWriteRawHead(answer))
    answer.shouldKeepAlive = false
    answer.end()
  })
  await sentBack(server, `${asked}\r\n\r\n`)
  expect(taken).toEqual([expected])
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
const answered = (server: ReturnType<typeof createServer>): Promise<string> =>
  sentBack(server, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}')

/** All that comes back until the server closes the connection. */
async function sentBack(server: ReturnType<typeof createServer>, bytes: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  let came = ''
  socket.setEncoding('latin1').on('data', (text) => {
    came += text
  })
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  server.close()
  return came
}
