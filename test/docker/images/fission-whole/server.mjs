import { createServer } from 'node:http'

let userFunction

createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  if (request.url === '/v2/specialize') {
    userFunction = (body) => `${JSON.parse(text).functionName} ${body}`
    return response.writeHead(202).end()
  }
  if (userFunction === undefined) return response.writeHead(500).end('Generic container: no requests supported')
  response.writeHead(200, { 'content-type': 'text/plain' }).end(userFunction(text))
}).listen(8888, '0.0.0.0')
