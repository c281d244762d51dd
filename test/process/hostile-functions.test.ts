import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines } from '../support/engines.ts'
import { ServerProcess } from '../support/server-process.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Functions that mean harm, or make mistakes: whatever they send, the server goes on, and harms no other caller. */

const mib = 1024 * 1024

for (const { engine, run, languages } of engines) {
  run(`A server with the ${engine} engine`, () => {
    let server: ServerProcess
    beforeAll(async () => {
      server = await ServerProcess.start({ engine })
      await server.deploy('forger', forger, { signature: 'http', timeout: 10 })
      await server.deploy('liar', liar, { signature: 'http' })
      await server.deploy('fountain', fountain, { signature: 'http', concurrency: 2, max_workers: 1 })
    })
    afterAll(() => server?.[Symbol.asyncDispose]())

    test.each([
      ['that is not a frame', 'garbage'],
      ['longer than any frame', 'endless'],
      ['whose meta is not JSON', 'unreadable'],
    ])('ends a worker that sends something %s', async (_what, forgery) => {
      const answer = await server.ask('GET', `/fn/forger/${forgery}`)
      expect(answer).toMatchObject({ status: 502, json: { code: 'function_killed' } })
      expect((await server.ask('GET', '/fn/forger/nothing')).text).toBe('still here')
    })

    test.each(['others', 'twice', 'headers'])(
      'is not led astray by frames that are well-formed and wrong: %s',
      async (forgery) => {
        const answer = await server.ask('GET', `/fn/forger/${forgery}`)
        expect(answer.status).toBe(200)
        expect(answer.headers.get('x-injected')).toBeNull()
        expect((await server.ask('GET', '/fn/forger/nothing')).text).toBe('still here')
      },
    )

    test('gives nobody more or less of an answer than its head announces', async () => {
      for (const path of ['/more', '/less']) {
        const answers = await askTwice(server, `/fn/liar${path}`, '/fn/liar/honest')
        // Cut off, so that what follows on the connection is not taken for another's answer.
        expect(answers.match(/HTTP\/1\.1/g), answers).toHaveLength(1)
        expect(answers).not.toContain('injected')
      }
      expect(await askTwice(server, '/fn/liar/honest', '/fn/liar/honest')).toMatch(/12345.*12345$/s)
      expect(await server.ask('HEAD', '/fn/liar/more')).toMatchObject({ status: 200, text: '' })
      const both = await server.ask('GET', '/fn/liar/both')
      expect(both.headers.get('content-length')).toBeNull()
      expect(both.text).toMatch(/^12345.*injected$/s)
    })

    test('keeps the execution id its own', async () => {
      const answer = await server.ask('GET', '/fn/liar/spoof')
      expect(answer.headers.get('x-execution-id')).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('keeps little of a stream whose reader is slow', async () => {
      const answer = await server.open('GET', '/fn/fountain')
      // What the worker may not send yet, the server cannot hold: measured where it is made, whatever the machine does.
      const made = await settledCount(async () => Number((await server.must('GET', '/fn/fountain/made')).text))
      expect(made).toBeGreaterThan(0)
      expect(made * mib).toBeLessThan(32 * mib)
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
      let bytes = 0
      for (let got = await reader.read(); !got.done; got = await reader.read()) bytes += got.value.length
      expect(bytes).toBe(256 * mib)
    })

    // In a container the kernel counts; and there the stream before was as long.
    if (engine === 'process') {
      test('ends no worker for the pages of the program that it runs', async () => {
        // With them, the garbage of a stream of large pieces would be more than the least memory.
        const answer = await server.ask('GET', '/fn/fountain')
        expect(answer.bytes.length).toBe(256 * mib)
      })
    }

    if (languages.includes('python3')) {
      test('lets calls wait when a function may start no more threads', async () => {
        // A container has 128 processes, threads among them.
        const limits = { runtime: 'python3', concurrency: 250, max_workers: 1 }
        await server.deploy(
          'sleeper',
          'import time\n\ndef main(event):\n    time.sleep(0.3)\n    return event\n',
          limits,
        )
        const calls = Array.from({ length: 250 }, (_, n) => server.ask('POST', '/fn/sleeper', { json: { n } }))
        for (const [n, answer] of (await Promise.all(calls)).entries()) expect(answer.json).toEqual({ n })
        expect((await server.ask('POST', '/fn/sleeper', { json: 'still here' })).text).toBe('still here')
      })
    }
  })
}

/** A number that has not grown for two seconds. */
async function settledCount(ask: () => Promise<number>): Promise<number> {
  for (let before = await ask(); ; ) {
    await pause(2000)
    const now = await ask()
    if (now === before && now > 0) return now
    before = now
  }
}

/** Two requests on one connection, the second when the first has been answered; all that came back. */
async function askTwice(server: ServerProcess, first: string, second: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => {})
  // Cutting a connection off may reset it, which is fine, too.
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const request = (path: string, more: string) =>
    `GET ${path} HTTP/1.1\r\nHost: here\r\nX-Auth-Token: ${server.token}\r\n${more}\r\n`
  socket.write(request(first, ''))
  await waitUntil('the first answer or the end of the connection', () => text.includes('12345') || socket.closed)
  await pause(300)
  if (!socket.destroyed) socket.write(request(second, 'Connection: close\r\n'))
  const timer = setTimeout(() => socket.destroy(), 60_000)
  await closed
  clearTimeout(timer)
  return text
}

/** Speaks the worker protocol itself, past its shim: the connection is in its own process. */
const forger = `
const frame = (type, call, meta, body = '') => {
  const [m, b] = [Buffer.from(meta), Buffer.from(body)]
  const head = Buffer.alloc(13)
  head.writeUInt32BE(9 + m.length + b.length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt32BE(call, 5)
  head.writeUInt32BE(m.length, 9)
  return Buffer.concat([head, m, b])
}
const [result, log, head, chunk, end] = [19, 21, 22, 23, 24]
const status = (code, headers) => JSON.stringify({ status: code, headers })
let calls = 0

const forgeries = {
  garbage: () => Buffer.alloc(1000, 0xff),
  endless: () => Buffer.from([0x7f, 0xff, 0xff, 0xff, result, 0, 0, 0, 1, 0, 0, 0, 0]),
  unreadable: () => frame(head, calls, '{"status": '),
  others: () => Buffer.concat([1000, 2 ** 32 - 1].flatMap((call) => [result, log, chunk, end, 99].map((type) => frame(type, call, '{}', 'x')))),
  twice: () => Buffer.concat([frame(head, calls, status(200, [])), frame(head, calls, status(500, [])), frame(end, calls, '{}'), frame(end, calls, '{}'), frame(chunk, calls, '', 'late')]),
  headers: () => Buffer.concat([
    frame(head, calls, status(200, [['x-a', 'b\\r\\nx-injected: yes'], ['x-b', '\\u2192'], ['x c', 'd'], ['x-d', 7], 'x-e', null, ['transfer-encoding', 'chunked']])),
    frame(end, calls, '{}'),
  ]),
  nothing: () => Buffer.alloc(0),
}

export async function main(request) {
  calls++
  const forged = forgeries[new URL(request.url).pathname.slice(1)]()
  const connection = process._getActiveHandles().find((handle) => typeof handle.write === 'function' && handle.fd !== 1 && handle.fd !== 2)
  connection.write(forged)
  if (forged.length > 0) await new Promise((resolve) => setTimeout(resolve, 500))
  return new Response('still here')
}
`

const liar = `
const streamed = (text, headers) => new Response(new ReadableStream({
  async pull(controller) {
    controller.enqueue(new TextEncoder().encode(text))
    await new Promise((resolve) => setTimeout(resolve, 50))
    controller.close()
  },
}), { headers })
const injected = '12345HTTP/1.1 200 OK\\r\\nContent-Length: 8\\r\\n\\r\\ninjected'

const answers = {
  '/more': () => streamed(injected, { 'content-length': '5' }),
  '/less': () => streamed('12345', { 'content-length': '50' }),
  '/both': () => streamed(injected, [['content-length', '5'], ['content-length', '70']]),
  '/honest': () => streamed('12345', { 'content-length': '5' }),
  '/spoof': () => streamed('12345', { 'x-execution-id': 'somebody-else' }),
}
export const main = (request) => answers[new URL(request.url).pathname]()
`

const fountain = `
let made = 0
export function main(request) {
  if (request.url.endsWith('/made')) return new Response(String(made))
  let left = 256
  return new Response(new ReadableStream({
    pull(controller) {
      if (left-- === 0) return controller.close()
      made++
      controller.enqueue(new Uint8Array(1024 * 1024))
    },
  }))
}
`
