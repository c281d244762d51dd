import { type AddressInfo, connect } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Signature } from '../../src/domain/functions/signature.ts'
import { listen } from '../../src/http/connection/listen.ts'
import { makeListener } from '../../src/http/connection/request-listener.ts'
import type { HttpParts } from '../../src/http/server.ts'
import { aFn, aRuntime } from './builders.ts'
import { makeTestApp, type TestAppOptions } from './test-app.ts'

interface Options extends TestAppOptions {
  signature?: Signature
  change?(parts: HttpParts): HttpParts
  bodyTimeoutMs?: number
}

/** The listener of the real server, with the doubles of the tests behind it and a function `hello` of the project red. */
export async function listening({
  signature,
  change = (parts) => parts,
  bodyTimeoutMs = 60_000,
  ...options
}: Options = {}) {
  const app = makeTestApp(options)
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id, ...(signature && { signature }) })
  app.stores.functions.insert(fn)
  const server = await listen('127.0.0.1', 0, makeListener(app.app, change(app.parts)), { bodyTimeoutMs })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { app, fn, port, url: `http://127.0.0.1:${port}` }
}

/** Sends bytes as they are, and reads until the server closes. */
export const rawAnswer = (port: number, sent: string | Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk
    })
    socket.once('close', () => resolve(text)).once('error', reject)
    socket.write(sent)
  })
