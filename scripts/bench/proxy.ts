import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

/**
 * The baseline of the best peers: an HTTP server that forwards requests over a Unix socket with undici, without authentication
 * and records. Arguments: the socket's path, and `request` (undici's usual API for proxies) or `dispatch` (its fastest and least
 * convenient).
 */

const [socketPath, api] = process.argv.slice(2)
const worker = new Pool('http://worker', { socketPath, connections: 128, pipelining: 1 })

const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk) => chunks.push(chunk))
  incoming.on('end', () => {
    const body = Buffer.concat(chunks)
    if (api === 'dispatch') forwardByDispatch(incoming, body, outgoing)
    else void forwardByRequest(incoming, body, outgoing)
  })
})

const passed = ({ headers }: IncomingMessage) => ({ 'content-type': headers['content-type'] ?? '' })

async function forwardByRequest(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> {
  const { method, url } = incoming as { method: 'POST'; url: string }
  const answer = await worker.request({ method, path: url, headers: passed(incoming), body })
  outgoing.writeHead(answer.statusCode, answer.headers)
  answer.body.pipe(outgoing)
}

function forwardByDispatch(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
  const { method, url } = incoming as { method: 'POST'; url: string }
  worker.dispatch(
    { method, path: url, headers: passed(incoming), body },
    {
      onRequestStart: () => {},
      onResponseStart: (_, status, headers) => void outgoing.writeHead(status, headers),
      onResponseData: (_, chunk) => void outgoing.write(chunk),
      onResponseEnd: () => void outgoing.end(),
      onResponseError: () => void outgoing.destroy(),
    },
  )
}

server.keepAliveTimeout = 75_000
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })))
