import { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { incompleteBody } from './body-errors.ts'

interface Taking {
  taker: { take(piece: Buffer): Error | null }
  chunks: Buffer[]
  isRefused: boolean
  resolve(body: Buffer): void
  reject(error: Error): void
}

/**
 * A request whose body can be read in one piece, without stream events, which cost 8 % of a warm call. Until `whole` is called it
 * is a normal stream. It depends on internals of Node.js: see docs/how-it-works.md.
 */
export class WholeRequest extends IncomingMessage {
  #taking: Taking | null = null
  #hasBegun = false
  #isTaken = false

  static {
    // Code that cleans up after a request (Hono's adapter, Node.js itself) would take a body that has not ended for unread and
    // destroy it together with its connection, on which the next request may be in progress.
    const ended = Object.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded')?.get as () => boolean
    Object.defineProperty(WholeRequest.prototype, 'readableEnded', {
      get(this: WholeRequest) {
        return this.#isTaken || ended.call(this)
      },
    })
  }

  /**
   * Returns the body. Rejects with the taker's error for a piece, and with FaasError `invalid_request` when the body breaks off.
   * Undefined when the body had begun before: then it must be read as a stream.
   */
  whole(taker: Taking['taker']): Promise<Buffer> | undefined {
    if (this.#hasBegun || this.destroyed) return undefined
    return new Promise((resolve, reject) => {
      this.#taking = { taker, chunks: [], isRefused: false, resolve, reject }
      // Otherwise Node.js would discard the body as unread.
      this._read(0)
    })
  }

  /** Node's parser passes each piece of the body, then null. */
  override push(chunk: Buffer | null): boolean {
    this.#hasBegun = true
    const taking = this.#taking
    if (taking === null) return super.push(chunk)
    if (chunk === null) this.#end(taking)
    else if (!taking.isRefused) this.#add(taking, chunk)
    return true
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#taking?.reject(incompleteBody())
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

  /** Nothing of the body stays here: the request lives as long as its work does. */
  #end({ chunks, resolve }: Taking): void {
    this.#isTaken = true
    this.#taking = null
    resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
  }
}
