import type { Socket } from 'node:net'
import { encodeFrame, type FrameType, writeFrame } from './protocol.ts'

const bufferBytes = 64 * 1024
/** Buffers that no connection uses now. */
const free: Buffer[] = []
const mostFree = 16

/**
 * Gathers the frames of one turn of the event loop and sends them in one system call: after all readable sockets have been read
 * (`setImmediate`), not after each of them as with `nextTick`. Small frames are written into one buffer, which is used again;
 * while a connection does not take all at once (its worker reads slowly, or it is encrypted), copies of their own length are sent.
 */
export class FrameWriter {
  #socket: Socket
  #buffer: Buffer | null = null
  /** Part of the buffer that is in no piece yet. */
  #from = 0
  #to = 0
  #pieces: Buffer[] = []
  #onWritten: (() => void)[] = []
  #isAsked = false
  /** The last write was not done at once: the socket keeps the bytes until they are sent. */
  #isSlow = false

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Throws ProtocolError when the frame is too long. */
  add(type: FrameType, call: number, meta: string, body?: Buffer): void {
    this.#buffer ??= free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)
    const end = writeFrame(this.#buffer, this.#to, type, call, meta, body)
    if (end === null) this.#addPieces(encodeFrame(type, call, meta, body))
    else this.#to = end
    if (this.#isAsked) return
    this.#isAsked = true
    setImmediate(this.#flush)
  }

  /** `tell` is called when all frames so far have been written. */
  onWritten(tell: () => void): void {
    this.#onWritten.push(tell)
  }

  #addPieces(pieces: Buffer[]): void {
    this.#endPiece()
    this.#pieces.push(...pieces)
  }

  #endPiece(): void {
    if (this.#to > this.#from) this.#pieces.push((this.#buffer as Buffer).subarray(this.#from, this.#to))
    this.#from = this.#to
  }

  #flush = (): void => {
    this.#isAsked = false
    this.#endPiece()
    const pieces = this.#pieces
    const told = this.#onWritten
    const buffer = this.#buffer
    this.#pieces = []
    this.#buffer = null
    this.#from = 0
    this.#to = 0
    if (this.#socket.destroyed) return
    if (told.length > 0) this.#onWritten = []
    const isCopy = pieces.length > 1 || this.#isSlow
    const bytes = isCopy ? Buffer.concat(pieces) : (pieces[0] as Buffer)
    this.#socket.write(bytes, told.length === 0 ? undefined : () => told.forEach((tell) => void tell()))
    this.#isSlow = this.#socket.writableLength > 0
    if (buffer !== null && (isCopy || !this.#isSlow) && free.length < mostFree) free.push(buffer)
  }
}
