import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WholeRequest } from './whole-request.ts'

/** Idle connections of callers stay open longer than most clients' own limit, so that the client closes first. */
const keepAliveMs = 75_000

/** Rejects with the system's error when the port cannot be had. */
export async function listen(host: string, port: number, listener: RequestListener): Promise<Server> {
  const server = createServer({ IncomingMessage: WholeRequest }, listener)
  server.keepAliveTimeout = keepAliveMs
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
