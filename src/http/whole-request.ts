import { IncomingMessage } from 'node:http'
import { invalid } from '../domain/errors.ts'
import { tooLarge } from './body.ts'

interface Taker {
  chunks: Buffer[]
  bytes: number
  maxBytes: number
  resolve(body: Buffer): void
  reject(error: Error): void
}

/**
 * A request whose body can be had in one piece, past the life of a stream: its events and the turns of the loop that they
 * take are a tenth of a warm call. It is a stream as any other until `whole` is called.
 */
export class WholeRequest extends IncomingMessage {
  #taker: Taker | null = null
  #hasBegun = false

  /**
   * The body, at most `maxBytes` of it: rejects with FaasError `too_large` beyond, and `invalid_request` when it breaks off.
   * Undefined when it has begun before it was asked for: it must be read as a stream then.
   */
  whole(maxBytes: number): Promise<Buffer> | undefined {
    if (this.#hasBegun || this.destroyed) return undefined
    return new Promise((resolve, reject) => {
      this.#taker = { chunks: [], bytes: 0, maxBytes, resolve, reject }
      // Node.js would throw away what it takes for unread.
      this._read(0)
    })
  }

  /** Node's parser hands over each piece of the body, then null. */
  override push(chunk: Buffer | null): boolean {
    this.#hasBegun = true
    const taker = this.#taker
    if (taker === null) return super.push(chunk)
    if (chunk === null) {
      taker.resolve(taker.chunks.length === 1 ? (taker.chunks[0] as Buffer) : Buffer.concat(taker.chunks))
      return true
    }
    taker.bytes += chunk.length
    if (taker.bytes <= taker.maxBytes) taker.chunks.push(chunk)
    else taker.reject(tooLarge(taker.maxBytes))
    return true
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#taker?.reject(brokenOff())
    super._destroy(error, callback)
  }
}

export const brokenOff = (): Error => invalid('The body ended before it was complete.')
