import type { IncomingMessage, ServerResponse } from 'node:http'
import { brokenOff, tooLarge, tooManyBodies } from './body-errors.ts'
import { WholeRequest } from './whole-request.ts'

/** Callers whom nobody knows (webhooks, public functions) may hold this share of the memory for bodies. */
const shareOfStrangers = 0.25
/** What the smallest piece of a body costs beside its bytes. */
const pieceBytes = 256
/** A body that is whole at once and not longer than this is not worth counting. */
const smallBytes = 64 * 1024

const noBody = Buffer.alloc(0)

/** Takes pieces of one body as they come. */
export interface BodyTaker {
  /** The error that ends the body, if it may not go on. */
  take(piece: Buffer): Error | null
}

export interface BodyLimits {
  maxBytes: number
  /** False: nobody knows who sends it. */
  isKnown: boolean
}

/**
 * Every body that is being received, or was and is still at work, within one bound: however many connections there are,
 * their bodies do not fill the memory. A body counts until its answer is over.
 */
export class Bodies {
  #maxBytes: number
  #held = 0

  constructor(maxBytesTogether: number) {
    this.#maxBytes = maxBytesTogether
  }

  get heldBytes(): number {
    return this.#held
  }

  /** The whole body. Rejects with FaasError: `too_large`, `too_many_bodies`, `invalid_request` when it breaks off. */
  read(incoming: IncomingMessage, outgoing: ServerResponse, limits: BodyLimits): Promise<Buffer> {
    const { 'content-length': announced, 'transfer-encoding': encoding } = incoming.headers
    if (announced === undefined && encoding === undefined) return Promise.resolve(noBody)
    const length = announced === undefined ? null : Number(announced)
    if (length !== null && length > limits.maxBytes) return Promise.reject(tooLarge(limits.maxBytes))
    const hold = new Hold(this, limits, length)
    const whole = incoming instanceof WholeRequest ? incoming.whole(hold) : undefined
    return hold.until(whole ?? readStream(incoming, hold), outgoing)
  }

  /** True when there is room for these bytes. */
  hold(bytes: number, isKnown: boolean): boolean {
    if (this.#held + bytes > this.#maxBytes * (isKnown ? 1 : shareOfStrangers)) return false
    this.#held += bytes
    return true
  }

  release(bytes: number): void {
    this.#held -= bytes
  }
}

/** What one body holds of the memory for all. */
class Hold implements BodyTaker {
  #bodies: Bodies
  #limits: BodyLimits
  #announced: number | null
  #bytes = 0
  #held = 0

  constructor(bodies: Bodies, limits: BodyLimits, announced: number | null) {
    this.#bodies = bodies
    this.#limits = limits
    this.#announced = announced
  }

  take(piece: Buffer): Error | null {
    const isWholeAndSmall = this.#bytes === 0 && piece.length === this.#announced && piece.length <= smallBytes
    this.#bytes += piece.length
    if (isWholeAndSmall) return null
    if (this.#bytes > this.#limits.maxBytes) return tooLarge(this.#limits.maxBytes)
    const cost = piece.length + pieceBytes
    if (!this.#bodies.hold(cost, this.#limits.isKnown)) return tooManyBodies()
    this.#held += cost
    return null
  }

  /** The body, which counts until the answer to it is over. */
  async until(body: Promise<Buffer>, outgoing: ServerResponse): Promise<Buffer> {
    try {
      const bytes = await body
      if (this.#held > 0) this.#releaseAfter(outgoing)
      return bytes
    } catch (error) {
      this.#release()
      throw error
    }
  }

  #releaseAfter(outgoing: ServerResponse): void {
    if (outgoing.closed || outgoing.destroyed) this.#release()
    else outgoing.once('close', () => this.#release())
  }

  #release(): void {
    this.#bodies.release(this.#held)
    this.#held = 0
  }
}

function readStream(incoming: IncomingMessage, taker: BodyTaker): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => {
      const refusal = taker.take(chunk)
      if (refusal === null) chunks.push(chunk)
      else reject(refusal)
    })
    incoming.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    incoming.once('error', () => reject(brokenOff()))
    incoming.once('close', () => reject(brokenOff()))
  })
}
