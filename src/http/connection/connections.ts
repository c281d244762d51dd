import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

/** Idle connections may send one more request within this time; its response announces the close. Then they are closed. */
const graceMs = 250
/** Connections that are still open after this time are cut. */
const longestMs = 1000
const lookEveryMs = 20

/** The response in progress on a connection, which Node.js keeps in an internal field. */
export const answerOn = (socket: Duplex): ServerResponse | null | undefined =>
  (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage

/** Shuts down the connections of a server without resets: the last response of each connection announces the close. */
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

  /**
   * Accepts no new connections. Responses from now on close their connections; idle connections stay until their next request.
   */
  drain(): void {
    // The server's own `close` would cut idle connections at once.
    NetServer.prototype.close.call(this.#server)
    this.#server.prependListener('request', isLast)
    for (const socket of this.#open) endAfter(answerOn(socket))
  }

  /** Resolves when all connections are closed. */
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
