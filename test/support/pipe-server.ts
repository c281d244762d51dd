import { type IncomingMessage, request, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'

export interface PipeRequest {
  method: string
  path: string
  headers: Record<string, string | string[]>
  body: Buffer
}

export interface PipeAnswer {
  status: number
  headers: Headers
  bytes: Buffer
}

/** Asks a listener over a pipe inside this process: real HTTP, the real way of a request, and no port. */
export function requestOverPipe(makeServer: () => Server) {
  const server = makeServer()
  return ({ method, path, headers, body }: PipeRequest): Promise<PipeAnswer> =>
    new Promise((resolve, reject) => {
      const [ours, theirs] = duplexPair()
      server.emit('connection', theirs)
      const all = { Host: 'localhost', ...headers, ...(body.length > 0 && { 'Content-Length': String(body.length) }) }
      const asked = request({
        method,
        path,
        headers: all,
        createConnection: () => ours as Socket,
      })
      asked.once('error', reject).once('response', (response) => {
        whole(response).then((bytes) => {
          ours.destroy()
          resolve({ status: response.statusCode as number, headers: headersOf(response), bytes })
        }, reject)
      })
      asked.end(body)
    })
}

async function whole(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Headers that every answer has, for its connection. */
const ofTheConnection = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding'])

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (!ofTheConnection.has(name.toLowerCase())) headers.append(name, rawHeaders[at + 1] as string)
  }
  return headers
}
