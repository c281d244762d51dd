import { setTimeout as pause } from 'node:timers/promises'

export const main = {
  fetch(request) {
    const { searchParams } = new URL(request.url)
    const text = searchParams.get('text') ?? 'This answer comes word by word.'
    const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }
    return new Response(ReadableStream.from(events(text.split(' '))), { headers })
  },
}

async function* events(words) {
  const encoder = new TextEncoder()
  for (const [at, word] of words.entries()) {
    yield encoder.encode(`id: ${at}\ndata: ${JSON.stringify({ word })}\n\n`)
    await pause(100)
  }
  yield encoder.encode('event: end\ndata: {}\n\n')
}
