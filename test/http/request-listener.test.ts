import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseMultipart } from '../../src/http/connection/multipart.ts'
import { cpuMsOf } from '../support/cpu-time.ts'
import { returned } from '../support/fake-pool.ts'
import { listening, rawAnswer } from '../support/listening.ts'
import { waitUntil } from '../support/wait-until.ts'

/** What stands in front of every route: who sends, from where, how much, and how an answer ends. */

const alice = 'X-Auth-Token: token-of-alice'
const ask = (port: number, first: string, ...lines: string[]) =>
  rawAnswer(port, [`${first} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...lines, '', ''].join('\r\n'))
const statusOf = (answer: string): number => Number(answer.split(' ')[1])
const faultOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

describe('two headers of one token', () => {
  test.each([
    ['GET /v1/runtimes', alice, 'X-Auth-Token: token-of-bob'],
    ['GET /v1/runtimes', 'Authorization: Bearer token-of-alice', 'Authorization: Bearer token-of-bob'],
    ['GET /fn/hello', alice, alice],
    ['GET /fn/hello', 'Authorization: Bearer token-of-alice', 'Authorization: Bearer token-of-alice'],
    ['POST /v1/executions', alice, 'X-Auth-Token: token-of-bob'],
  ])('%s with %s and %s is refused, on whatever way', async (first, ...lines) => {
    const { port } = await listening()
    const answer = await ask(port, first, ...lines)
    expect([statusOf(answer), faultOf(answer).code]).toEqual([400, 'invalid_request'])
  })
})

describe('Authorization', () => {
  const seen = async (...lines: string[]) => {
    const { app, port } = await listening({ signature: 'http' })
    await ask(port, 'GET /fn/hello', ...lines)
    return app.pool.calls[0]?.call.http?.headers.find(([name]) => name === 'authorization')?.[1]
  }

  test.each([
    ['the token that let the caller in', ['Authorization: Bearer token-of-alice']],
    ['the same beside X-Auth-Token', [alice, 'Authorization: Bearer token-of-alice']],
    ['another token of ours', [alice, 'Authorization: Bearer tb_0123456789']],
  ])('is not passed on: %s', async (_name, lines) => {
    expect(await seen(...lines)).toBeUndefined()
  })

  test.each(['Basic YTpi', 'Bearer of.the.application'])('is the function’s: %s', async (value) => {
    expect(await seen(alice, `Authorization: ${value}`)).toBe(value)
  })
})

describe('refusals of Node.js itself have the API’s format', () => {
  test.each([
    ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
    ['nonsense\r\n\r\n', 400, 'invalid_request'],
    ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n', 400, 'invalid_request'],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: magic\r\n\r\n', 417, 'invalid_request'],
  ])('%.30s', async (sent, status, code) => {
    const { port } = await listening()
    const answer = await rawAnswer(port, sent)
    expect(statusOf(answer)).toBe(status)
    expect(answer.toLowerCase()).toContain('content-type: application/json')
    expect(faultOf(answer)).toMatchObject({ faultcode: 'Client', debuginfo: null, code })
  })

  test('a request that is not received completely in time', async () => {
    const { port } = await listening({ bodyTimeoutMs: 300 })
    const answer = await rawAnswer(
      port,
      `POST /fn/hello HTTP/1.1\r\nHost: a\r\n${alice}\r\nContent-Length: 100\r\n\r\n{`,
    )
    expect([statusOf(answer), faultOf(answer).code]).toEqual([408, 'request_timeout'])
  })
})

describe('bodies that are being received', () => {
  const hold = (port: number, path: string, bytes: number, ...lines: string[]) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => {})
    const head = [`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${bytes + 1}`, ...lines, '', ''].join('\r\n')
    socket.write(head + 'x'.repeat(bytes))
    return { socket, answer: () => text }
  }

  test('to a webhook that does not exist are not read', async () => {
    const { port } = await listening()
    const { answer } = hold(port, '/v1/webhooks/0190a000-0000-7000-8000-00000000dead/invoke', 200_000)
    await expect.poll(() => statusOf(answer()), { timeout: 60_000 }).toBe(404)
  })

  test('to a function that does not exist are not read', async () => {
    const { port } = await listening()
    const { answer } = hold(port, '/fn/nobody', 200_000, alice)
    await expect.poll(() => statusOf(answer()), { timeout: 60_000 }).toBe(404)
  })

  test('have a common limit; authenticated callers may use more of it, and finished requests free it', async () => {
    const { app, url, port } = await listening({ settings: { maxBodiesBytes: 800_000 } })
    const json = { 'X-Auth-Token': 'token-of-alice', 'Content-Type': 'application/json' }
    const made = await fetch(`${url}/v1/webhooks`, { method: 'POST', headers: json, body: '{"function_id":"hello"}' })
    const { pathname } = new URL(((await made.json()) as { webhook_url: string }).webhook_url)
    const strangers = [hold(port, pathname, 150_000), hold(port, pathname, 150_000)]
    const refusedStrangers = () => strangers.filter(({ answer }) => statusOf(answer()) === 503)
    await waitUntil('a stranger is refused', () => refusedStrangers().length > 0)
    expect(refusedStrangers()).toHaveLength(1)
    const known = Array.from({ length: 4 }, () => hold(port, '/fn/hello', 200_000, alice))
    const refused = await waitUntil('one is refused', () => {
      const found = known.filter(({ answer }) => statusOf(answer()) === 503)
      return found.length > 0 && found
    })
    expect(refused[0]?.answer()).toMatch(/retry-after: 1/i)
    for (const { socket } of [...strangers, ...known]) socket.destroy()
    await waitUntil('nothing is held', () => app.parts.bodies.heldBytes === 0)
  })
})

describe('forms', () => {
  test('with very many fields are refused at once', async () => {
    const { url } = await listening()
    const json = { 'X-Auth-Token': 'token-of-alice', 'Content-Type': 'application/json' }
    const made = await fetch(`${url}/v1/webhooks`, { method: 'POST', headers: json, body: '{"function_id":"hello"}' })
    const { webhook_url } = (await made.json()) as { webhook_url: string }
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const took = await cpuMsOf(async () => {
      const answer = await fetch(webhook_url, { method: 'POST', headers, body: 'k=1&'.repeat(60_000) })
      expect(answer.status).toBe(400)
    })
    expect(took).toBeLessThan(1000)
  })

  test('in parts whose headers never end are refused, in linear time', async () => {
    const long = `--b\r\ncontent-disposition: form-data${'; x'.repeat(2_000_000)}; name="a"\r\n\r\n1\r\n--b--`
    const took = await cpuMsOf(() =>
      expect(() => parseMultipart(Buffer.from(long), 'multipart/form-data; boundary=b')).toThrow('longer than 8192'),
    )
    expect(took).toBeLessThan(500)
  })
})

describe('JSON stays unchanged', () => {
  const input = async (path: string, body: string | Buffer, headers: Record<string, string> = {}) => {
    const { app, url } = await listening()
    const json = { 'X-Auth-Token': 'token-of-alice', 'Content-Type': 'application/json' }
    const made = await fetch(`${url}/v1/webhooks`, { method: 'POST', headers: json, body: '{"function_id":"hello"}' })
    const { webhook_url } = (await made.json()) as { webhook_url: string }
    const target = path.startsWith('?') ? webhook_url + path : url + path
    const answer = await fetch(target, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: new Uint8Array(Buffer.from(body)),
    })
    await answer.text()
    await new Promise((resolve) => setTimeout(resolve, 20))
    return [...app.ledger.rows.values()][0]?.input
  }

  test.each([
    ['?q=1', '{"z":12345678901234567890,"a":1.0,"1":2}', '{"q":"1","z":12345678901234567890,"a":1.0,"1":2}'],
    ['?z=1', ' {"z":1e400 } ', '{"z":1e400 }'],
    ['?q=1', '{}', '{"q":"1"}'],
    ['?', '\ufeff{"a":1}', '{"a":1}'],
    ['/fn/hello', '\ufeff{"b":12345678901234567890,"a":1}', '{"b":12345678901234567890,"a":1}'],
  ])('%s %s', async (path, body, kept) => {
    expect(await input(path, body)).toBe(kept)
  })

  test('also when it was compressed', async () => {
    const packed = gzipSync('{"a":1}')
    expect(await input('/fn/hello', packed, { 'Content-Encoding': 'gzip' })).toBe('{"a":1}')
    expect(await input('?', packed, { 'Content-Encoding': 'gzip' })).toBe('{"a":1}')
  })

  test('but not above the limit, nor with an unknown compression', async () => {
    const { url } = await listening()
    const send = async (body: Buffer, encoding: string) => {
      const headers = { 'X-Auth-Token': 'token-of-alice', 'Content-Encoding': encoding }
      return (await fetch(`${url}/fn/hello`, { method: 'POST', headers, body: new Uint8Array(body) })).status
    }
    expect(await send(gzipSync(Buffer.alloc(1_000_000)), 'gzip')).toBe(413)
    expect(await send(Buffer.from('{}'), 'gzip')).toBe(400)
    expect(await send(Buffer.from('{}'), 'lzma')).toBe(415)
  })
})

describe('bytes stay bytes', () => {
  test.each([
    ['text/plain; charset=iso-8859-1', Buffer.from('gr\xfcn', 'latin1')],
    ['application/x-www-form-urlencoded', Buffer.from([0x81, 0xa1, 0x61, 1])],
    ['application/json', Buffer.from('{"a":"\xe4"}', 'latin1')],
    ['text/plain; charset=utf-16', Buffer.from('hi', 'utf16le')],
  ])('%s', async (type, body) => {
    const { app, url } = await listening()
    const headers = { 'X-Auth-Token': 'token-of-alice', 'Content-Type': type }
    await fetch(`${url}/fn/hello`, { method: 'POST', headers, body: new Uint8Array(body) })
    expect(app.pool.calls[0]?.call.input).toMatchObject({ kind: 'bytes', body })
  })
})

describe('lengths of responses without a body', () => {
  const lengthOf = async (method: string, status: number, headers: [string, string][], body = '') => {
    const { app, port } = await listening({ signature: 'http' })
    app.pool.behaviour = () => ({
      ...returned(null),
      kind: 'returned',
      value: { kind: 'bytes', body: Buffer.from(body), http: { status, headers } },
    })
    const answer = await ask(port, `${method} /fn/hello`, alice)
    return [statusOf(answer), /content-length: (\d+)/i.exec(answer)?.[1] ?? null, /transfer-encoding/i.test(answer)]
  }

  test.each<[string, number, [string, string][], string, string | null]>([
    ['GET', 200, [], 'hello', '5'],
    ['GET', 200, [['content-length', '9']], 'hello', '5'],
    ['HEAD', 200, [['content-length', '5']], '', '5'],
    ['HEAD', 200, [], '', null],
    ['HEAD', 200, [], 'hello', '5'],
    ['GET', 304, [['content-length', '5']], '', '5'],
    ['GET', 304, [], '', null],
    ['GET', 204, [['content-length', '0']], '', null],
    ['GET', 204, [], 'hello', null],
  ])('%s %i %j %j', async (method, status, headers, body, length) => {
    expect(await lengthOf(method, status, headers, body)).toEqual([status, length, false])
  })

  test('streamed ones too', async () => {
    const { app, port } = await listening({ signature: 'http' })
    const streams = (status: number) => {
      app.pool.behaviour = (call) => {
        call.sink?.head({ status, headers: [['content-length', '7']] })
        return { kind: 'streamed', status, runMs: 1, cpuMs: null, memoryPeakMb: null }
      }
    }
    for (const [method, status, length] of [
      ['HEAD', 200, '7'],
      ['GET', 304, '7'],
      ['GET', 204, null],
    ] as const) {
      streams(status)
      const answer = await ask(port, `${method} /fn/hello`, alice)
      expect([statusOf(answer), /content-length: (\d+)/i.exec(answer)?.[1] ?? null]).toEqual([status, length])
    }
  })
})

test('browsers must not guess the type of functions’ responses, unless a function allows it', async () => {
  const { app, url } = await listening({ signature: 'http' })
  const headers = { 'X-Auth-Token': 'token-of-alice' }
  expect((await fetch(`${url}/fn/hello`, { headers })).headers.get('X-Content-Type-Options')).toBe('nosniff')
  app.pool.behaviour = () => ({
    ...returned(null),
    kind: 'returned',
    value: {
      kind: 'bytes',
      body: Buffer.from(''),
      http: { status: 200, headers: [['x-content-type-options', 'none']] },
    },
  })
  expect((await fetch(`${url}/fn/hello`, { headers })).headers.get('X-Content-Type-Options')).toBe('none')
})

describe('the address of a request', () => {
  test.each([
    ['a target that is no path', ['OPTIONS * HTTP/1.1', 'Host: localhost']],
    ['another scheme', ['GET ftp://localhost/v1/functions HTTP/1.1', 'Host: localhost']],
    ['a URL that cannot be read', ['GET http://[::1/v1/functions HTTP/1.1', 'Host: localhost']],
    ['a backslash', ['GET /v1\\functions HTTP/1.1', 'Host: localhost']],
    ['a host that is none', ['GET /v1/functions HTTP/1.1', 'Host: a b']],
    ['two hosts', ['GET /v1/functions HTTP/1.1', 'Host: localhost', 'host: evil.example']],
    ['two hosts of a call', ['GET /fn/hello HTTP/1.1', 'Host: localhost', 'Host: localhost']],
  ])('is refused with a sentence: %s', async (_what, lines) => {
    const { port } = await listening()
    const answer = await rawAnswer(port, [...lines, alice, 'Connection: close', '', ''].join('\r\n'))
    expect([statusOf(answer), faultOf(answer).code]).toEqual([400, 'invalid_request'])
  })
})

test('the URL of a webhook is not derived from a forged Host header', async () => {
  const { port } = await listening()
  const urlFor = async (host: string) => {
    const body = '{"function_id":"hello"}'
    const lines = [
      'POST /v1/webhooks HTTP/1.1',
      `Host: ${host}`,
      alice,
      'Connection: close',
      `Content-Length: ${body.length}`,
    ]
    return faultOf(await rawAnswer(port, [...lines, '', body].join('\r\n'))).webhook_url as string
  }
  expect(await urlFor('evil.example')).toMatch(new RegExp(`^http://127.0.0.1:${port}/v1/webhooks/`))
  expect(await urlFor(`localhost:${port}`)).toMatch(new RegExp(`^http://localhost:${port}/v1/webhooks/`))
})
