import type { ServerResponse } from 'node:http'

/**
 * The head of an answer as one text: Node.js checks and joins each header for itself, though these need no check. It depends on
 * an internal field of Node.js: see docs/how-it-works.md.
 */

/** Idle connections stay open longer than the usual limit of clients, so that the client closes first. */
export const keepAliveMs = 75_000

const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveMs / 1000}\r\n\r\n`

/** False where Node.js would write another head: other headers are set, or the connection or the request is unusual. */
export function canWriteRawHead(outgoing: ServerResponse): boolean {
  const { req } = outgoing
  return (
    outgoing.shouldKeepAlive &&
    req.httpVersionMinor === 1 &&
    req.method !== 'HEAD' &&
    req.headers.expect === undefined &&
    outgoing.getHeaderNames().length === 0
  )
}

/** `own`: lines of headers that hold nothing a caller or a function chose. */
export function writeRawHead(outgoing: ServerResponse, own: string, length: number, nowMs: number): void {
  const head = `HTTP/1.1 200 OK\r\n${own}\r\nContent-Length: ${length}\r\nDate: ${dateAt(nowMs)}\r\n${keepAlive}`
  ;(outgoing as ServerResponse & { _header: string })._header = head
}

let second = 0
let date = ''

function dateAt(nowMs: number): string {
  const now = Math.floor(nowMs / 1000)
  if (now !== second) {
    second = now
    date = new Date(nowMs).toUTCString()
  }
  return date
}
