import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import { listen } from '../../src/http/connection/listen.ts'
import { ReadTurns } from '../../src/http/connection/read-turns.ts'
import { toCut, UnreadResponses } from '../../src/http/connection/unread-responses.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Callers who request much and read nothing. */

const mib = 1024 * 1024

test('pipelined requests begin one after another: the next one when the response before it has been sent', async () => {
  const begun: string[] = []
  const responses: (() => void)[] = []
  const { client } = await serving((incoming, outgoing) => {
    begun.push(incoming.url as string)
    responses.push(() => outgoing.end('x'))
  })
  client.write(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
  await waitUntil('the next request begins', () => begun.length === 1)
  await pause(50)
  expect(begun).toEqual(['/a'])
  responses[0]?.()
  await waitUntil('the next request begins', () => begun.length === 2)
  responses[1]?.()
  await waitUntil('the next request begins', () => begun.length === 3)
  expect(begun).toEqual(['/a', '/b', '/c'])
})

test('a pipelined request keeps its body while it waits', async () => {
  const bodies: string[] = []
  const { client } = await serving(async (incoming, outgoing) => {
    let text = ''
    for await (const piece of incoming) text += piece
    bodies.push(text)
    await pause(20)
    outgoing.end('x')
  })
  const post = (body: string) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  client.write(post('one') + post('t'.repeat(300_000)) + post('three'))
  await waitUntil('all bodies have arrived', () => bodies.length === 3)
  expect(bodies.map((body) => body.length)).toEqual([3, 300_000, 5])
})

test('a caller who sends ten thousand requests and reads nothing is served until nobody reads', async () => {
  let begun = 0
  const { client } = await serving((_incoming, outgoing) => {
    begun++
    outgoing.end('x'.repeat(mib))
  })
  client.pause()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10_000))
  await waitUntil('the next request begins', () => begun > 1)
  await pause(500)
  // What the kernel's buffers take, and not ten thousand.
  expect(begun).toBeLessThan(50)
})

test('beyond the limit the connection that nobody reads is cut, and another one gets its whole response', async () => {
  const { client, port, limit } = await serving((_incoming, outgoing) => outgoing.end(Buffer.alloc(40 * mib)))
  const { warnings } = limit(50 * mib)
  client.pause()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const answer = await fetch(`http://127.0.0.1:${port}/`)
  expect((await answer.arrayBuffer()).byteLength).toBe(40 * mib)
  await waitUntil('the connection is cut', () => warnings.length > 0)
  expect(warnings).toEqual(['connections are cut: their callers do not read the responses'])
  let received = 0
  client.on('data', (piece) => (received += piece.length)).on('error', () => {})
  client.resume()
  await once(client, 'close')
  expect(received).toBeLessThan(40 * mib)
})

test.each([
  { unread: [[100, true]], cut: [] },
  { unread: [[300, false]], cut: [] },
  {
    unread: [
      [100, true],
      [150, true],
      [50, false],
    ],
    cut: [150],
  },
  {
    unread: [
      [100, true],
      [150, false],
      [160, true],
    ],
    cut: [160, 100],
  },
  {
    unread: [
      [400, false],
      [500, false],
      [100, false],
    ],
    cut: [500],
  },
] as { unread: [number, boolean][]; cut: number[] }[])(
  'of $unread (bytes, stalled) with a limit of 200, $cut are cut',
  ({ unread, cut }) => {
    const given = unread.map(([bytes, isStalled]) => ({ bytes, isStalled }))
    expect(toCut(given, 200).map(({ bytes }) => bytes)).toEqual(cut)
  },
)

test('four large reads run at a time, and projects take turns', async () => {
  const turns = new ReadTurns()
  const begun: string[] = []
  let running = 0
  let most = 0
  const read = (project: string, name: string) =>
    turns.run(project, async () => {
      begun.push(name)
      most = Math.max(most, ++running)
      await pause(5)
      running--
    })
  await Promise.all([...Array.from({ length: 20 }, (_, at) => read('flood', `f${at}`)), read('other', 'o')])
  expect(most).toBe(4)
  expect(begun.indexOf('o')).toBeLessThan(7)
})

test('a failed read gives its place back', async () => {
  const turns = new ReadTurns()
  const failing = Array.from({ length: 9 }, () => turns.run('red', () => Promise.reject(new Error('no'))).catch(String))
  expect(await Promise.all(failing)).toEqual(Array(9).fill('Error: no'))
  expect(await turns.run('red', async () => 'read')).toBe('read')
})

async function serving(listener: RequestListener) {
  const server = await listen('127.0.0.1', 0, listener, { bodyTimeoutMs: 10_000 })
  const { port } = server.address() as AddressInfo
  const client: Socket = connect(port, '127.0.0.1')
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  const limit = (maxBytes: number) => {
    const warnings: string[] = []
    const log = { ...silentLog, warn: (_facts: object, text: string) => void warnings.push(text) }
    const unread = new UnreadResponses(server, maxBytes, log)
    onTestFinished(() => unread.close())
    return { warnings }
  }
  return { client, port, limit }
}
