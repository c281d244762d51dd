import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixtureActions } from '../support/fixture-functions.ts'
import { getPrometheus, type Prometheus, problemsOfRules, startPrometheus } from '../support/prometheus.ts'
import { projectFolder, ServerProcess } from '../support/server-process.ts'
import { startReceiver } from '../support/trace-receiver.ts'
import { waitUntil } from '../support/wait-until.ts'

const rules = join(projectFolder, 'docs/monitoring/alerts.yml')
const dashboard = JSON.parse(readFileSync(join(projectFolder, 'docs/monitoring/grafana-dashboard.json'), 'utf8'))
const hasPrometheus = await getPrometheus()
if (!hasPrometheus) console.warn('Metrics are not read by a real Prometheus: apt-get has no package of it.')

describe.skipIf(!hasPrometheus)('A real Prometheus', () => {
  let server: ServerProcess
  let prometheus: Prometheus

  beforeAll(async () => {
    server = await ServerProcess.start()
    await server.deploy('hello', fixtureActions.nodejs)
    await server.must('POST', '/fn/hello', { json: { do: 'echo', value: 1 } })
    await server.ask('GET', '/v1/functions/nowhere')
    prometheus = await startPrometheus(new URL(server.url).host, server.token)
    await waitUntil('it has read the metrics', async () => (await prometheus.query('up == 1')).length === 1)
  })
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  test.each([
    ['taibai_executions_total{status="success"}', 1],
    ['taibai_phase_seconds_count{phase="run"}', 1],
    ['taibai_refusals_total{code="not_found"}', 1],
    ['taibai_engine_up', 1],
    ['taibai_waiting_calls', 0],
    ['taibai_ledger_lost_total', 0],
    ['taibai_job_lateness_seconds_count', 0],
    ['taibai_info', 1],
    ['taibai_memory_reserved_bytes <= taibai_memory_budget_bytes and taibai_memory_reserved_bytes > bool 0', 1],
  ])('reads %s', async (expression, value) => {
    await waitUntil(`${expression} is ${value}`, async () => {
      const found = await prometheus.query(expression)
      return found.some((each) => each.value === value || (expression.includes('<=') && each.value > 0))
    })
  })

  test('takes the alert rules, which ask for metrics that there are', async () => {
    expect(await problemsOfRules(rules)).toBe('')
    await expectKnown(readFileSync(rules, 'utf8'))
  })

  test('has every metric that the dashboard asks for', async () => {
    const asked = dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets)
    expect(asked.length).toBeGreaterThan(15)
    await expectKnown(asked.map(({ expr }: { expr: string }) => expr).join('\n'))
  })

  async function expectKnown(text: string): Promise<void> {
    const names = new Set(text.match(/\b(taibai|process)_[a-z_]+[a-z]\b(?=[{[ )/<>=]|$)/gm))
    const known = (await server.must('GET', '/metrics')).text
    for (const name of names) expect(known).toContain(`# HELP ${name.replace(/_(bucket|count|sum)$/, '')} `)
  }
})

describe('A receiver of traces', () => {
  test('gets the spans of a call, whose function sees the same trace', async () => {
    await using receiver = await startReceiver()
    await using server = await ServerProcess.start({ settings: { TAIBAI_OTLP_URL: receiver.url } })
    await server.deploy('hello', fixtureActions.nodejs)
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { json } = await server.must('POST', '/fn/hello', { json: { do: 'context' }, headers: { traceparent } })
    await server.stop()
    // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
    const spans: any[] = receiver.got.flatMap(({ json: { resourceSpans } }) => resourceSpans[0].scopeSpans[0].spans)
    const [whole, run] = [spans.find(({ kind }) => kind === 2), spans.find(({ name }) => name === 'run')]
    expect(whole).toMatchObject({ name: 'hello', parentSpanId: 'b7ad6b7169203331' })
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']))
    expect(json.traceparent).toBe(`00-${whole.traceId}-${run.spanId}-01`)
  })
})
