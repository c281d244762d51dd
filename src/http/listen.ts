import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ErrorCode, FaasError } from '../domain/errors.ts'
import { answerOn } from './connections.ts'
import { errorBody, statusOfCode } from './error-response.ts'
import { WholeRequest } from './whole-request.ts'

/** Idle connections of callers stay open longer than most clients' own limit, so that the client closes first. */
const keepAliveMs = 75_000
/** How often Node.js looks for requests that take too long. */
const lookEveryMs = 5000

export interface ListenOptions {
  /** Longest time in which a whole request must have come. */
  bodyTimeoutMs: number
}

export function makeServer(listener: RequestListener, { bodyTimeoutMs }: ListenOptions): Server {
  const server = createServer(
    {
      IncomingMessage: WholeRequest,
      requestTimeout: bodyTimeoutMs,
      headersTimeout: Math.min(60_000, bodyTimeoutMs),
      connectionsCheckingInterval: Math.min(lookEveryMs, bodyTimeoutMs),
      // Ours is said by `front.ts`, in the form of all our answers.
      requireHostHeader: false,
    },
    listener,
  )
  server.keepAliveTimeout = keepAliveMs
  server.on('clientError', refuseUnreadable)
  server.on('checkExpectation', refuseExpectation)
  return server
}

/** Rejects with the system's error when the port cannot be had. */
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

/** What Node.js says of a request that never became one. */
const refusals: Record<string, [ErrorCode, string]> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The headers of the request are longer than 16 kB in all.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['too_large', 'The chunks of the body have too many extensions.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request did not come whole in time.'],
}

/** Node's own answer has no body; nothing may be written into an answer that has begun. */
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

/** `Expect` other than `100-continue`. */
function refuseExpectation(_incoming: IncomingMessage, outgoing: ServerResponse): void {
  const body = JSON.stringify(
    errorBody(new FaasError('invalid_request', 'The header Expect can only be 100-continue.')),
  )
  outgoing.writeHead(417, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body)
}
