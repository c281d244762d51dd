/** A web server of an image; what a path does stands beside it. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

let requests = 0

const paths = {
  // An event: answers with what was posted and how it was said.
  '/': async (request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ headers: request.headers, body: await textOf(request), requests }))
  },
  '/headers': (_request, response) => {
    response.writeHead(418, { 'content-type': 'text/plain', 'x-image': 'yes', 'set-cookie': ['a=1', 'b=2'] })
    response.end('teapot')
  },
  '/stream': async (_request, response) => {
    response.writeHead(200)
    for (let piece = 0; piece < 5; piece++) {
      response.write(`piece ${piece}\n`)
      await sleep(200)
    }
    response.end()
  },
  '/print': (_request, response) => {
    console.log('from the image')
    console.error('a warning')
    response.end('printed')
  },
  '/write': (_request, response) => {
    try {
      writeFileSync('/var/cache/x', 'x')
    } catch (error) {
      console.error(error.message)
      response.statusCode = 500
    }
    response.end('tried')
  },
  '/write-or-die': () => writeFileSync('/var/cache/x', 'x'),
  '/hang': () => {},
  '/fail': (_request, response) => {
    response.statusCode = 503
    response.end('broken')
  },
  '/exit': () => process.exit(3),
  '/memory': () => Buffer.alloc(512 * 1024 * 1024, 1),
  '/env': (_request, response) => response.end(process.env.GREETING),
}

console.log('starting')
if (process.env.WRITE_TO) writeFileSync(process.env.WRITE_TO, 'x')
createServer(async (request, response) => {
  requests++
  await paths[request.url](request, response)
}).listen(Number(process.env.LISTEN_ON ?? process.env.PORT), process.env.LISTEN_HOST)

async function textOf(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
