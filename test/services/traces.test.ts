import { expect, test } from 'vitest'
import type { Span } from '../../src/domain/runs/trace.ts'
import { parseTraceparent } from '../../src/domain/runs/trace.ts'
import { Traces } from '../../src/services/runs/traces.ts'
import { anExecution } from '../support/builders.ts'
import { aRevision } from '../support/fake-workers-pool.ts'

const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'
const phases = { queue: 10, acquire: 100, load: 30, resume: 0, run: 50, total: 160 }

function setUp(ratio = 1) {
  const spans: Span[] = []
  let last = 0
  const newId = (bytes: number) => String(++last).padStart(bytes * 2, '0')
  const traces = new Traces({ sink: { take: (more) => spans.push(...more) }, newId, ratio, random: () => 0.5 })
  return { traces, spans }
}

const cold = () =>
  anExecution({ status: 'success', createdAt: 1000, startKind: 'cold', coldReason: 'first', phases, error: null })

test('nothing is kept of a trace that its caller does not keep, and of those beyond the share that is kept', () => {
  const { traces, spans } = setUp(0.4)
  for (const header of [`${caller}-00`, undefined]) {
    const execution = cold()
    expect(traces.begin(execution, header)).toMatch(/-00$/)
    traces.end(execution, aRevision())
  }
  expect(spans).toEqual([])
})

test('an execution is a span of its caller with a span for each phase that took time', () => {
  const { traces, spans } = setUp()
  const execution = cold()
  const seen = parseTraceparent(traces.begin(execution, `${caller}-01`))
  traces.end(execution, aRevision({ functionName: 'hello' }))
  const [whole, ...parts] = spans as [Span, ...Span[]]
  expect(whole).toMatchObject({
    name: 'hello',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    startMs: 1000,
    endMs: 1160,
    failure: null,
    attributes: { 'faas.name': 'hello', 'taibai.start_kind': 'cold', 'taibai.cold_reason': 'first' },
  })
  const nameOf = new Map(spans.map(({ spanId, name }) => [spanId, name]))
  const shown = parts.map(({ name, parentSpanId, startMs, endMs }) => {
    return [name, nameOf.get(parentSpanId as string), startMs, endMs]
  })
  expect(shown).toEqual([
    ['queue', 'hello', 1000, 1010],
    ['acquire', 'hello', 1010, 1110],
    ['load', 'acquire', 1080, 1110],
    ['run', 'hello', 1110, 1160],
  ])
  expect(seen).toMatchObject({ traceId: whole.traceId, spanId: parts[3]?.spanId, isSampled: true })
})

test('an execution whose function never began has a trace of its own that says why', () => {
  const { traces, spans } = setUp()
  const error = { type: 'PlatformError', message: 'no worker', stack: null }
  traces.end(anExecution({ status: 'error', error, phases: null }), null)
  expect(spans).toHaveLength(1)
  expect(spans[0]).toMatchObject({ parentSpanId: null, failure: 'PlatformError' })
})
