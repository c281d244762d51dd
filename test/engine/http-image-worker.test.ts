/** An image that listens, as the pool sees it: a real web server on loopback, and a sandbox that only notes what it is asked. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Call, StreamSink } from '../../src/domain/platform/worker.ts'
import type { HttpHead } from '../../src/domain/runs/outcome.ts'
import { isOfEnvironment } from '../../src/engine/worker/fission-image.ts'
import { HttpImageWorker } from '../../src/engine/worker/http-image-worker.ts'
import { defaultQuietMs } from '../../src/engine/worker/image-output.ts'
import { aRequestHead } from '../support/builders.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aCall, mib } from '../support/fake-workers-pool.ts'

type Handler = (request: IncomingMessage & { body: string }, response: ServerResponse) => void

const opened: { server: Server; worker: HttpImageWorker; clock: FakeClock }[] = []
afterEach(async () => {
  for (const { server, worker, clock } of opened.splice(0)) {
    await worker.kill()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(clock.armed, 'timers left').toBe(0)
  }
})

/** `quietMs`: 0 waits for no late lines, which would need the clock to go on. */
async function start(handler: Handler, quietMs = 0) {
  const seen: { method: string; url: string; headers: Record<string, unknown>; body: string }[] = []
  const connections = new Set<number>()
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers, body })
    connections.add(request.socket.remotePort ?? 0)
    handler(Object.assign(request, { body }), response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const sandbox = new FakeSandbox()
  sandbox.onEnd = () => server.closeAllConnections()
  const clock = new FakeClock()
  const outside: string[] = []
  const onOther = (stream: string, text: string) => void outside.push(`${stream} ${text}`)
  const limits = { memoryBytes: 128 * mib, maxResultBytes: 1000, streamIdleMs: 2000, stopGraceMs: 0, quietMs }
  const worker = new HttpImageWorker(sandbox, { clock, ...limits, onOther })
  worker.ready({ host: '127.0.0.1', port })
  opened.push({ server, worker, clock })
  const call = (overrides: Partial<Call> = {}, timeoutMs = 5000) => worker.call(aCall(overrides), timeoutMs)
  return { seen, connections, server, sandbox, clock, worker, call, outside }
}

const json = (value: unknown) => ({ kind: 'json' as const, body: Buffer.from(JSON.stringify(value)) })
const until = async (condition: () => boolean) => {
  for (let turn = 0; turn < 10_000 && !condition(); turn++) await sleep(2)
  expect(condition(), 'it happens in time').toBe(true)
}

class Sink implements StreamSink {
  heads: HttpHead[] = []
  text = ''
  isFull = false
  head(head: HttpHead): void {
    this.heads.push(head)
  }
  write(chunk: Buffer): boolean {
    this.text += chunk.toString()
    return !this.isFull
  }
  drained(): Promise<void> {
    return new Promise(() => {})
  }
}

