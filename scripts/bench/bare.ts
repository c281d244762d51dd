import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The baseline: the benchmark's handler behind node:http alone. Arguments: its file, and a socket path that replaces a port. */

const [file, socketPath] = process.argv.slice(2)
const { main } = await import(file as string)

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    const body = Buffer.concat(chunks).toString('utf8')
    const value = await main(body === '' ? null : JSON.parse(body), {})
    const answer = JSON.stringify(value)
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(answer) })
    response.end(answer)
  })
})
server.keepAliveTimeout = 75_000
const ready = () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port ?? 0 }))
if (socketPath === undefined) server.listen(0, '127.0.0.1', ready)
else server.listen(socketPath, ready)
