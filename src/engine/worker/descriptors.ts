import type { Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'

export type OnText = (stream: 'stdout' | 'stderr', text: string) => void

/** Turns of the event loop for what was written before now: one may be half over, and sees nothing that came since it polled. */
const fewestTurns = 2
/** The kernel holds less than this of a pipe that nobody reads; a worker that writes without end is not waited for. */
const mostTurns = 16
/** And of a TCP connection, at both of its ends together. */
const mostTurnsOverTcp = 256

/**
 * What is written to the standard descriptors of a worker, past its shim: by child processes and libraries, by an interpreter as it
 * dies. Each is a connection of its own, and is read fairly: a chunk in a turn of the event loop, the rest stays in the kernel.
 */
export class Descriptors {
  #onText: OnText
  #count = 0
  #held = 0
  #mostTurns = mostTurns
  /** Whether anything was ever written to them. */
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
    socket.on('data', (chunk: Buffer) => {
      this.areUsed = true
      this.#hold(socket)
      tell(decoder.write(chunk))
    })
    socket.once('end', () => tell(decoder.end()))
    socket.on('error', () => {})
    socket.resume()
  }

  /** Calls back when all that was written before now is told: frames may come sooner than what was written before them. */
  whenRead(then: () => void): void {
    if (this.#count === 0) then()
    else this.#afterTurns(then, 1)
  }

  #afterTurns(then: () => void, turn: number): void {
    setImmediate(() => {
      const isMore = turn < fewestTurns || (this.#held > 0 && turn < this.#mostTurns)
      if (isMore) this.#afterTurns(then, turn + 1)
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
