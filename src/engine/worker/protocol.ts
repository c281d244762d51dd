/**
 * The frames between server and worker, as `runtimes/README.md` describes them. Pure: bytes to frames and back. The other side is
 * not trusted: a frame that is too long or too short throws a ProtocolError.
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

/** Exit codes of shims that the server tells apart from those of functions. */
export const shimExitCodes = { linkLost: 113 } as const

/** Longest frame either side accepts, in bytes after the length field. */
export const maxFrameBytes = 16 * 1024 * 1024

/** Bytes of CHUNK bodies a call may send before it must wait for CREDIT. */
export const streamWindowBytes = 1024 * 1024

/** Longest meta: the texts of an error with every character escaped. */
export const maxMetaBytes = 1.5 * 1024 * 1024

/** Frames up to this length are accepted for each type. */
export const maxUnaskedBytes = 64 * 1024

/** Limit of objects, arrays and members in a meta; the head of a response with 1,300 headers stays below. */
const maxMetaParts = 4096
/** A shorter text cannot exceed the limit. */
const maxUncountedMeta = 2 * maxMetaParts

const lengthBytes = 4
const headBytes = 9
/** Bytes until the type and the call of a frame are known. */
const kindBytes = lengthBytes + 5
const emptyBody = Buffer.alloc(0)

export interface Frame {
  type: number
  /** The call's number; 0 for frames without a call. */
  call: number
  /** JSON text of an object, or empty; the recipient parses it. */
  meta: string
  body: Buffer
}

/** Longest frame of a type for a call, in bytes after the length field. */
export type FrameLimit = (type: number, call: number) => number

export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** Encodes a frame as one or two buffers, so that a large body is not copied. */
export function encodeFrame(type: FrameType, call: number, meta: string, body: Buffer = emptyBody): Buffer[] {
  const metaBytes = Buffer.byteLength(meta)
  const copyBody = body.length <= 4096
  const whole = Buffer.allocUnsafe(lengthBytes + headBytes + metaBytes + (copyBody ? body.length : 0))
  writeHead(whole, 0, type, call, meta, metaBytes, body.length)
  if (!copyBody) return [whole, body]
  body.copy(whole, lengthBytes + headBytes + metaBytes)
  return [whole]
}

/** Writes a frame into `bytes` and returns where it ends; null: there may be no room for it. */
export function writeFrame(
  bytes: Buffer,
  at: number,
  type: FrameType,
  call: number,
  meta: string,
  body: Buffer = emptyBody,
): number | null {
  // A UTF-16 unit takes at most three bytes of UTF-8.
  if (lengthBytes + headBytes + meta.length * 3 + body.length > bytes.length - at) return null
  const metaBytes = Buffer.byteLength(meta)
  const bodyAt = writeHead(bytes, at, type, call, meta, metaBytes, body.length)
  bytes.set(body, bodyAt)
  return bodyAt + body.length
}

/** Everything of a frame but its body; returns where that belongs. */
function writeHead(
  bytes: Buffer,
  at: number,
  type: FrameType,
  call: number,
  meta: string,
  metaBytes: number,
  bodyBytes: number,
): number {
  const length = headBytes + metaBytes + bodyBytes
  if (length > maxFrameBytes) throw new ProtocolError(`a frame of ${length} bytes is longer than ${maxFrameBytes}`)
  bytes.writeUInt32BE(length, at)
  bytes[at + 4] = type
  bytes.writeUInt32BE(call, at + 5)
  bytes.writeUInt32BE(metaBytes, at + 9)
  const metaAt = at + lengthBytes + headBytes
  // Most metas are ASCII, which latin1 writes without encoding.
  bytes.write(meta, metaAt, metaBytes === meta.length ? 'latin1' : 'utf8')
  return metaAt + metaBytes
}

/** Decodes arriving bytes into frames. A body is a view of the input buffer: copy it to keep it. */
export class FrameDecoder {
  #limitOf: FrameLimit
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  /** Buffers behind `#buffer` that are not joined to it yet. */
  #later: Buffer[] = []
  #laterBytes = 0
  /** Bytes needed to continue decoding; avoids joining the many small pieces of a large frame. */
  #wanted = lengthBytes

  /** `limitOf`: longest frame of a kind, checked as soon as the kind is known and before the rest is kept. */
  constructor(limitOf: FrameLimit = () => maxFrameBytes) {
    this.#limitOf = limitOf
  }

  /** Bytes kept from frames that are incomplete or not consumed yet. */
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

  /** The next complete frame; null: more bytes are needed. Throws ProtocolError, after which the decoder is unusable. */
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

  /** Joins the buffer until it holds at least `bytes` from `#at` on. */
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

/** Parses the meta of a frame; throws ProtocolError when it is not an object. */
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

/** Counts objects, arrays and commas outside of strings, up to the limit: many of them make parsing slow, long texts do not. */
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
