import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A receiver over HTTP: what came, and the status that it answers with. */
export async function startReceiver() {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  const got: { url: string; headers: Record<string, unknown>; json: any }[] = []
  const answers = { status: 200 }
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming)
    got.push({ url: incoming.url as string, headers: incoming.headers, json: JSON.parse(body.toString()) })
    outgoing.writeHead(answers.status).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { got, answers, url, stop, [Symbol.asyncDispose]: stop }
}
