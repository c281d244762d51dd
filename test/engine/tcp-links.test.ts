/** Workers that call: who gets in, and how code comes to them. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { codePieces, pieceBytes } from '../../src/engine/worker/code-pieces.ts'
import type { WorkerLink } from '../../src/engine/worker/link.ts'
import { makeLinkCertificate } from '../../src/engine/worker/link-certificate.ts'
import { encodeFrame, FrameType } from '../../src/engine/worker/protocol.ts'
import { TcpLinks } from '../../src/engine/worker/tcp-links.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { waitUntil } from '../support/wait-until.ts'

let links: TcpLinks
let port = 0
let clock: FakeClock
const made: WorkerLink[] = []
const sockets: Socket[] = []

beforeEach(async () => {
  clock = new FakeClock()
  const listening = async (ports: number[]) => {
    port = ports[0] ?? 0
  }
  const callers = { listenOn: [{ host: '127.0.0.1', port: 0 }], staysHere: true, isEncrypted: false, listening }
  links = await TcpLinks.open({ inside: () => '/taibai', secretsFolder: () => '/run/secrets' }, callers, clock)
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const link of made.splice(0)) await link.remove()
  await links.close()
  await waitUntil('no timer is left', () => clock.armed === 0)
})

async function make(worker = 'w1'): Promise<{ link: WorkerLink; key: string }> {
  const link = await links.make(worker)
  made.push(link)
  return { link, key: link.given.key ?? '' }
}

/** The first message of a shim, or of somebody else. */
function dial(bytes: Buffer | string): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  sockets.push(socket)
  socket.write(bytes)
  socket.resume()
  return socket
}

const knock = (stream: string, key: string, type: FrameType = FrameType.knock): Buffer =>
  Buffer.concat(encodeFrame(type, 0, JSON.stringify({ stream }), Buffer.from(key)))

const all = (key: string) => ['frames', 'stdout', 'stderr'].map((stream) => dial(knock(stream, key)))

describe('nobody gets in', () => {
  test.each([
    ['with another secret', (key: string) => knock('frames', `${key}x`)],
    ['without a secret', () => knock('frames', 'w1')],
    ['as a worker that is not there', (key: string) => knock('frames', key.replace('w1', 'w2'))],
    ['to a stream that there is not', (key: string) => knock('stdin', key)],
    ['who begins with another frame', (key: string) => knock('frames', key, FrameType.hello)],
    [
      'whose meta is not an object',
      (key: string) => Buffer.concat(encodeFrame(FrameType.knock, 0, '[]', Buffer.from(key))),
    ],
    ['who speaks another language', () => 'GET / HTTP/1.1\r\nhost: worker\r\n\r\n'],
    ['who announces a long frame', () => Buffer.from([0, 1, 0, 0, 25])],
  ])('%s', async (_who, bytes) => {
    const { key } = await make()
    const socket = dial(bytes(key))
    await once(socket, 'close')
    expect(socket.bytesRead).toBe(0)
  })

  test('who says nothing in time', async () => {
    const socket = dial('')
    await waitUntil('it is waited for', () => clock.armed === 1)
    clock.advance(10_000)
    await once(socket, 'close')
  })

  test('twice to the same stream', async () => {
    const { key } = await make()
    dial(knock('frames', key))
    await once(dial(knock('frames', key)), 'close')
  })

  test('once all three streams are there, and when the worker is gone', async () => {
    const { link, key } = await make()
    all(key)
    await link.connection()
    await once(dial(knock('frames', key)), 'close')
    const other = await make('w2')
    await other.link.remove()
    await once(dial(knock('frames', other.key)), 'close')
  })
})

