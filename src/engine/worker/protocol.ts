/**
 * The frames between server and worker, as `runtimes/README.md` describes them. Pure: bytes to frames and back.
 * Nothing here trusts the other side: a frame that is too long or too short throws a ProtocolError.
 */

export const FrameType = {
  bind: 1,
  call: 2,
  cancel: 3,
  credit: 4,
  session: 5,
  code: 6,
  hello: 16,
  bound: 17,
  bindFailed: 18,
  result: 19,
  failed: 20,
  log: 21,
  head: 22,
  chunk: 23,
  end: 24,
  knock: 25,
} as const

export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** Longest frame either side accepts, in bytes after the length field. */
export const maxFrameBytes = 16 * 1024 * 1024

/** Bytes of CHUNK bodies a call may send before it must wait for CREDIT. */
export const streamWindowBytes = 1024 * 1024

/** Longest meta: the texts of an error, each character escaped. */
export const maxMetaBytes = 1.5 * 1024 * 1024

/** Frames up to this length are taken whatever their kind. */
export const maxUnaskedBytes = 64 * 1024

/** Objects, arrays and members that one meta may have: an answer's head with 1,300 headers fits. */
const maxMetaParts = 4096
/** No shorter text can have more. */
const maxUncountedMeta = 2 * maxMetaParts

const lengthBytes = 4
const headBytes = 9
/** Until the type and the call of a frame are known. */
const kindBytes = lengthBytes + 5
const emptyBody = Buffer.alloc(0)

export interface Frame {
  type: number
  /** The call's number, 0 where no call is meant. */
  call: number
  /** JSON text of an object, or empty; parsed by who needs it. */
  meta: string
  body: Buffer
}

/** The longest frame of a type for a call, in bytes after the length field. */
export type FrameLimit = (type: number, call: number) => number

export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** One frame as the bytes to send, in one or two pieces so that a large body is not copied. */
export function encodeFrame(type: FrameType, call: number, meta: string, body: Buffer = emptyBody): Buffer[] {
  const metaBytes = Buffer.byteLength(meta)
  const length = headBytes + metaBytes + body.length
  if (length > maxFrameBytes) throw new ProtocolError(`a frame of ${length} bytes is longer than ${maxFrameBytes}`)
  const copyBody = body.length <= 4096
  const head = Buffer.allocUnsafe(lengthBytes + headBytes + metaBytes + (copyBody ? body.length : 0))
  head.writeUInt32BE(length, 0)
  head[4] = type
  head.writeUInt32BE(call, 5)
  head.writeUInt32BE(metaBytes, 9)
  // Metas are ASCII as a rule, which needs no encoding.
  head.write(meta, lengthBytes + headBytes, metaBytes === meta.length ? 'latin1' : 'utf8')
  if (!copyBody) return [head, body]
  body.copy(head, lengthBytes + headBytes + metaBytes)
  return [head]
}

/** Turns arriving bytes into frames. A body is a view into what arrived: copy it to keep it long. */
export class FrameDecoder {
  #limitOf: FrameLimit
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  /** What came behind `#buffer` and is not joined to it yet. */
  #later: Buffer[] = []
  #laterBytes = 0
  /** Bytes that must be there before decoding goes on; spares joining many small pieces of a large frame. */
  #wanted = lengthBytes

  /** `limitOf`: longest frame of a kind, asked as soon as its kind is known and before the rest of it is kept. */
  constructor(limitOf: FrameLimit = () => maxFrameBytes) {
    this.#limitOf = limitOf
  }

  /** Bytes that are kept: of frames that are not complete, or not asked for yet. */
  get heldBytes(): number {
    return this.#buffer.length - this.#at + this.#laterBytes
  }

  add(chunk: Buffer): void {
    if (this.#at === this.#buffer.length) {
      this.#buffer = chunk
      this.#at = 0
    } else {
      this.#later.push(chunk)
      this.#laterBytes += chunk.length
    }
  }

