import type { Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { TLSSocket } from 'node:tls'

export type OnText = (stream: 'stdout' | 'stderr', text: string) => void

/** Turns of the event loop after which earlier output has been read: the current turn may already have polled. */
const fewestTurns = 2
/** A pipe's kernel buffer is smaller than this many chunks, so a worker that writes without end is not waited for. */
const mostTurns = 16
/** The same limit for a TCP connection, with the buffers of both ends. */
const mostTurnsOverTcp = 256
/** TLS hands over 16 KiB at once, a quarter of what TCP does, and may need some turns for it. */
const mostTurnsOverTls = 16 * mostTurnsOverTcp
const quietTurnsOverTls = 8

/**
 * Output that a worker writes to its standard descriptors without its shim: child processes, native libraries, a dying
 * interpreter. Each descriptor is a connection of its own. Reading is fair: one chunk per turn of the event loop, the rest stays
 * in the kernel.
 */
export class Descriptors {
  #onText: OnText
  #count = 0
  #held = 0
  #mostTurns = mostTurns
  /** Turns in a row in which nothing came, after which nothing more is on its way. */
  #quietTurns = 1
  /** Whether anything was ever written to the descriptors. */
  areUsed = false

  constructor(onText: OnText) {
    this.#onText = onText
  }

  add(stream: 'stdout' | 'stderr', socket: Socket): void {
    const decoder = new StringDecoder('utf8')
    const tell = (text: string) => {
      if (text !== '') this.#onText(stream, text)
    }
    this.#count++
    if (socket.remoteAddress !== undefined) this.#mostTurns = mostTurnsOverTcp
    if (socket instanceof TLSSocket) {
      this.#mostTurns = mostTurnsOverTls
      this.#quietTurns = quietTurnsOverTls
    }
    socket.on('data', (chunk: Buffer) => {
      this.areUsed = true
      this.#hold(socket)
      tell(decoder.write(chunk))
    })
    socket.once('end', () => tell(decoder.end()))
    socket.on('error', () => {})
    socket.resume()
  }

  /** Calls back when earlier output has been delivered: frames may overtake output that was written before them. */
  whenRead(then: () => void): void {
    if (this.#count === 0) then()
    else this.#afterTurns(then, 1, 0)
  }

  #afterTurns(then: () => void, turn: number, quietBefore: number): void {
    setImmediate(() => {
      const quiet = this.#held > 0 ? 0 : quietBefore + 1
      const isMore = turn < fewestTurns || (quiet < this.#quietTurns && turn < this.#mostTurns)
      if (isMore) this.#afterTurns(then, turn + 1, quiet)
      else then()
    })
  }

  #hold(socket: Socket): void {
    this.#held++
    socket.pause()
    setImmediate(() => {
      this.#held--
      socket.resume()
    })
  }
}
