import { setTimeout as sleep } from 'node:timers/promises'

const routes = {
  '/hello': () => new Response('hello', { headers: { 'x-conformance': 'yes' } }),
  '/echo': async (request) =>
    new Response(await request.arrayBuffer(), { headers: { 'content-type': request.headers.get('content-type') } }),
  '/stream': (_request, query) => new Response(pieces(query('chunks'), query('bytes'), query('ms'))),
  '/status': (_request, query) => new Response('', { status: query('code') }),
  '/throw': () => {
    throw new TypeError('thrown by a web function')
  },
  '/print': () => {
    console.log('web log')
    return new Response(null, { status: 204 })
  },
}

export function main(request) {
  const url = new URL(request.url)
  const query = (name) => Number(url.searchParams.get(name))
  return routes[url.pathname]?.(request, query) ?? new Response('nothing here', { status: 404 })
}

function pieces(chunks, bytes, ms) {
  let sent = 0
  return new ReadableStream({
    async pull(controller) {
      if (sent === chunks) return controller.close()
      if (sent > 0 && ms > 0) await sleep(ms)
      controller.enqueue(new Uint8Array(bytes).fill(97))
      sent++
    },
  })
}
