import type { Socket } from 'node:net'
import type { Clock } from '../../domain/clock.ts'
import { type Frame, FrameDecoder, type FrameLimit, maxUnaskedBytes, ProtocolError } from './protocol.ts'

/**
 * Limit of frames from one worker in a turn of the event loop. The rest waits for the next turn, so that other workers are read.
 */
const framesPerTurn = 128
const bytesPerTurn = 256 * 1024
/** Longest time for the rest of a long frame to arrive. */
const longFrameMs = 30_000

export interface FrameReaderParts {
  clock: Clock
  limitOf: FrameLimit
  /** A ProtocolError thrown here stops the reader, as one in the frames does. */
  onFrame(frame: Frame): void
  /** Called once when the worker violates the protocol. Nothing more is read. */
  onBroken(error: ProtocolError): void
}

/**
 * Reads frames fairly: a worker that sends without end gets its share of a turn and no more. What it sends beyond that stays in
 * the kernel, whose full buffer blocks the worker.
 */
export class FrameReader {
  #socket: Socket
  #parts: FrameReaderParts
  #decoder: FrameDecoder
  #frames = 0
  #bytes = 0
  /** True when reading continues in the next turn. */
  #isHeld = false
  #isTurnOver = true
  #isFinishing = false
  #isBroken = false
  #stopTimer: (() => void) | null = null

  constructor(socket: Socket, parts: FrameReaderParts) {
    this.#socket = socket
    this.#parts = parts
    this.#decoder = new FrameDecoder(parts.limitOf)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.once('close', () => this.#forgetLongFrame())
    // The socket may have been paused.
    socket.resume()
  }

  /** The connection is closed: handles frames that had arrived and waited for their turn. */
  finish(): void {
    this.#isFinishing = true
    if (!this.#isBroken) this.#read()
  }

  #receive(chunk: Buffer): void {
    if (this.#isTurnOver) {
      this.#isTurnOver = false
      setImmediate(this.#endTurn)
    }
    this.#bytes += chunk.length
    this.#decoder.add(chunk)
    this.#read()
  }

  #endTurn = (): void => {
    this.#isTurnOver = true
    this.#frames = 0
    this.#bytes = 0
    if (!this.#isHeld || this.#socket.destroyed) return
    this.#isHeld = false
    this.#isTurnOver = false
    setImmediate(this.#endTurn)
    this.#read()
    if (!this.#isHeld) this.#socket.resume()
  }

  #read(): void {
    try {
      for (let frame = this.#decoder.next(); frame !== null; frame = this.#decoder.next()) {
        this.#parts.onFrame(frame)
        if (this.#isFinishing) continue
        if (this.#socket.destroyed) return
        if (++this.#frames >= framesPerTurn) return this.#hold()
      }
      if (this.#isFinishing) return
      this.#watchLongFrame()
      if (this.#bytes >= bytesPerTurn) this.#hold()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#breakOff(error)
    }
  }

  #breakOff(error: ProtocolError): void {
    this.#isBroken = true
    this.#parts.onBroken(error)
  }

  #hold(): void {
    this.#isHeld = true
    this.#socket.pause()
  }

  /** The first part of a long frame occupies our memory, so the rest must arrive in time. */
  #watchLongFrame(): void {
    if (this.#decoder.heldBytes <= maxUnaskedBytes) return this.#forgetLongFrame()
    this.#stopTimer ??= this.#parts.clock.after(longFrameMs, () => {
      this.#stopTimer = null
      this.#breakOff(new ProtocolError(`a frame was not complete within ${longFrameMs / 1000} s`))
    })
  }

  #forgetLongFrame(): void {
    this.#stopTimer?.()
    this.#stopTimer = null
  }
}
