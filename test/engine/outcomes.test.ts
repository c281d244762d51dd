import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { platformFailure } from '../../src/domain/runs/outcome.ts'
import { killed, outcomeOf, resultTooLarge, timedOut } from '../../src/engine/worker/outcomes.ts'
import { type Frame, FrameType } from '../../src/engine/worker/protocol.ts'

const frame = (type: number, meta: unknown, body = ''): Frame => {
  return { type, call: 1, meta: typeof meta === 'string' ? meta : JSON.stringify(meta), body: Buffer.from(body) }
}
const unknownUsage = { cpuMs: null, memoryPeakMb: null }

describe('a frame that makes no sense is the function’s fault', () => {
  const rows: [string, Frame, number | undefined][] = [
    ['meta that is not JSON', frame(FrameType.result, '{nonsense'), undefined],
    ['meta that is not an object', frame(FrameType.result, [1]), undefined],
    ['a head that is not an object', frame(FrameType.result, { http: null }), undefined],
    ['a head that is a number', frame(FrameType.result, { http: 200 }), undefined],
    ['the end of a stream that never began', frame(FrameType.end, {}), undefined],
    ['a whole answer after a stream began', frame(FrameType.result, { value: 'json' }, '1'), 200],
  ]
  test.each(rows)('%s', (_what, ending, streamedStatus) => {
    expect(outcomeOf(ending, 5, streamedStatus)).toEqual({
      kind: 'raised',
      error: { type: 'ProtocolError', message: expect.any(String), stack: null },
      runMs: 5,
      ...unknownUsage,
    })
  })

  test('whatever it holds, nothing is thrown, and the outcome is the function’s', () => {
    const meta = fc.dictionary(
      fc.constantFrom('type', 'message', 'stack', 'value', 'http', 'cpu_ms', 'memory_peak_bytes', 'x'),
      fc.jsonValue(),
    )
    const type = fc.constantFrom(FrameType.result, FrameType.failed, FrameType.end)
    const status = fc.option(fc.integer({ min: 200, max: 599 }), { nil: undefined })
    fc.assert(
      fc.property(type, meta, status, (ofType, value, streamed) => {
        const outcome = outcomeOf(frame(ofType, value), 1, streamed)
        expect(['returned', 'streamed', 'raised']).toContain(outcome.kind)
      }),
    )
  })
})

describe('what a function returned', () => {
  test.each([
    ['json', 'json'],
    ['text', 'text'],
    ['bytes', 'bytes'],
    ['surprise', 'json'],
    [undefined, 'json'],
  ])('a value said to be %s is %s', (value, kind) => {
    expect(outcomeOf(frame(FrameType.result, { value }, '"x"'), 2.5, undefined)).toEqual({
      kind: 'returned',
      value: { kind, body: Buffer.from('"x"') },
      runMs: 2.5,
      ...unknownUsage,
    })
  })

  test('an answer of an http function has its status and headers, made safe', () => {
    const headers = [
      ['a', 'b'],
      ['bad name', 'c'],
    ]
    const http = { status: 201, headers }
    expect(outcomeOf(frame(FrameType.result, { value: 'bytes', http }), 1, undefined)).toMatchObject({
      kind: 'returned',
      value: { kind: 'bytes', http: { status: 201, headers: [['a', 'b']] } },
    })
  })

  test('a streamed answer has the status that was sent', () => {
    expect(outcomeOf(frame(FrameType.end, {}), 1, 206)).toEqual({
      kind: 'streamed',
      status: 206,
      runMs: 1,
      ...unknownUsage,
    })
  })

  const amounts: [unknown, unknown, number | null, number | null][] = [
    [1.5, 1048576, 1.5, 1],
    [0, 0, 0, 0],
    [12, 47_760_000, 12, 45.5],
    [-1, -1, null, null],
    ['1', '1', null, null],
    [1e300, 1e300, null, null],
    [null, {}, null, null],
  ]
  test.each(amounts)('processor time %j and memory %j are %j ms and %j MiB', (cpu, memory, cpuMs, memoryPeakMb) => {
    const meta = { cpu_ms: cpu, memory_peak_bytes: memory }
    expect(outcomeOf(frame(FrameType.result, meta), 1, undefined)).toMatchObject({ cpuMs, memoryPeakMb })
  })

  test.each([
    [0.5, 0.5],
    [-1, undefined],
    ['1', undefined],
    [undefined, undefined],
  ])('the time without a processor %j is %j ms', (said, stalledMs) => {
    expect(outcomeOf(frame(FrameType.result, { stalled_ms: said }), 1, undefined).stalledMs).toBe(stalledMs)
  })
})

