/** The client of the engine's API, over an engine that sends it elsewhere, breaks off and talks nonsense. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engineAddress } from '../../src/engine/api/engine-address.ts'
import { EngineApi } from '../../src/engine/api/engine-api.ts'
import { AttachedOutput } from '../../src/engine/sandbox/container/attached-output.ts'
import { connectDocker } from '../../src/engine/sandbox/docker/docker-client.ts'

let answer: (request: IncomingMessage, response: ServerResponse) => void
let asked: string[]
let server: Server
let host: string
let api: EngineApi

beforeEach(async () => {
  asked = []
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  host = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  api = new EngineApi(host)
})
afterEach(async () => {
  api.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

describe('a question to the engine', () => {
  test('that is answered with a redirect is refused, and nobody else is asked', async () => {
    const elsewhere: string[] = []
    const trap = createServer((request, response) => {
      elsewhere.push(request.url ?? '')
      response.end('{}')
    })
    await once(trap.listen(0, '127.0.0.1'), 'listening')
    const { port } = trap.address() as AddressInfo
    answer = (_request, response) => response.writeHead(301, { location: `http://127.0.0.1:${port}/x` }).end()
    await expect(api.ask('GET', '/images/a/json')).rejects.toMatchObject({ status: 301 })
    await expect(api.stream('GET', '/events')).rejects.toMatchObject({ status: 301 })
    await sleep(50)
    expect(elsewhere).toEqual([])
    trap.close()
  })

  test.each([
    ['breaks off before the answer', (_: IncomingMessage, response: ServerResponse) => response.destroy()],
    [
      'breaks off within the answer',
      (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"a"')
        setTimeout(() => response.destroy(), 20)
      },
    ],
    ['is answered with no JSON', (_: IncomingMessage, response: ServerResponse) => response.end('<html>')],
    ['is no HTTP', (_: IncomingMessage, response: ServerResponse) => response.socket?.end('nonsense\r\n\r\n')],
  ])('that %s is an error of that question, and of nothing else', async (_what, behave) => {
    answer = behave as typeof answer
    await expect(api.ask('GET', '/version')).rejects.toBeInstanceOf(Error)
    answer = (_request, response) => response.end('{"Version":"1"}')
    expect(await api.ask('GET', '/version')).toEqual({ Version: '1' })
  })

  test('that is refused says the sentence of the engine', async () => {
    answer = (_request, response) => response.writeHead(409).end('{"message":"is already paused"}')
    await expect(api.ask('POST', '/x')).rejects.toMatchObject({ status: 409, message: 'is already paused' })
  })

  test('sends what it is given, and nothing is null', async () => {
    let body = ''
    answer = async (request, response) => {
      for await (const chunk of request) body += chunk
      response.writeHead(204).end()
    }
    expect(await api.ask('POST', '/containers/create', { name: 'a b&c' }, { Image: 'x' })).toBeNull()
    expect(asked).toEqual(['POST /containers/create?name=a+b%26c'])
    expect(JSON.parse(body)).toEqual({ Image: 'x' })
  })
})

describe('a stream of the engine', () => {
  test('that breaks ends, also when nobody reads it', async () => {
    answer = (_request, response) => {
      response.writeHead(200).write('x')
      setTimeout(() => response.socket?.resetAndDestroy(), 20)
    }
    const unread = await api.stream('GET', '/events')
    const read = await api.stream('GET', '/events')
    read.resume()
    await new Promise((resolve) => read.once('close', resolve))
    expect([read.destroyed, unread.isPaused()]).toEqual([true, false])
  })
})

describe('the engine', () => {
  const version = (response: ServerResponse) => response.end('{"Version":"20.10"}')

  test('is not asked for what is not a name of an image', async () => {
    answer = (_request, response) => version(response)
    const docker = await connectDocker(host)
    for (const image of ['..%2f127.0.0.1:9%2fx', '../x', 'a?b', '']) {
      await expect(docker.images.has(image)).rejects.toMatchObject({ code: 'engine_failed', message: /not a name of/ })
      await expect(docker.images.pull(image)).rejects.toMatchObject({ code: 'engine_failed', message: /not a name of/ })
      await expect(docker.containers.create({ name: 'w', Image: image, HostConfig: {} as never })).rejects.toThrow(
        /not a name of/,
      )
    }
    expect(asked).toEqual(['GET /version'])
    docker.close()
  })

  test('that sends lines that are none of events is listened to nevertheless', async () => {
    answer = (request, response) => {
      if (request.url === '/version') return version(response)
      response.write('nonsense\n\n[1]\n"text"\n{"Action":1}\n{"Action":"die","Actor":{"ID":"c1"}}\n')
    }
    const docker = await connectDocker(host)
    const events: string[] = []
    const stop = await docker.events(
      'label',
      ({ action, id }) => events.push(`${action} ${id}`),
      () => {},
    )
    await sleep(50)
    expect(events.at(-1)).toBe('die c1')
    stop()
    docker.close()
  })

  test.each([
    ['with a sentence', '{"status":"Pulling"}\n{"error":"no space left"}\n', /could not be pulled/],
    ['by breaking off', null, /could not be pulled/],
  ])('that fails to pull an image %s says so', async (_how, text, message) => {
    answer = (request, response) => {
      if (request.url === '/version') return version(response)
      if (text !== null) return response.end(text)
      response.write('{"status":"Pulling"}\n')
      setTimeout(() => response.destroy(), 20)
    }
    const docker = await connectDocker(host)
    await expect(docker.images.pull('alpine')).rejects.toMatchObject({ code: 'engine_failed', message })
    expect(asked.at(-1)).toBe('POST /images/create?fromImage=alpine&tag=latest')
    docker.close()
  })
})

describe('the address of an engine', () => {
  test.each(['ftp://x', 'nonsense', '/var/run/docker.sock'])('%s is none', (text) => {
    expect(() => engineAddress(text)).toThrow(/is not an address of an engine/)
  })

  test.each([
    [undefined, { protocol: 'http', options: { socketPath: '/var/run/docker.sock' } }],
    ['unix:///run/x.sock', { protocol: 'http', options: { socketPath: '/run/x.sock' } }],
    ['tcp://10.0.0.1', { protocol: 'http', options: { host: '10.0.0.1', port: '2375' } }],
    ['tcp://[::1]:2375', { protocol: 'http', options: { host: '::1', port: '2375' } }],
    ['tcp://h:2376', { protocol: 'https', options: { host: 'h', port: '2376' } }],
    ['https://h', { protocol: 'https', options: { host: 'h', port: '2376' } }],
    ['ssh://me@h:22', { protocol: 'http', options: { host: 'engine', createConnection: expect.any(Function) } }],
  ])('%s is understood', (text, expected) => {
    expect(engineAddress(text)).toEqual(expected)
  })
})

test('output comes out as it went in, however it was cut', () => {
  const piece = fc.record({ stream: fc.constantFrom('stdout', 'stderr'), text: fc.string({ unit: 'grapheme' }) })
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 30 })), (pieces, cuts) => {
      const got = { stdout: '', stderr: '' }
      const output = new AttachedOutput((stream, text) => {
        got[stream] += text
      })
      let bytes = Buffer.concat(pieces.map(({ stream, text }) => framed(stream, Buffer.from(text))))
      for (const cut of cuts) {
        output.push(bytes.subarray(0, cut))
        bytes = bytes.subarray(cut)
      }
      output.push(bytes)
      output.end()
      const sent = (name: string) =>
        pieces
          .filter(({ stream }) => stream === name)
          .map(({ text }) => Buffer.from(text).toString())
          .join('')
      expect(got).toEqual({ stdout: sent('stdout'), stderr: sent('stderr') })
    }),
  )
})

function framed(stream: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head[0] = stream === 'stdout' ? 1 : 2
  head.writeUInt32BE(body.length, 4)
  return Buffer.concat([head, body])
}
