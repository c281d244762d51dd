import type { IncomingMessage, ServerResponse } from 'node:http'
import { noShares, type Shares } from '../domain/limits.ts'
import { mayTake } from '../domain/share.ts'
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
  /** At whose expense it is, where that is known. */
  projectId?: string | undefined
}

/**
 * Every body that is being received, or was and is still at work, within one bound: however many connections there are,
 * their bodies do not fill the memory. A body counts until its answer is over.
 */
export class Bodies {
  #maxBytes: number
  #held = 0
  #heldBy = new Map<string, number>()
  #shares: Pick<Shares, 'refuseMore'>

  constructor(maxBytesTogether: number, shares: Pick<Shares, 'refuseMore'> = noShares) {
    this.#maxBytes = maxBytesTogether
    this.#shares = shares
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

  /** True when there is room for so much more. Throws LimitReached when the project has its share. */
  hold(bytes: number, { isKnown, projectId = '' }: Omit<BodyLimits, 'maxBytes'>): boolean {
    const ofProject = this.#heldBy.get(projectId) ?? 0
    const isRoom = isKnown
      ? mayTake(bytes, this.#held, ofProject, this.#maxBytes)
      : this.#held + bytes <= this.#maxBytes * shareOfStrangers
    if (!isRoom) return false
    if (projectId !== '') this.#shares.refuseMore(projectId, 'bodies_bytes', ofProject, bytes)
    this.#held += bytes
    this.#heldBy.set(projectId, ofProject + bytes)
    return true
  }

  release(bytes: number, projectId = ''): void {
    this.#held -= bytes
    const left = (this.#heldBy.get(projectId) ?? 0) - bytes
    if (left > 0) this.#heldBy.set(projectId, left)
    else this.#heldBy.delete(projectId)
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
    try {
      if (!this.#bodies.hold(cost, this.#limits)) return tooManyBodies()
    } catch (error) {
      return error as Error
    }
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
    this.#bodies.release(this.#held, this.#limits.projectId)
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