describe('a call that goes wrong', () => {
  test('ends at its deadline, and the image is ended', async () => {
    const { call, clock, worker, sandbox, seen } = await start(() => {})
    const outcome = call({}, 2000)
    await until(() => seen.length === 1)
    await clock.pass(2000)
    expect(await outcome).toMatchObject({ kind: 'timeout', error: { message: /2 s/ } })
    expect([worker.isEnding, sandbox.asked]).toEqual([true, ['kill']])
  })

  test('goes on past its deadline while its answer flows', async () => {
    const { call, clock } = await start((_request, response) => response.write('x'))
    const sink = new Sink()
    const outcome = call({ http: aRequestHead(), sink }, 1000)
    await until(() => sink.text === 'x')
    await clock.pass(1999)
    expect(await Promise.race([outcome, 'flows'])).toBe('flows')
    await clock.pass(1)
    expect(await outcome).toMatchObject({ kind: 'timeout' })
  })

  test('ends at its deadline also while its reader is slow', async () => {
    const { call, clock } = await start((_request, response) => response.write('x'.repeat(100)))
    const sink = new Sink()
    sink.isFull = true
    const outcome = call({ http: aRequestHead(), sink }, 2000)
    await until(() => sink.text !== '')
    await clock.pass(2000)
    expect(await outcome).toMatchObject({ kind: 'timeout' })
  })

  test('does not take the other calls of its worker along', async () => {
    const answers: (() => void)[] = []
    const { call, clock, sandbox, seen } = await start((_request, response) => answers.push(() => response.end('ok')))
    const [late, other] = [call({}, 2000), call({}, 9000)]
    await until(() => seen.length === 2)
    await clock.pass(2000)
    expect(await late).toMatchObject({ kind: 'timeout' })
    expect(sandbox.asked).toEqual([])
    for (const answer of answers) answer()
    expect(await other).toMatchObject({ kind: 'returned' })
    expect(sandbox.asked).toEqual(['kill'])
  })

  test.each([
    [{ code: 1, memoryExceeded: false }, 'FunctionExit'],
    [{ code: 137, memoryExceeded: true }, 'MemoryExceeded'],
  ])('because the image ended with %j is %s', async (exit, type) => {
    const { call, sandbox, worker } = await start(() => sandbox.end(exit))
    expect(await call()).toMatchObject({ kind: 'killed', error: { type } })
    expect(worker.isEnding).toBe(true)
  })

  test('because the image ended waits for what that printed before, however late the engine tells it', async () => {
    const { call, sandbox, worker } = await start(() => sandbox.end({ code: 3, memoryExceeded: false }))
    const told = Promise.withResolvers<void>()
    sandbox.printed = told.promise
    let log = ''
    const onLog = (_stream: string, text: string) => {
      log += text
    }
    const ended = call({ onLog })
    await until(() => worker.isEnding)
    worker.print('stdout', 'last words\n')
    told.resolve()
    expect(await ended).toMatchObject({ kind: 'killed' })
    expect(log).toBe('last words\n')
  })

  test('because the server ends it is the platform’s fault', async () => {
    const { call, worker, seen } = await start(() => {})
    const outcome = call()
    await until(() => seen.length === 1)
    await worker.kill()
    expect(await outcome).toMatchObject({ kind: 'platform' })
  })

  test('because the image closed the connection is its own fault', async () => {
    const { call, clock } = await start((incoming) => incoming.socket.destroy())
    const outcome = call()
    await sleep(50)
    await clock.pass(3000)
    expect(await outcome).toMatchObject({ kind: 'raised', error: { type: 'HttpError', message: /closed/ } })
  })

  test('because the answer breaks off is its own fault', async () => {
    const { call, clock } = await start((incoming, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setTimeout(() => incoming.socket.destroy(), 20)
    })
    const outcome = call()
    await sleep(100)
    await clock.pass(3000)
    expect(await outcome).toMatchObject({ kind: 'raised', error: { type: 'HttpError' } })
  })

  test('because its caller went away ends at once', async () => {
    const { call, seen } = await start(() => {})
    const gone = new AbortController()
    const outcome = call({ signal: gone.signal })
    await until(() => seen.length === 1)
    gone.abort()
    expect(await outcome).toMatchObject({ kind: 'raised', error: { message: /caller/ } })
  })

  test('with more than may be kept is ResultTooLarge, at once', async () => {
    const { call } = await start((_request, response) => response.end('x'.repeat(1001)))
    expect(await call()).toMatchObject({ kind: 'raised', error: { type: 'ResultTooLarge' } })
  })

  test('with as much as may be kept is fine', async () => {
    const { call } = await start((_request, response) => response.end('x'.repeat(1000)))
    expect(await call()).toMatchObject({ kind: 'returned' })
  })

  test.each([500, 503, 599])('with an event that the image answers by %i is raised', async (status) => {
    const { call } = await start((_request, response) => response.writeHead(status).end('oops'))
    expect(await call()).toMatchObject({
      kind: 'raised',
      error: { type: 'HttpError', message: new RegExp(`${status}`) },
    })
  })
})

