import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

/** Callers between two requests have this long to send one more, whose answer tells them; then their connections end. */
const graceMs = 250
/** What is still open then is cut. */
const longestMs = 1000
const lookEveryMs = 20

/** The answer that a connection waits for, which Node.js keeps in a field of its own. */
export const answerOn = (socket: Duplex): ServerResponse | null | undefined =>
  (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage

/** The connections of a server that is to stop without a reset: every answer says when it is the last of its connection. */
export class Connections {
  #server: Server
  #open = new Set<Socket>()

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  /** Takes no new ones. Answers from now on end theirs; those that have none under way stay until their next. */
  drain(): void {
    // The server's own `close` would cut connections between two requests.
    NetServer.prototype.close.call(this.#server)
    this.#server.prependListener('request', isLast)
    for (const socket of this.#open) endAfter(answerOn(socket))
  }

  /** Resolves when all are gone. */
  async end(): Promise<void> {
    if (this.#open.size > 0) await pause(graceMs)
    this.#server.close()
    for (let waitedMs = 0; this.#open.size > 0 && waitedMs < longestMs - graceMs; waitedMs += lookEveryMs) {
      await pause(lookEveryMs)
      this.#server.closeIdleConnections()
    }
    this.#server.closeAllConnections()
  }
}

const isLast = (_incoming: IncomingMessage, outgoing: ServerResponse): void => endAfter(outgoing)

function endAfter(outgoing: ServerResponse | null | undefined): void {
  if (outgoing && !outgoing.headersSent) outgoing.shouldKeepAlive = false
}
