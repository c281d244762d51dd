import { describe, expect, test } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { Span } from '../../src/domain/runs/trace.ts'
import { OtlpExporter } from '../../src/telemetry/otlp-exporter.ts'
import { startReceiver } from '../support/trace-receiver.ts'
import { waitUntil } from '../support/wait-until.ts'

const span: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: null,
  name: 'hello',
  kind: 'server',
  startMs: 1_893_553_445_000,
  endMs: 1_893_553_445_001.25,
  attributes: { 'faas.name': 'hello', 'taibai.attempt': 1, 'taibai.cpu_ms': 0.5 },
  failure: 'TypeError',
}

function setUp(url: string) {
  const said: string[] = []
  const note = (_keys: object, message: string) => void said.push(message)
  const log = { ...silentLog, warn: note, info: note }
  const exporter = new OtlpExporter({ url, headers: { 'x-team': 'a' }, version: '1.2.3', log, everyMs: 5 })
  return { exporter, said }
}

describe('traces', () => {
  test('that cannot be sent are dropped, and the log says so once, and when they can again', async () => {
    await using receiver = await startReceiver()
    receiver.answers.status = 503
    const { exporter, said } = setUp(receiver.url)
    for (let sent = 1; sent <= 2; sent++) {
      exporter.take([span])
      await waitUntil('it was tried', () => receiver.got.length === sent)
    }
    receiver.answers.status = 200
    exporter.take([span])
    await waitUntil('it says that they are sent again', () => said.length === 2)
    expect(said).toEqual(['traces cannot be sent: spans are dropped until they can', 'traces are sent again'])
  })

  test('hold nothing up when nobody listens', async () => {
    const { exporter, said } = setUp('http://127.0.0.1:9')
    exporter.take([span])
    await exporter.close()
    expect(said).toEqual(['traces cannot be sent: spans are dropped until they can'])
  })

  test('reach the receiver as its protocol has them', async () => {
    await using receiver = await startReceiver()
    const { exporter } = setUp(`${receiver.url}/`)
    exporter.take([span])
    await exporter.close()
    const [{ url, headers, json }] = receiver.got as [(typeof receiver.got)[number]]
    expect(url).toBe('/v1/traces')
    expect(headers).toMatchObject({ 'x-team': 'a', 'content-type': 'application/json' })
    const [{ resource, scopeSpans }] = json.resourceSpans
    expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'taibai' } })
    expect(scopeSpans[0].spans).toEqual([
      {
        traceId: span.traceId,
        spanId: span.spanId,
        name: 'hello',
        kind: 2,
        startTimeUnixNano: '1893553445000000000',
        endTimeUnixNano: '1893553445001250000',
        attributes: [
          { key: 'faas.name', value: { stringValue: 'hello' } },
          { key: 'taibai.attempt', value: { intValue: '1' } },
          { key: 'taibai.cpu_ms', value: { doubleValue: 0.5 } },
        ],
        status: { code: 2, message: 'TypeError' },
      },
    ])
  })
})
