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
  hello: 16,
  bound: 17,
  bindFailed: 18,
  result: 19,
  failed: 20,
  log: 21,
  head: 22,
  chunk: 23,
  end: 24,
} as const

export type FrameType = (typeof FrameType)[keyof typeof FrameType]

/** Longest frame either side accepts, in bytes after the length field. */
export const maxFrameBytes = 16 * 1024 * 1024

/** Bytes of CHUNK bodies a call may send before it must wait for CREDIT. */
export const streamWindowBytes = 1024 * 1024

const lengthBytes = 4
const headBytes = 9
const emptyBody = Buffer.alloc(0)

export interface Frame {
  type: number
  /** The call's number, 0 where no call is meant. */
  call: number
  /** JSON text of an object, or empty; parsed by who needs it. */
  meta: string
  body: Buffer
}

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
  #chunks: Buffer[] = []
  #bytes = 0
  /** Bytes that must be there before decoding goes on; spares joining many small pieces of a large frame. */
  #wanted = lengthBytes

  /** All frames that are complete now. Throws ProtocolError; the decoder is then of no more use. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#wanted) return []
    return this.#take(this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes))
  }

  #take(buffer: Buffer): Frame[] {
    const frames: Frame[] = []
    let at = 0
    this.#wanted = lengthBytes
    while (buffer.length - at >= lengthBytes) {
      const length = frameLength(buffer, at)
      if (buffer.length - at < lengthBytes + length) {
        this.#wanted = lengthBytes + length
        break
      }
      frames.push(readFrame(buffer, at + lengthBytes, length))
      at += lengthBytes + length
    }
    this.#keep(buffer, at)
    return frames
  }

  #keep(buffer: Buffer, from: number): void {
    this.#bytes = buffer.length - from
    this.#chunks = this.#bytes === 0 ? [] : [buffer.subarray(from)]
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
  const value: unknown = tryParse(frame.meta)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('the meta of a frame is not a JSON object')
  }
  return value as Record<string, unknown>
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
