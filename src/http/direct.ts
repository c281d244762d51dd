import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { readBytes, tooLarge } from './body.ts'
import type { Ctx } from './endpoint.ts'
import { brokenOff, WholeRequest } from './whole-request.ts'

/**
 * The hot routes read and write Node's own request and response: two thirds of the CPU of the web-standard ones. Without a
 * port (in tests) they take the web-standard way.
 */

/** Paths whose answers may not pass through Hono: headers for them are set on Node's own response. */
export const isSentDirectly = (path: string): boolean => path.startsWith('/fn/') || path === '/v1/executions'

/** The whole body, read up to the limit and no further. Throws FaasError `too_large`. */
export function readDirect(c: Ctx, maxBytes: number): Promise<Buffer> {
  const incoming = c.env?.incoming as IncomingMessage | undefined
  return incoming === undefined ? readBytes(c, maxBytes) : readIncoming(incoming, maxBytes)
}

/** Sends JSON text. Nothing may be done with the response after that. */
export function sendJson(c: Ctx, status: 200 | 201 | 202, json: string): Response {
  const outgoing = c.env?.outgoing
  if (outgoing === undefined) return c.body(json, status, { 'Content-Type': 'application/json' })
  sendText(outgoing as ServerResponse, status, json)
  return RESPONSE_ALREADY_SENT
}

export function sendText(outgoing: ServerResponse, status: number, json: string): void {
  outgoing.writeHead(status, ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(json))])
  outgoing.end(json)
}

const noBody = Buffer.alloc(0)

export function readIncoming(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const { 'content-length': announced, 'transfer-encoding': encoding } = incoming.headers
  if (announced === undefined && encoding === undefined) return Promise.resolve(noBody)
  if (Number(announced ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes))
  const whole = incoming instanceof WholeRequest ? incoming.whole(maxBytes) : undefined
  return whole ?? readStream(incoming, maxBytes)
}

function readStream(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) reject(tooLarge(maxBytes))
      else chunks.push(chunk)
    })
    incoming.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    incoming.once('error', () => reject(brokenOff()))
  })
}
