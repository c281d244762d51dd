import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { brokenOff } from './body-errors.ts'

interface Taking {
  taker: { take(piece: Buffer): Error | null }
  chunks: Buffer[]
  isRefused: boolean
  resolve(body: Buffer): void
  reject(error: Error): void
}

/**
 * A request whose body can be had in one piece, past the life of a stream, whose events and turns of the loop were 8 % of a
 * warm call. Until `whole` is called it is a stream. Leans on Node.js: see docs/how-it-works.md.
 */
export class WholeRequest extends IncomingMessage {
  #taking: Taking | null = null
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
   * The body: rejects with what the taker says to a piece, and with FaasError `invalid_request` when it breaks off.
   * Undefined when it has begun before it was asked for: it must be read as a stream then.
   */
  whole(taker: Taking['taker']): Promise<Buffer> | undefined {
    if (this.#hasBegun || this.destroyed) return undefined
    return new Promise((resolve, reject) => {
      this.#taking = { taker, chunks: [], isRefused: false, resolve, reject }
      // Node.js would throw away what it takes for unread.
      this._read(0)
    })
  }

  /** Node's parser hands over each piece of the body, then null. */
  override push(chunk: Buffer | null): boolean {
    this.#hasBegun = true
    const taking = this.#taking
    if (taking === null) return super.push(chunk)
    if (chunk === null) this.#end(taking)
    else if (!taking.isRefused) this.#add(taking, chunk)
    return true
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#taking?.reject(brokenOff())
    super._destroy(error, callback)
  }

  #add(taking: Taking, chunk: Buffer): void {
    const refusal = taking.taker.take(chunk)
    if (refusal === null) {
      taking.chunks.push(chunk)
      return
    }
    taking.isRefused = true
    taking.chunks = []
    taking.reject(refusal)
  }

  #end({ chunks, resolve }: Taking): void {
    this.#isTaken = true
    resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
  }
}
