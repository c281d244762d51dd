import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
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
 * A request whose body can be had in one piece, past the life of a stream, whose events and turns of the loop were 8 % of a
 * warm call. Until `whole` is called it is a stream.
 */
export class WholeRequest extends IncomingMessage {
  #taker: Taker | null = null
  #hasBegun = false
  #isTaken = false

  static {
    // Whoever cleans up after a request (Hono's adapter, Node.js itself) would take one that has not ended for unread, and
    // destroy it together with its connection, on which the next request may be under way. A property for TypeScript.
    const ended = Object.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded')?.get as () => boolean
    Object.defineProperty(WholeRequest.prototype, 'readableEnded', {
      get(this: WholeRequest) {
        return this.#isTaken || ended.call(this)
      },
    })
  }

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
      this.#isTaken = true
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
