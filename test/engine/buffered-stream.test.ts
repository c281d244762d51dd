import { describe, expect, test } from 'vitest'
import { BufferedStream } from '../../src/engine/worker/buffered-stream.ts'

function collected(type: string | null, ...chunks: string[]) {
  const stream = new BufferedStream(1000)
  stream.head({ status: 201, headers: type === null ? [] : [['Content-Type', type]] })
  for (const chunk of chunks) expect(stream.write(Buffer.from(chunk))).toBe(true)
  return stream
}

describe('a streamed answer that nobody listens to', () => {
  test('is put together, with its status and headers', () => {
    expect(collected('text/html', 'one ', 'two').value()).toEqual({
      kind: 'text',
      body: Buffer.from('one two'),
      http: { status: 201, headers: [['Content-Type', 'text/html']] },
    })
  })

  test('keeps what it was given, although the bytes are used again', () => {
    const stream = new BufferedStream(1000)
    const bytes = Buffer.from('first')
    stream.write(bytes)
    bytes.fill('x')
    expect(String(stream.value().body)).toBe('first')
  })

  const kinds: [string | null, string, string][] = [
    ['application/json', '{"a":1}', 'json'],
    ['Application/JSON; charset=utf-8', '[]', 'json'],
    ['application/problem+json', '{}', 'json'],
    ['application/jsonlines', '{}', 'bytes'],
    ['application/json', '', 'text'],
    ['application/json', '{"a":1}\n{"a":2}', 'text'],
    ['text/plain', 'x', 'text'],
    ['image/png', 'x', 'bytes'],
    [null, 'x', 'bytes'],
  ]
  test.each(kinds)('with type %j and body %j is %s', (type, body, kind) => {
    expect(collected(type, body).value().kind).toBe(kind)
  })

  test('as long as may be kept is kept', () => {
    const stream = collected(null, 'x'.repeat(999), 'y')
    expect([stream.tooLarge, stream.value().body.length]).toEqual([false, 1000])
  })

  test('longer than may be kept is let go, to its end', () => {
    const stream = collected(null, 'x'.repeat(999), 'yy', 'z'.repeat(5000))
    expect([stream.tooLarge, stream.value().body.length]).toEqual([true, 0])
  })
})
