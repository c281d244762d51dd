import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameType,
  maxFrameBytes,
  ProtocolError,
  parseMeta,
} from '../../src/engine/worker/protocol.ts'

const frame = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  call: fc.integer({ min: 0, max: 0xffffffff }),
  meta: fc.oneof(
    fc.constant(''),
    fc.dictionary(fc.string({ unit: 'binary' }), fc.json()).map((meta) => JSON.stringify(meta)),
  ),
  body: fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ minLength: 4000, maxLength: 5000 })).map(toBuffer),
})

describe('the bytes of frames', () => {
  test('are the frames again, however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat()), (frames, cuts) => {
        const stream = Buffer.concat(frames.flatMap(encoded))
        expect(decoded(split(stream, cuts))).toEqual(frames)
      }),
    )
  })

  test('are the frames again when they come one by one', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 3 }), (frames) => {
        const stream = Buffer.concat(frames.flatMap(encoded))
        const bytes = Array.from({ length: stream.length }, (_, at) => stream.subarray(at, at + 1))
        expect(decoded(bytes)).toEqual(frames)
      }),
      { numRuns: 30 },
    )
  })

  test('yield each frame as soon as its last byte is there, and not before', () => {
    fc.assert(
      fc.property(frame, frame, (first, second) => {
        const decoder = new FrameDecoder()
        const bytes = Buffer.concat(encoded(first))
        expect(decoder.push(bytes.subarray(0, -1))).toEqual([])
        const rest = Buffer.concat([bytes.subarray(-1), ...encoded(second)])
        expect(decoder.push(rest.subarray(0, 1))).toEqual([first])
        expect(decoder.push(rest.subarray(1))).toEqual([second])
      }),
    )
  })

  test('hold length, type, call, length of meta, meta and body', () => {
    const bytes = Buffer.concat(encodeFrame(FrameType.chunk, 0x01020304, '{"ü":1}', Buffer.from('body')))
    expect(bytes).toEqual(
      Buffer.concat([
        Buffer.from([0, 0, 0, 21, 23, 1, 2, 3, 4, 0, 0, 0, 8]),
        Buffer.from('{"ü":1}'),
        Buffer.from('body'),
      ]),
    )
  })

  test('do not contain a copy of a large body', () => {
    const body = Buffer.alloc(100_000)
    expect(encodeFrame(FrameType.result, 1, '', body)[1]).toBe(body)
  })
})

describe('garbage', () => {
  test('is either frames or a ProtocolError, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat()), (bytes, cuts) => {
        const decoder = new FrameDecoder()
        try {
          for (const piece of split(toBuffer(bytes), cuts)) decoder.push(piece)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test.each([0, 1, 8])('a frame of %i bytes is too short', (length) => {
    expect(() => new FrameDecoder().push(head(length, 0))).toThrow(ProtocolError)
  })

  test.each([maxFrameBytes + 1, 0x80000000, 0xffffffff])(
    'a frame of %i bytes is too long, before its body is there',
    (length) => {
      expect(() => new FrameDecoder().push(head(length, 0).subarray(0, 4))).toThrow(ProtocolError)
    },
  )

  test('a meta that is longer than its frame is refused', () => {
    expect(() => new FrameDecoder().push(head(9, 1))).toThrow(ProtocolError)
    expect(() => new FrameDecoder().push(head(9, 0xffffffff))).toThrow(ProtocolError)
  })

  test('a frame that would be too long is not encoded', () => {
    const body = Buffer.alloc(maxFrameBytes - 9)
    expect(encodeFrame(FrameType.result, 1, '', body)[1]).toBe(body)
    expect(() => encodeFrame(FrameType.result, 1, '{}', body)).toThrow(ProtocolError)
  })

  test('the longest frame allowed arrives', () => {
    const body = Buffer.alloc(maxFrameBytes - 9, 7)
    const stream = Buffer.concat(encodeFrame(FrameType.result, 1, '', body))
    const pieces = Array.from({ length: 300 }, (_, n) => stream.subarray(n * 65536, (n + 1) * 65536))
    expect(decoded(pieces)[0]?.body.equals(body)).toBe(true)
  })
})

describe('the meta of a frame', () => {
  const withMeta = (meta: string): Frame => ({ type: FrameType.call, call: 1, meta, body: Buffer.alloc(0) })

  test('is an object, and an empty one when there is none', () => {
    expect(parseMeta(withMeta('{"a":1}'))).toEqual({ a: 1 })
    expect(parseMeta(withMeta(''))).toEqual({})
  })

  test.each(['null', '1', '"x"', '[]', '{', 'undefined', ' '])('that is %j is a ProtocolError', (meta) => {
    expect(() => parseMeta(withMeta(meta))).toThrow(ProtocolError)
  })
})

function encoded({ type, call, meta, body }: Frame): Buffer[] {
  return encodeFrame(type as FrameType, call, meta, body)
}

function decoded(pieces: Buffer[]): Frame[] {
  const decoder = new FrameDecoder()
  return pieces.flatMap((piece) => decoder.push(piece))
}

/** Split at these positions; some pieces may be empty, as some reads are. */
function split(stream: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
  return places.slice(1).map((to, n) => stream.subarray(places[n], to))
}

function head(length: number, metaBytes: number): Buffer {
  const bytes = Buffer.alloc(13)
  bytes.writeUInt32BE(length)
  bytes.writeUInt32BE(metaBytes, 9)
  return bytes
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes)
}
