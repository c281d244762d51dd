/** How connections end when the server stops: nobody is cut off who could have been told. */
import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Connections } from '../../src/http/connection/connections.ts'

let server: Server
let connections: Connections
let agent: Agent
/** The request has come. */
let arrived: PromiseWithResolvers<void>
/** The response is completed after this. */
let completed: Promise<void>

beforeEach(async () => {
  arrived = Promise.withResolvers()
  completed = Promise.resolve()
  agent = new Agent({ keepAlive: true, maxSockets: 1 })
  server = createServer((incoming, outgoing) => {
    if (incoming.url === '/stream') outgoing.write('begun')
    arrived.resolve()
    void completed.then(() => outgoing.end('done'))
  })
  connections = new Connections(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  agent.destroy()
  server.closeAllConnections()
})

const ask = (path = '/'): Promise<{ text: string; connection: string | undefined }> =>
  new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo
    const sent = request({ agent, port, host: '127.0.0.1', path }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ text, connection: response.headers.connection })).on('error', reject)
    })
    sent.on('error', reject).end()
  })

test('a response in progress is the last of its connection, and announces it', async () => {
  const { promise, resolve: complete } = Promise.withResolvers<void>()
  completed = promise
  const asked = ask()
  await arrived.promise
  connections.drain()
  complete()
  expect(await asked).toEqual({ text: 'done', connection: 'close' })
  await connections.end()
})

test('the next request of an idle connection is answered with the announcement of the close', async () => {
  expect(await ask()).toMatchObject({ connection: 'keep-alive' })
  const { port } = server.address() as AddressInfo
  server.address = () => ({ port, address: '127.0.0.1', family: 'IPv4' })
  connections.drain()
  const ended = connections.end()
  expect(await ask()).toEqual({ text: 'done', connection: 'close' })
  await ended
})

test('a response whose head was sent is completed', async () => {
  const { promise, resolve: complete } = Promise.withResolvers<void>()
  completed = promise
  const asked = ask('/stream')
  await arrived.promise
  connections.drain()
  const ended = connections.end()
  complete()
  expect(await asked).toMatchObject({ text: 'begundone' })
  await ended
})

test('closing ends at once without connections; connections that never end are cut after a second', async () => {
  const from = performance.now()
  completed = new Promise(() => {})
  const asked = ask().catch((error: Error) => error.message)
  await arrived.promise
  connections.drain()
  await connections.end()
  expect(await asked).toMatch(/hang up|ECONNRESET/)
  expect(performance.now() - from).toBeLessThan(5000)
})
