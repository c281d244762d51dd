import { describe, expect, test } from 'vitest'
import { parseTraceparent, traceparentOf } from '../../src/domain/runs/trace.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

describe('the header traceparent', () => {
  test.each([
    ['nothing', undefined],
    ['no ids', 'hello'],
    ['digits in capitals', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['the version that is forbidden', `ff-${traceId}-${spanId}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['more than its version has', `00-${traceId}-${spanId}-01-more`],
    ['a text without end', `cc-${traceId}-${spanId}-01-${'x'.repeat(1000)}`],
  ])('is ignored with %s', (_what, header) => {
    expect(parseTraceparent(header)).toBeNull()
  })

  test.each([
    [`00-${traceId}-${spanId}-01`, true],
    [`00-${traceId}-${spanId}-00`, false],
    [`cc-${traceId}-${spanId}-03-what-comes-later`, true],
  ])('%s is read', (header, isSampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId, spanId, isSampled })
  })

  test('is written as it is read', () => {
    const header = `00-${traceId}-${spanId}-01`
    expect(traceparentOf(parseTraceparent(header) ?? expect.unreachable())).toBe(header)
  })
})
