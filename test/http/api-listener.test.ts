/** The second listener of a server, for functions that may call it: which callers it accepts. */
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiListener } from '../../src/http/connection/api-listener.ts'
import { addressOf, listen } from '../../src/http/connection/listen.ts'

let server: Server
let listener: ApiListener
let port: number

beforeEach(async () => {
  server = await listen('127.0.0.1', 0, (_incoming, outgoing) => outgoing.end('served'), { bodyTimeoutMs: 10_000 })
  port = addressOf(server, '').port
  listener = new ApiListener()
})
afterEach(() => {
  listener.close()
  server.closeAllConnections()
  server.close()
})

/** The response to a caller with this address; empty: the connection is closed. */
async function asked(host: string, at: number, localAddress: string): Promise<string> {
  const socket = connect({ host, port: at, localAddress })
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {})
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(chunks).toString()
}

test('is the server’s own listener if that already listens there', async () => {
  listener.attach(server, '0.0.0.0', port)
  expect(await listener.listen('127.0.0.2', '127.0.0.0/30')).toBe(port)
})

test('serves callers of its network as the server does, at the same port, and hangs up on others', async () => {
  listener.attach(server, '127.0.0.1', port)
  expect(await listener.listen('127.0.0.2', '127.0.0.0/30')).toBe(port)
  expect(await asked('127.0.0.2', port, '127.0.0.1')).toContain('served')
  expect(await asked('127.0.0.2', port, '127.0.0.9')).toBe('')
})

test('is reused for each further worker', async () => {
  listener.attach(server, '127.0.0.1', port)
  const ports = await Promise.all([1, 2, 3].map(() => listener.listen('127.0.0.2', '127.0.0.0/30')))
  expect([...ports, await listener.listen('127.0.0.2', '127.0.0.0/30')]).toEqual([port, port, port, port])
})

test('takes another port where that one is taken', async () => {
  const other = await listen('127.0.0.2', port, (_incoming, outgoing) => outgoing.end(), { bodyTimeoutMs: 10_000 })
  try {
    listener.attach(server, '127.0.0.1', port)
    const taken = await listener.listen('127.0.0.2', '127.0.0.0/30')
    expect(taken).not.toBe(port)
    expect(await asked('127.0.0.2', taken, '127.0.0.1')).toContain('served')
  } finally {
    other.close()
  }
})

test('does not exist if this machine has no such address', async () => {
  listener.attach(server, '127.0.0.1', port)
  await expect(listener.listen('192.0.2.1', '192.0.2.0/24')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
})