describe('what a function threw', () => {
  test('is reported with class, message and stack', () => {
    const meta = { type: 'TypeError', message: 'no', stack: 'at main.mjs:1', cpu_ms: 2, memory_peak_bytes: 2097152 }
    expect(outcomeOf(frame(FrameType.failed, meta), 3, undefined)).toEqual({
      kind: 'raised',
      error: { type: 'TypeError', message: 'no', stack: 'at main.mjs:1' },
      runMs: 3,
      cpuMs: 2,
      memoryPeakMb: 2,
    })
  })

  test('may be an answer nevertheless', () => {
    const failed = { ...frame(FrameType.failed, { type: 'E', message: 'm' }), body: Buffer.from('{"error":1}') }
    const value = { kind: 'json', body: failed.body }
    expect(outcomeOf(failed, 3, undefined)).toMatchObject({ kind: 'raised', error: { type: 'E' }, value })
  })

  test('is reported also after a streamed response has begun', () => {
    expect(outcomeOf(frame(FrameType.failed, { type: 'E', message: 'm' }), 3, 200)).toMatchObject({ kind: 'raised' })
  })

  test.each([
    ['nothing at all', {}],
    ['no texts', { type: 1, message: null, stack: [] }],
    ['objects that cannot be made text', { type: { toString: 1 }, message: { valueOf: 1, toString: 1 } }],
  ])('with %s is an Error without words', (_what, meta) => {
    expect(outcomeOf(frame(FrameType.failed, meta), 3, undefined)).toMatchObject({
      error: { type: 'Error', message: '', stack: null },
    })
  })

  test('is cut when it is very long', () => {
    const meta = { type: 'E'.repeat(100_000), message: 'm'.repeat(1_000_000), stack: 's'.repeat(1_000_000) }
    const outcome = outcomeOf(frame(FrameType.failed, meta), 3, undefined)
    const { error } = outcome as Extract<typeof outcome, { kind: 'raised' }>
    expect([error.type.length, error.message.length, error.stack?.length]).toEqual([65536, 65536, 65536])
  })
})

describe('how else a run ends', () => {
  test('a deadline names the time that was allowed', () => {
    expect(timedOut(1500, 1502)).toEqual({
      kind: 'timeout',
      error: { type: 'Timeout', message: 'the function did not end within 1.5 s', stack: null },
      runMs: 1502,
      ...unknownUsage,
    })
  })

  test.each([
    [{ code: 3, memoryExceeded: false }, 'FunctionExit', "the function's process ended with code 3"],
    [{ code: null, memoryExceeded: false }, 'FunctionExit', "the function's process ended"],
    [{ code: 137, memoryExceeded: true }, 'MemoryExceeded', 'the function used more than its 128 MiB of memory'],
  ])('an end of the process with %j is %s', (exit, type, message) => {
    expect(killed(exit, 128 * 1048576, 7)).toEqual({
      kind: 'killed',
      error: { type, message, stack: null },
      runMs: 7,
      ...unknownUsage,
    })
  })

  test('a worker that others ended is the fault of the platform', () => {
    const exit = { code: 137, memoryExceeded: false, fromOutside: true }
    expect(killed(exit, 128 * 1048576, 7)).toMatchObject({
      kind: 'platform',
      error: { type: 'PlatformError', message: 'The worker was ended from outside while it ran the function.' },
    })
  })

  test('a fault of ours is the platform’s', () => {
    expect(platformFailure('the engine is gone', 1)).toMatchObject({
      kind: 'platform',
      error: { type: 'PlatformError', message: 'the engine is gone' },
    })
  })

  test('a value that is too long says how long it may be', () => {
    expect(resultTooLarge(1000, 1)).toMatchObject({
      kind: 'raised',
      error: { type: 'ResultTooLarge', message: expect.stringContaining('1000') },
    })
  })
})
