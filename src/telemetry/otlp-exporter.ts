import type { Log } from '../domain/runs/log.ts'
import type { Span, SpanSink } from '../domain/runs/trace.ts'

export interface OtlpExporterOptions {
  /** Base URL of the receiver, such as `http://127.0.0.1:4318`: spans are posted to `/v1/traces` below it. */
  url: string
  /** Headers of each request, for example for authentication. */
  headers: Record<string, string>
  version: string
  log: Log
  /** How long spans are collected before a request. */
  everyMs?: number
  fetch?: typeof fetch
}

const usualEveryMs = 2000
const maxBatch = 512
/** Limit of spans that wait for a slow or unavailable receiver; further ones are dropped and counted. */
const maxWaiting = 8192
const answerMs = 10_000

/**
 * Sends spans to an OpenTelemetry receiver (OTLP/HTTP, JSON). Nothing waits for it: spans are dropped while the receiver is
 * unavailable, and the log reports how many.
 */
export class OtlpExporter implements SpanSink {
  #options: OtlpExporterOptions
  #waiting: Span[] = []
  #dropped = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | null = null
  #isAway = false

  constructor(options: OtlpExporterOptions) {
    this.#options = options
  }

  take(spans: Span[]): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#dropped += spans.length
      return
    }
    this.#waiting.push(...spans)
    if (this.#waiting.length >= maxBatch) void this.#send()
    else this.#sendLater()
  }

  /** Sends the rest once. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#sending
    await this.#send()
  }

  #sendLater(): void {
    if (this.#timer !== undefined || this.#sending !== null) return
    this.#timer = setTimeout(() => void this.#send(), this.#options.everyMs ?? usualEveryMs)
    this.#timer.unref()
  }

  #send(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sending !== null || this.#waiting.length === 0) return this.#sending ?? Promise.resolve()
    const batch = this.#waiting.splice(0, maxBatch)
    this.#sending = this.#post(batch).then((failure) => {
      this.#sending = null
      this.#note(batch.length, failure)
      if (this.#waiting.length > 0) this.#sendLater()
    })
    return this.#sending
  }

  /** Reason of a failure; null: success. */
  async #post(batch: Span[]): Promise<string | null> {
    const { url, headers, version, fetch: ask = fetch } = this.#options
    try {
      const answer = await ask(`${url.replace(/\/+$/, '')}/v1/traces`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(tracesRequest(batch, version)),
        redirect: 'error',
        signal: AbortSignal.timeout(answerMs),
      })
      await answer.body?.cancel()
      return answer.ok ? null : `it answered ${answer.status}`
    } catch (error) {
      return String((error as { cause?: unknown }).cause ?? error)
    }
  }

  /** Logged when the failures begin and end, not each time. */
  #note(count: number, failure: string | null): void {
    const { log } = this.#options
    if (failure !== null) {
      this.#dropped += count
      if (!this.#isAway) log.warn({ reason: failure }, 'traces cannot be sent: spans are dropped until they can')
    } else if (this.#isAway || this.#dropped > 0) {
      log.info({ dropped: this.#dropped }, 'traces are sent again')
      this.#dropped = 0
    }
    this.#isAway = failure !== null
  }
}

const kinds: Record<Span['kind'], number> = { internal: 1, server: 2 }
const failed = 2

/** `ExportTraceServiceRequest` as JSON: ids in hexadecimal, times in nanoseconds as text. */
export function tracesRequest(spans: Span[], version: string): object {
  const resource = attributes({ 'service.name': 'taibai', 'service.version': version })
  return {
    resourceSpans: [
      {
        resource: { attributes: resource },
        scopeSpans: [{ scope: { name: 'taibai', version }, spans: spans.map(spanJson) }],
      },
    ],
  }
}

const spanJson = (span: Span): object => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId !== null && { parentSpanId: span.parentSpanId }),
  name: span.name,
  kind: kinds[span.kind],
  startTimeUnixNano: nanos(span.startMs),
  endTimeUnixNano: nanos(span.endMs),
  attributes: attributes(span.attributes),
  ...(span.failure !== null && { status: { code: failed, message: span.failure } }),
})

const attributes = (values: Record<string, string | number>): object[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: attributeValue(value) }))

function attributeValue(value: string | number): object {
  if (typeof value === 'string') return { stringValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** A double represents current microseconds exactly, but not nanoseconds. */
const nanos = (ms: number): string => `${Math.round(ms * 1000)}000`
