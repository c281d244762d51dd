/** A trace context in the terms of OpenTelemetry and W3C Trace Context. */

export interface TraceContext {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits: the caller's span. */
  spanId: string
  /** True when the caller keeps this trace. */
  isSampled: boolean
}

/** A unit of work with begin and end, in Unix milliseconds with fractions. */
export interface Span {
  traceId: string
  spanId: string
  parentSpanId: string | null
  name: string
  /** `server`: a caller's request; `internal`: a part of it. */
  kind: 'server' | 'internal'
  startMs: number
  endMs: number
  attributes: Record<string, string | number>
  /** Reason of a failure; null: none. */
  failure: string | null
}

/** Receives finished spans. Must be quick and not throw. */
export interface SpanSink {
  take(spans: Span[]): void
}

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/**
 * Parses the header `traceparent` (W3C Trace Context, level 1, section 3.2). Null: absent or invalid; the standard requires to
 * ignore invalid ones. A later version may be longer.
 */
export function parseTraceparent(header: string | undefined): TraceContext | null {
  const found = header === undefined || header.length > 512 ? null : shape.exec(header)
  if (found === null) return null
  const [, version, traceId = '', spanId = '', flags = '', rest] = found
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export const traceparentOf = ({ traceId, spanId, isSampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
