import { describe, expect, test } from 'vitest'
import { aFn, aRuntime } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime({ projectId: 'ops' })
  app.stores.runtimes.insert(runtime)
  const own = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const others = aFn({ projectId: 'blue', runtimeId: runtime.id })
  for (const fn of [own, others]) app.stores.functions.insert(fn)
  return { app, made: { own: own.id, others: others.id } as Record<string, string> }
}

describe('numbers', () => {
  testRows(
    [
      { name: 'are for holders of a token', ask: 'GET /v1/stats', as: 'nobody', status: 401 },
      { name: 'of all projects are for admins', ask: 'GET /v1/stats?all_projects=true', status: 403 },
      {
        name: 'of the functions of all projects are for admins',
        ask: 'GET /v1/stats/functions?all_projects=true',
        status: 403,
      },
      { name: 'have no other parameters', ask: 'GET /v1/stats?status=success', status: 400 },
      {
        name: 'of a function are for holders of a token',
        ask: 'GET /v1/functions/hello/stats',
        as: 'nobody',
        status: 401,
      },
      { name: 'there are none of an unknown function', ask: `GET /v1/functions/${unknownId}/stats`, status: 404 },
      { name: 'nor of one of others', ask: (made) => `GET /v1/functions/${made.others}/stats`, status: 404 },
      { name: 'for Prometheus are for holders of a token', ask: 'GET /metrics', as: 'nobody', status: 401 },
      { name: 'for Prometheus are for admins', ask: 'GET /metrics', status: 403 },
      {
        name: 'of nothing are null',
        ask: 'GET /v1/stats',
        status: 200,
        has: {
          since: '2030-01-02T03:04:05Z',
          executions: 0,
          error_rate: null,
          cold_ratio: null,
          phases: { run: { p50: null, p95: null, p99: null } },
          gb_seconds: { busy: 0, idle_warm: null },
        },
      },
    ],
    prepare,
  )

  async function prepareRuns() {
    const { app, made } = prepare()
    const run = (as: 'alice' | 'bob', id?: string) =>
      app.request('POST', '/v1/executions', { as, json: { function_id: id } })
    await run('alice', made.own)
    await run('alice', made.own)
    app.pool.refusal = new Error('broken')
    await run('alice', made.own)
    app.pool.refusal = null
    await run('bob', made.others)
    return { app, made }
  }

  test.each([
    ['alice', '/v1/stats', 3, 0.3333],
    ['bob', '/v1/stats', 1, 0],
    ['admin', '/v1/stats', 0, null],
    ['admin', '/v1/stats?all_projects=true', 4, 0.25],
    ['alice', '/v1/functions/hello/stats', 3, 0.3333],
  ] as const)('%s sees %s', async (as, path, executions, rate) => {
    const { app } = await prepareRuns()
    const { json } = await app.request('GET', path, { as })
    expect(json).toMatchObject({ executions, error_rate: rate })
    if (executions > 1) expect(json.starts.warm).toBe(executions - 1)
  })

  test.each([
    ['alice', '', [['own', 3, 1, 0.3333]]],
    ['bob', '', [['others', 1, 0, 0]]],
    ['admin', '', []],
    [
      ...['admin' as const, '?all_projects=true'],
      [
        ['own', 3, 1, 0.3333],
        ['others', 1, 0, 0],
      ],
    ],
  ] as const)('of each function are those of the callers of %s%s', async (as, query, rows) => {
    const { app, made } = await prepareRuns()
    const { json } = await app.request('GET', `/v1/stats/functions${query}`, { as })
    const expected = rows.map(([name, executions, error, error_rate]) =>
      expect.objectContaining({ function_id: made[name], executions, error, error_rate, total: expect.anything() }),
    )
    expect(json).toEqual({ since: '2030-01-02T03:04:05Z', functions: expected })
  })

  test('for Prometheus count what was refused, by the code of the answer', async () => {
    const { app } = prepare()
    await app.request('GET', `/v1/functions/${unknownId}`)
    await app.request('POST', '/fn/nowhere')
    const { text } = await app.request('GET', '/metrics', { as: 'admin' })
    expect(text).toContain('taibai_refusals_total{code="not_found"} 2')
  })

  test('for Prometheus are lines of names and values', async () => {
    const { app } = await prepareRuns()
    const { text, headers } = await app.request('GET', '/metrics', { as: 'admin' })
    expect(headers.get('Content-Type')).toContain('text/plain; version=0.0.4')
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{.*\})? [\d.e+-]+)$/)
    expect(text).toContain('taibai_executions_total{status="success"} 3')
    expect(text).toContain('taibai_phase_seconds_bucket{phase="run",le="+Inf"} 4')
    expect(text).toContain('taibai_phase_seconds_count{phase="total"} 4')
    expect(text).toContain('taibai_running 0')
    expect(text).toContain('taibai_waiting_calls 0')
    expect(text).toContain('taibai_data_free_bytes 5000000000')
    expect(text).toContain('taibai_info{version="0.0.0"} 1')
  })
})