describe('an event', () => {
  test('is posted, with its type, its length and the id of its execution', async () => {
    const { call, seen } = await start((_request, response) => response.end())
    await call({ executionId: 'e-7', input: json({ a: 'ü' }) })
    expect(seen).toMatchObject([
      {
        method: 'POST',
        url: '/',
        body: '{"a":"ü"}',
        headers: {
          'content-type': 'application/json',
          'content-length': '10',
          'x-execution-id': 'e-7',
          host: 'localhost',
        },
      },
    ])
  })

  test.each([
    ['text', 'text/plain; charset=utf-8'],
    ['bytes', 'application/octet-stream'],
    ['none', undefined],
  ] as const)('of %s is posted as %s', async (kind, type) => {
    const { call, seen } = await start((_request, response) => response.end())
    await call({ input: { kind, body: Buffer.alloc(0) } })
    expect(seen[0]?.headers['content-type']).toBe(type)
    expect(seen[0]?.headers['content-length']).toBe('0')
  })

  test.each([
    ['application/json', 'json'],
    ['application/json; charset=utf-8', 'json'],
    ['text/html', 'text'],
    ['application/octet-stream', 'bytes'],
  ])('that is answered with %s returns %s', async (type, kind) => {
    const { call } = await start((_request, response) => response.setHeader('content-type', type).end('{"b":2}'))
    const outcome = await call()
    expect(outcome).toMatchObject({ kind: 'returned', value: { kind, body: Buffer.from('{"b":2}') } })
    expect('http' in (outcome as { value: object }).value, 'its head is nobody’s').toBe(false)
  })

  test('that is answered with a client’s error still returns', async () => {
    const { call } = await start((_request, response) => response.writeHead(404).end('no'))
    expect(await call()).toMatchObject({ kind: 'returned' })
  })
})

describe('a request', () => {
  test('reaches the image as it is', async () => {
    const { call, seen } = await start((_request, response) => response.end())
    const headers: [string, string][] = [
      ['host', 'example.test'],
      ['x-a', '1'],
      ['content-type', 'text/csv'],
    ]
    const http = aRequestHead({ method: 'PATCH', target: '/a/b?c=1&d', headers })
    await call({ http, input: { kind: 'bytes', body: Buffer.from('x,y') } })
    expect(seen).toMatchObject([
      {
        method: 'PATCH',
        url: '/a/b?c=1&d',
        body: 'x,y',
        headers: { host: 'example.test', 'x-a': '1', 'content-type': 'text/csv', 'content-length': '3' },
      },
    ])
  })

  test('says nothing of how its caller sent it', async () => {
    const { call, seen } = await start((_request, response) => response.end())
    const headers: [string, string][] = [
      ['content-length', '999'],
      ['transfer-encoding', 'chunked'],
      ['connection', 'close'],
      ['expect', '100-continue'],
      ['x-execution-id', 'forged'],
    ]
    await call({ executionId: 'e-1', http: aRequestHead({ method: 'POST', headers }), input: json(1) })
    expect(seen[0]?.headers).toMatchObject({ 'content-length': '1', 'x-execution-id': 'e-1' })
    expect(seen[0]?.headers).not.toHaveProperty('expect')
    expect(seen[0]?.headers).not.toHaveProperty('transfer-encoding')
  })

  test('without a body has no length', async () => {
    const { call, seen } = await start((_request, response) => response.end())
    await call({ http: aRequestHead(), input: { kind: 'none', body: Buffer.alloc(0) } })
    expect(seen[0]?.headers).not.toHaveProperty('content-length')
  })

  test('is answered with status, headers and body', async () => {
    const { call } = await start((_request, response) => {
      response.writeHead(418, [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Content-Type', 'text/plain'],
      ])
      response.end('teapot')
    })
    const outcome = await call({ http: aRequestHead() })
    expect(outcome).toMatchObject({ kind: 'returned', value: { kind: 'text', body: Buffer.from('teapot') } })
    const { status, headers } = (outcome as { value: { http: HttpHead } }).value.http
    expect(status).toBe(418)
    expect(headers).toEqual(
      expect.arrayContaining([
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]),
    )
  })

  test('with a sink is answered as it comes', async () => {
    const hasSeen = Promise.withResolvers<void>()
    const { call } = await start(async (_request, response) => {
      response.writeHead(202).write('one ')
      await hasSeen.promise
      response.end('two')
    })
    const sink = new Sink()
    const outcome = call({ http: aRequestHead(), sink })
    await until(() => sink.text === 'one ')
    hasSeen.resolve()
    expect(await outcome).toMatchObject({ kind: 'streamed', status: 202 })
    expect([sink.text, sink.heads[0]?.status]).toEqual(['one two', 202])
  })
})