  /** The next frame that is complete; null: more must come. Throws ProtocolError; the decoder is then of no more use. */
  next(): Frame | null {
    while (this.heldBytes >= this.#wanted) {
      const bytes = this.#joined(this.#wanted)
      const length = frameLength(bytes, this.#at)
      if (this.heldBytes < kindBytes) {
        this.#wanted = kindBytes
        continue
      }
      if (length > maxUnaskedBytes) this.#checkLimit(this.#joined(kindBytes), length)
      if (this.heldBytes < lengthBytes + length) {
        this.#wanted = lengthBytes + length
        return null
      }
      return this.#take(this.#joined(lengthBytes + length), length)
    }
    return null
  }

  /** All frames that are complete now. */
  push(chunk: Buffer): Frame[] {
    this.add(chunk)
    const frames: Frame[] = []
    for (let frame = this.next(); frame !== null; frame = this.next()) frames.push(frame)
    return frames
  }

  #take(bytes: Buffer, length: number): Frame {
    const frame = readFrame(bytes, this.#at + lengthBytes, length)
    this.#at += lengthBytes + length
    this.#wanted = lengthBytes
    return frame
  }

  #checkLimit(bytes: Buffer, length: number): void {
    const limit = this.#limitOf(bytes[this.#at + lengthBytes] as number, bytes.readUInt32BE(this.#at + lengthBytes + 1))
    if (length > limit)
      throw new ProtocolError(`a frame of ${length} bytes is longer than ${limit}, the most of its kind`)
  }

  /** The buffer, joined until it holds at least `bytes` from `#at` on. */
  #joined(bytes: number): Buffer {
    if (this.#buffer.length - this.#at >= bytes) return this.#buffer
    this.#buffer = Buffer.concat([this.#buffer.subarray(this.#at), ...this.#later])
    this.#at = 0
    this.#later = []
    this.#laterBytes = 0
    return this.#buffer
  }
}

function frameLength(buffer: Buffer, at: number): number {
  const length = buffer.readUInt32BE(at)
  if (length < headBytes) throw new ProtocolError(`a frame of ${length} bytes is too short`)
  if (length > maxFrameBytes) throw new ProtocolError(`a frame of ${length} bytes is longer than ${maxFrameBytes}`)
  return length
}

function readFrame(buffer: Buffer, at: number, length: number): Frame {
  const metaBytes = buffer.readUInt32BE(at + 5)
  if (metaBytes > length - headBytes) throw new ProtocolError('the meta of a frame is longer than the frame')
  if (metaBytes > maxMetaBytes) throw new ProtocolError(`a meta of ${metaBytes} bytes is longer than ${maxMetaBytes}`)
  const metaEnd = at + headBytes + metaBytes
  return {
    type: buffer[at] as number,
    call: buffer.readUInt32BE(at + 1),
    meta: metaBytes === 0 ? '' : buffer.toString('utf8', at + headBytes, metaEnd),
    body: buffer.subarray(metaEnd, at + length),
  }
}

/** The meta of a frame as an object; throws ProtocolError when it is not one. */
export function parseMeta(frame: Frame): Record<string, unknown> {
  if (frame.meta === '') return {}
  if (frame.meta.length > maxUncountedMeta && countParts(frame.meta) > maxMetaParts) {
    throw new ProtocolError(`the meta of a frame has more than ${maxMetaParts} parts`)
  }
  const value: unknown = tryParse(frame.meta)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('the meta of a frame is not a JSON object')
  }
  return value as Record<string, unknown>
}

/** Objects, arrays and commas outside of strings, as far as the limit: parsing takes long where there are many, not where texts are long. */
function countParts(json: string): number {
  let parts = 0
  for (let at = 0; at < json.length && parts <= maxMetaParts; at++) {
    const code = json.charCodeAt(at)
    if (code === quote) at = endOfString(json, at + 1)
    else if (code === comma || code === openBrace || code === openBracket) parts++
  }
  return parts
}

const [quote, backslash, comma, openBrace, openBracket] = [34, 92, 44, 123, 91]

function endOfString(json: string, from: number): number {
  let at = from
  while (at < json.length && json.charCodeAt(at) !== quote) at += json.charCodeAt(at) === backslash ? 2 : 1
  return at
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