describe('where the link is encrypted', () => {
  let secure: TcpLinks
  let port = 0
  beforeEach(async () => {
    const listening = async ([given = 0]: number[]) => {
      port = given
    }
    const callers = { listenOn: [{ host: '127.0.0.1', port: 0 }], staysHere: true, isEncrypted: true, listening }
    secure = await TcpLinks.open({ inside: () => '/taibai', secretsFolder: () => '/secrets' }, callers, systemClock)
  })
  afterEach(() => secure.close())

  test('a worker that knows the server by its certificate gets in, and nobody in clear', async () => {
    const link = await secure.make('w1')
    made.push(link)
    const [key = '', ca = ''] = (link.given.key ?? '').split(/\n(?=-----BEGIN)/)
    const plain = connect(port, '127.0.0.1').on('error', () => {})
    sockets.push(plain)
    plain.write(knock('frames', key))
    await once(plain.resume(), 'close')
    for (const stream of ['frames', 'stdout', 'stderr']) {
      const socket = connectTls({ port, host: '127.0.0.1', servername: 'taibai', ca })
      sockets.push(socket)
      await once(socket, 'secureConnect')
      expect(socket.getProtocol()).toBe('TLSv1.3')
      socket.write(knock(stream, key))
    }
    const { stdout } = await link.connection()
    sockets[2]?.end('words')
    expect(String((await once(stdout.resume(), 'data'))[0])).toBe('words')
  })

  test('a connection with a record that somebody has changed is closed, before and after its knock', async () => {
    const between: Socket[] = []
    const relay = createServer((near) => {
      const far = connect(port, '127.0.0.1').on('error', () => {})
      between.push(far)
      sockets.push(near, far)
      near.on('error', () => {}).pipe(far)
      far.pipe(near)
    }).listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const link = await secure.make('w1')
    made.push(link)
    const [key = '', ca = ''] = (link.given.key ?? '').split(/\n(?=-----BEGIN)/)
    const dialSecure = async () => {
      const socket = connectTls({
        ...{ port: (relay.address() as AddressInfo).port, host: '127.0.0.1', servername: 'taibai', ca },
      }).on('error', () => {})
      sockets.push(socket)
      await once(socket, 'secureConnect')
      return socket
    }
    await dialSecure()
    for (const stream of ['frames', 'stdout', 'stderr']) (await dialSecure()).write(knock(stream, key))
    const { frames } = await link.connection()
    frames.on('error', () => {}).resume()
    const closed = [frames, between[0] as Socket].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    )
    const changed = Buffer.concat([Buffer.from([23, 3, 3, 0, 32]), Buffer.alloc(32, 7)])
    for (const far of between) far.write(changed)
    await Promise.all(closed)
    relay.close()
  })

  test('its certificate is valid from a day ago, without an end, for one name, and new at each start', () => {
    const [one, other] = [makeLinkCertificate(Date.UTC(2026, 0, 2)), makeLinkCertificate(Date.UTC(2051, 0, 2))]
    const read = new X509Certificate(one.certificate)
    expect(read.verify(read.publicKey)).toBe(true)
    expect(read.checkPrivateKey(createPrivateKey(one.privateKey))).toBe(true)
    expect(read.validFrom).toBe('Jan  1 00:00:00 2026 GMT')
    expect(new X509Certificate(other.certificate).validFrom).toBe('Jan  1 00:00:00 2051 GMT')
    expect(read.validTo).toBe('Dec 31 23:59:59 9999 GMT')
    expect(read.subjectAltName).toBe('DNS:taibai')
    expect(read.ca).toBe(true)
    expect(read.fingerprint256).not.toBe(new X509Certificate(other.certificate).fingerprint256)
  })
})

test('a worker is there when its three streams are, and what came behind the knock is not lost', async () => {
  const { link, key } = await make()
  const [frames] = [dial(Buffer.concat([knock('frames', key), Buffer.from('hello')]))]
  dial(knock('stdout', key))
  dial(Buffer.concat([knock('stderr', key), Buffer.from('words')]))
  const connection = await link.connection()
  const read = async (socket: Socket) => String((await once(socket.resume(), 'data'))[0])
  expect(await read(connection.frames)).toBe('hello')
  expect(await read(connection.stderr)).toBe('words')
  const closed = once(frames, 'close')
  await link.remove()
  await closed
})

test('connections that say nothing keep no worker out: the oldest of many is closed', async () => {
  const silent = Array.from({ length: 256 }, () => dial(''))
  await waitUntil('all are waited for', () => clock.armed === 256)
  const closed = once(silent[0] as Socket, 'close')
  const { link, key } = await make()
  all(key)
  await link.connection()
  await closed
})

test('a knock that comes byte by byte is one', async () => {
  const { link, key } = await make()
  const socket = dial('')
  for (const byte of knock('frames', key)) socket.write(Buffer.from([byte]))
  dial(knock('stdout', key))
  dial(knock('stderr', key))
  await link.connection()
})

test('every worker has a secret of its own', async () => {
  const keys = [await make('w1'), await make('w2')].map(({ key }) => key.split(' ')[1])
  expect(new Set(keys).size).toBe(2)
  expect(keys[0]).toMatch(/^[\w-]{43}$/)
})

test('code comes in pieces that make the same tree again', () => {
  const from = mkdtempSync(join(tmpdir(), 'taibai-pieces-'))
  mkdirSync(join(from, 'lib'))
  writeFileSync(join(from, 'lib', 'large.bin'), Buffer.alloc(pieceBytes + 1, 7))
  writeFileSync(join(from, 'empty'), '')
  writeFileSync(join(from, 'run.sh'), '#!/bin/sh', { mode: 0o755 })
  symlinkSync('lib/large.bin', join(from, 'link'))
  const pieces = [...codePieces(from, '/code')].map(({ meta, body }) => ({ ...meta, bytes: body.length }))
  expect(pieces.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: '/code', folder: true, bytes: 0 },
    { path: '/code/empty', bytes: 0 },
    { path: '/code/lib', folder: true, bytes: 0 },
    { path: '/code/lib/large.bin', bytes: pieceBytes },
    { path: '/code/lib/large.bin', more: true, bytes: 1 },
    { path: '/code/link', link: 'lib/large.bin', bytes: 0 },
    { path: '/code/run.sh', executable: true, bytes: 9 },
  ])
  expect(readdirSync(from)).toHaveLength(4)
  rmSync(from, { recursive: true })
})