describe('a worker', () => {
  test('keeps its connection between calls', async () => {
    const { call, connections } = await start((_request, response) => response.end())
    for (let n = 0; n < 5; n++) await call()
    expect(connections.size).toBe(1)
  })

  test('closes a connection that was idle before the image would', async () => {
    const { call, connections } = await start((_request, response) => response.end())
    await call()
    await sleep(1200)
    await call()
    expect(connections.size).toBe(2)
  })

  test('passes what the image prints to the calls under way', async () => {
    const { call, worker, seen, outside } = await start(() => {})
    const printed: string[] = []
    worker.print('stdout', 'before')
    const outcome = call({ onLog: (stream, text) => printed.push(`${stream} ${text}`) })
    await until(() => seen.length === 1)
    worker.print('stdout', 'now')
    worker.print('stderr', 'too')
    await worker.kill()
    await outcome
    worker.print('stdout', 'after')
    expect(printed).toEqual(['stdout now', 'stderr too'])
    expect(outside, 'none is lost').toEqual(['stdout before', 'stdout after'])
  })

  test('waits for the lines of an image, of its first call too: they come by another way than the answer', async () => {
    const { call, worker, clock } = await start((_request, response) => response.end('answered'), defaultQuietMs)
    const printed: string[] = []
    let isOver = false
    const outcome = call({ onLog: (_, text) => printed.push(text) }).finally(() => {
      isOver = true
    })
    await until(() => clock.armed === 2)
    worker.print('stdout', 'late')
    await sleep(20)
    expect(isOver).toBe(false)
    await clock.pass(200)
    expect(await outcome).toMatchObject({ kind: 'returned' })
    expect(printed).toEqual(['late'])
  })

  describe('with marks behind what it prints', () => {
    /** What it prints is on its way until it arrives, in order. */
    async function marked(handler: Handler) {
      const parts = await start(handler, defaultQuietMs)
      const onTheWay: [stream: 'stdout' | 'stderr', text: string][] = []
      const arrive = () => {
        for (const [stream, text] of onTheWay.splice(0)) parts.worker.print(stream, text)
      }
      const put = (stream: 'stdout' | 'stderr', text: string) => onTheWay.push([stream, text]) > 0
      parts.worker.markWith({ put, close() {} })
      arrive()
      return { ...parts, onTheWay, arrive, say: (text: string) => void onTheWay.push(['stdout', text]) }
    }

    test('a call has all that was printed before it was answered, however late that comes, and nothing else', async () => {
      const { call, arrive, say, outside, onTheWay } = await marked((request, response) => {
        say(`of ${request.url}\n`)
        response.end('answered', () => say(`after ${request.url}\n`))
      })
      const logs: string[] = []
      for (const target of ['/1', '/2']) {
        let log = ''
        let isOver = false
        const onLog = (_: string, text: string) => {
          log += text
        }
        const outcome = call({ http: aRequestHead({ target }), onLog }).finally(() => {
          isOver = true
        })
        // The marks of this call: two at its begin and two at its end.
        await until(() => onTheWay.filter(([, text]) => text.startsWith('\0')).length === 4)
        await sleep(20)
        expect(isOver, 'it waits').toBe(false)
        arrive()
        expect(await outcome).toMatchObject({ kind: 'returned' })
        logs.push(log.replace(/after .*\n/, ''))
      }
      expect(logs).toEqual(['of /1\n', 'of /2\n'])
      expect(outside.join('')).not.toContain('of /')
    })

    test('what is on the way when a call begins is not of that call', async () => {
      const { call, arrive, say, outside, onTheWay } = await marked((_request, response) => response.end('answered'))
      say('between\n')
      const log: string[] = []
      const outcome = call({ onLog: (_, text) => log.push(text) })
      await until(() => onTheWay.length === 5)
      arrive()
      await outcome
      expect(log).toEqual([])
      expect(outside).toEqual(['stdout between\n'])
    })

    test('a mark that stays away is not waited for beyond a second', async () => {
      const { call, clock, onTheWay } = await marked((_request, response) => response.end('answered'))
      const outcome = call()
      await until(() => onTheWay.length === 4)
      await clock.pass(1000)
      expect(await outcome).toMatchObject({ kind: 'returned' })
    })

    test('after one that stayed away none are put until one has come back: an image may read them itself', async () => {
      const { call, clock, onTheWay, arrive } = await marked((_request, response) => response.end('answered'))
      const lost = call()
      await until(() => onTheWay.length === 4)
      await clock.pass(1000)
      await lost
      let isOver = false
      const next = call().finally(() => {
        isOver = true
      })
      for (let n = 0; n < 100 && !isOver; n++) {
        await sleep(5)
        await clock.pass(defaultQuietMs)
      }
      expect(await next).toMatchObject({ kind: 'returned' })
      expect(onTheWay, 'those of the first call, and the one that is looked for').toHaveLength(6)
      arrive()
      const again = call()
      await until(() => onTheWay.length === 4)
      arrive()
      expect(await again).toMatchObject({ kind: 'returned' })
    })
  })

  test('waits for what it printed of a failure, also when it was silent for long', async () => {
    let status = 200
    const { call, worker, clock } = await start((_request, response) => {
      response.writeHead(status).end('answered')
    }, defaultQuietMs)
    for (let n = 0; n < 10; n++) {
      const outcome = call()
      await until(() => clock.armed === 2)
      await clock.pass(defaultQuietMs)
      await outcome
    }
    status = 500
    const printed: string[] = []
    const outcome = call({ onLog: (_, text) => printed.push(text) })
    await until(() => clock.armed === 2)
    worker.print('stderr', 'why')
    await clock.pass(200)
    await outcome
    expect(printed).toEqual(['why'])
  })

  test('does not wait for one that has printed nothing for ten calls', async () => {
    const { call, clock } = await start((_request, response) => response.end('answered'), defaultQuietMs)
    for (let n = 0; n < 10; n++) {
      const outcome = call()
      await until(() => clock.armed === 2)
      await clock.pass(defaultQuietMs)
      await outcome
    }
    expect(await call()).toMatchObject({ kind: 'returned' })
  })

  test('is bound from the start', async () => {
    const { worker } = await start(() => {})
    await expect(worker.bind()).rejects.toMatchObject({ code: 'internal' })
  })

  test('that has ended takes no more calls', async () => {
    const { worker, sandbox } = await start(() => {})
    sandbox.end({ code: 0, memoryExceeded: false })
    await worker.gone
    expect(worker.isEnding).toBe(true)
  })
})

describe('targets to which it is closed', () => {
  test('are answered with 404, and the image does not see them', async () => {
    const { seen, worker, call } = await start((_request, response) => response.end('of the image'))
    worker.closeTo(isOfEnvironment)
    const asked = async (target: string) => {
      const outcome = await call({ http: aRequestHead({ method: 'POST', target }) })
      return outcome.kind === 'returned' ? outcome.value.http?.status : outcome.kind
    }
    for (const target of ['/specialize', '/v2/specialize', '/V2//Specialize/?a=1', '/a/../v2/specialize']) {
      expect(await asked(target), target).toBe(404)
    }
    for (const target of ['/v2%2Fspecialize', '/v2/%73pecialize', '/v2/specialize;a=1', '/v2/specialize#a']) {
      expect(await asked(target), target).toBe(404)
    }
    for (const target of ['/', '/specialize/it', '/v2', '/a/v2/specialize', '/?a=/specialize', '/%']) {
      expect(await asked(target), target).toBe(200)
    }
    expect(seen).toHaveLength(6)
  })
})
