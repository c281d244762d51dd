import type { IncomingMessage, ServerResponse } from 'node:http'
import { isWithinFairShare } from '../../domain/fair-share.ts'
import { noShares, type Shares } from '../../domain/platform/limits.ts'
import { incompleteBody, tooLarge, tooManyBodies } from './body-errors.ts'
import { WholeRequest } from './whole-request.ts'

/** Share of the memory for bodies that anonymous callers (webhooks, public functions) may use. */
const shareOfStrangers = 0.25
/** Memory of a piece of a body in addition to its bytes. */
const pieceBytes = 256
/** Bodies up to this size that arrive in one piece are not counted. */
const smallBytes = 64 * 1024

const noBody = Buffer.alloc(0)

/** Receives the pieces of one body. */
export interface BodyTaker {
  /** Returns the error that ends the body, or null. */
  take(piece: Buffer): Error | null
}

export interface BodyLimits {
  maxBytes: number
  /** False: the caller is anonymous. */
  isKnown: boolean
  /** The project whose share the body uses, if known. */
  projectId?: string | undefined
}

/**
 * Limits the memory of all request bodies together, across all connections: those being received and those whose request is still
 * being handled. A body counts until its response is complete.
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

  /** Reads the whole body. Rejects with FaasError: `too_large`, `too_many_bodies`, or `invalid_request` when it breaks off. */
  read(incoming: IncomingMessage, outgoing: ServerResponse, limits: BodyLimits): Promise<Buffer> {
    const { 'content-length': announced, 'transfer-encoding': encoding } = incoming.headers
    if (announced === undefined && encoding === undefined) return Promise.resolve(noBody)
    const length = announced === undefined ? null : Number(announced)
    if (length !== null && length > limits.maxBytes) return Promise.reject(tooLarge(limits.maxBytes))
    const hold = new Hold(this, limits, length, outgoing)
    const whole = incoming instanceof WholeRequest ? incoming.whole(hold) : undefined
    return whole ?? readStream(incoming, hold)
  }

  /** True when there is room for more bytes. Throws LimitReached when the project has reached its share. */
  hold(bytes: number, { isKnown, projectId = '' }: Omit<BodyLimits, 'maxBytes'>): boolean {
    const ofProject = this.#heldBy.get(projectId) ?? 0
    const isRoom = isKnown
      ? isWithinFairShare(bytes, this.#held, ofProject, this.#maxBytes)
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

/** The memory that one body holds until its response is complete, or it is refused. */
class Hold implements BodyTaker {
  #bodies: Bodies
  #limits: BodyLimits
  #announced: number | null
  #outgoing: ServerResponse
  #bytes = 0
  #held = 0
  /** Pieces that still arrive are refused like the one before. */
  #refusal: Error | null = null

  constructor(bodies: Bodies, limits: BodyLimits, announced: number | null, outgoing: ServerResponse) {
    this.#bodies = bodies
    this.#limits = limits
    this.#announced = announced
    this.#outgoing = outgoing
  }

  take(piece: Buffer): Error | null {
    const isWholeAndSmall = this.#bytes === 0 && piece.length === this.#announced && piece.length <= smallBytes
    this.#bytes += piece.length
    if (isWholeAndSmall) return null
    this.#refusal ??= this.#bytes > this.#limits.maxBytes ? tooLarge(this.#limits.maxBytes) : this.#hold(piece.length)
    if (this.#refusal !== null) this.#release()
    return this.#refusal
  }

  #hold(bytes: number): Error | null {
    // Nothing would release it any more.
    if (this.#outgoing.closed || this.#outgoing.destroyed) return incompleteBody()
    const cost = bytes + pieceBytes
    try {
      if (!this.#bodies.hold(cost, this.#limits)) return tooManyBodies()
    } catch (error) {
      return error as Error
    }
    if (this.#held === 0) this.#outgoing.once('close', () => this.#release())
    this.#held += cost
    return null
  }

  #release(): void {
    if (this.#held > 0) this.#bodies.release(this.#held, this.#limits.projectId)
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
    incoming.once('end', () => {
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
      chunks.length = 0
    })
    incoming.once('error', () => reject(incompleteBody()))
    incoming.once('close', () => reject(incompleteBody()))
  })
}
