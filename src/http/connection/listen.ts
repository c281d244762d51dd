import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ErrorCode, FaasError } from '../../domain/errors.ts'
import { errorBody, statusOfCode } from '../error-response.ts'
import { answerOn } from './connections.ts'
import { inOrder } from './in-order.ts'
import { keepAliveMs } from './response-head.ts'
import { WholeRequest } from './whole-request.ts'

/** Interval in which Node.js checks for slow requests. */
const lookEveryMs = 5000

export interface ListenOptions {
  /** Longest time for a whole request to arrive. */
  bodyTimeoutMs: number
}

export function makeServer(listener: RequestListener, { bodyTimeoutMs }: ListenOptions): Server {
  const server = createServer(
    {
      IncomingMessage: WholeRequest,
      requestTimeout: bodyTimeoutMs,
      headersTimeout: Math.min(60_000, bodyTimeoutMs),
      connectionsCheckingInterval: Math.min(lookEveryMs, bodyTimeoutMs),
      // `request-listener.ts` answers a missing Host header in our error format.
      requireHostHeader: false,
    },
    inOrder(listener),
  )
  server.keepAliveTimeout = keepAliveMs
  server.on('clientError', refuseUnreadable)
  server.on('checkExpectation', refuseExpectation)
  return server
}

/** Rejects with the system's error when the port is not available. */
export async function listen(
  host: string,
  port: number,
  listener: RequestListener,
  options: ListenOptions,
): Promise<Server> {
  const server = makeServer(listener, options)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return server
}

export function addressOf(server: Server, host: string): { port: number; url: string } {
  const { port } = server.address() as AddressInfo
  return { port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` }
}

/** Node's errors for requests that it could not parse. */
const refusals: Record<string, [ErrorCode, string]> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The headers of the request are longer than 16 kB in total.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'The chunks of the body have too many extensions.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request was not complete in time.'],
}

/** Node's own response has no body; nothing may be written into a response that has begun. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code !== 'ECONNRESET' && socket.writable && !answerOn(socket)?.headersSent) {
    const [code, message] = refusals[error.code ?? ''] ?? ['invalid_request', 'The request is not valid HTTP.']
    const body = JSON.stringify(errorBody(new FaasError(code, message)))
    socket.end(
      `HTTP/1.1 ${statusOfCode[code]} ${reasons[code] ?? 'Bad Request'}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    )
    socket.once('finish', () => socket.destroy())
    return
  }
  socket.destroy(error)
}

const reasons: Partial<Record<ErrorCode, string>> = {
  headers_too_large: 'Request Header Fields Too Large',
  too_large: 'Payload Too Large',
  request_timeout: 'Request Timeout',
}

/** Handles `Expect` headers other than `100-continue`. */
function refuseExpectation(_incoming: IncomingMessage, outgoing: ServerResponse): void {
  const body = JSON.stringify(
    errorBody(new FaasError('invalid_request', 'The header Expect can only be 100-continue.')),
  )
  outgoing.writeHead(417, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body)
}
