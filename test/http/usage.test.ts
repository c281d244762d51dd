import { describe, expect, test } from 'vitest'
import { dayOf } from '../../src/domain/platform/usage.ts'
import { aFn, aRuntime, builtAt } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const today = dayOf(builtAt)

function prepare(clock = new FakeClock()) {
  const app = makeTestApp({ clock })
  const runtime = aRuntime({ projectId: 'ops' })
  app.stores.runtimes.insert(runtime)
  const own = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const others = aFn({ projectId: 'blue', name: '=1+1', runtimeId: runtime.id })
  for (const fn of [own, others]) app.stores.functions.insert(fn)
  const used = { calls: 1, busyGbSeconds: 2, idleGbSeconds: 3, cpuSeconds: 0.5, bytesIn: 10, bytesOut: 20 }
  app.usage.addUsage([
    { ...used, day: '2029-12-31', projectId: 'red', functionId: own.id },
    { ...used, day: today, projectId: 'red', functionId: own.id },
    { ...used, day: today, projectId: 'blue', functionId: others.id },
    { ...used, day: today, projectId: 'red', functionId: '0190a000-0000-7000-8000-00000000dead' },
  ])
  return { app, made: { own: own.id, others: others.id } as Record<string, string> }
}

describe('usage', () => {
  testRows(
    [
      { name: 'is for holders of a token', ask: 'GET /v1/usage', as: 'nobody', status: 401 },
      { name: 'of all projects is for admins', ask: 'GET /v1/usage?all_projects=true', status: 403 },
      { name: 'is by what there is', ask: 'GET /v1/usage?by=hour', status: 400 },
      { name: 'is of days that there are', ask: 'GET /v1/usage?from=2026-02-30', status: 400 },
      { name: 'is of days, not of times', ask: 'GET /v1/usage?to=yesterday', status: 400 },
      { name: 'does not go backwards', ask: 'GET /v1/usage?from=2030-02-01&to=2030-01-01', status: 400 },
      { name: 'is JSON or CSV', ask: 'GET /v1/usage?format=xml', status: 400 },
      { name: 'has no other parameters', ask: 'GET /v1/usage?limit=3', status: 400 },
    ],
    () => prepare(),
  )

  test('is of this month and the own project, by function; what is gone has no name', async () => {
    const { app, made } = prepare()
    expect((await app.request('GET', '/v1/usage')).json).toEqual({
      from: `${today.slice(0, 8)}01`,
      to: today,
      usage: [
        {
          ...{ day: null, project_id: 'red', function_id: made.own, function_name: 'hello', calls: 1 },
          ...{ busy_gb_seconds: 2, idle_gb_seconds: 3, cpu_seconds: 0.5, bytes_in: 10, bytes_out: 20 },
        },
        expect.objectContaining({ function_name: null, calls: 1 }),
      ],
    })
  })

  test('is of the days that are asked for, of all projects for admins', async () => {
    const { app } = prepare()
    const ask = async (query: string) =>
      (await app.request('GET', `/v1/usage?all_projects=true&${query}`, { as: 'admin' })).json.usage
    expect(await ask('from=2029-12-31&by=day')).toMatchObject([
      { day: '2029-12-31', calls: 1, project_id: null },
      { day: today, calls: 3 },
    ])
    expect(await ask('by=project')).toMatchObject([
      { project_id: 'red', calls: 2 },
      { project_id: 'blue', calls: 1 },
    ])
  })

  test('is CSV, in which a name is no formula', async () => {
    const { app, made } = prepare()
    const asked = await app.request('GET', '/v1/usage?by=day,function&format=csv', { as: 'bob' })
    expect(asked.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(asked.text).toBe(
      'day,project_id,function_id,function_name,calls,busy_gb_seconds,idle_gb_seconds,cpu_seconds,bytes_in,bytes_out\r\n' +
        `${today},blue,${made.others},'=1+1,1,2,3,0.5,10,20\r\n`,
    )
    const accepted = await app.request('GET', '/v1/usage', { headers: { accept: 'text/csv' } })
    expect(accepted.text.split('\r\n')).toHaveLength(4)
  })

  test('of a call is there at once', async () => {
    const { app, made } = prepare()
    await app.request('POST', '/fn/hello', { json: 'abc' })
    const [row] = (await app.request('GET', '/v1/usage')).json.usage
    expect(row).toMatchObject({ function_id: made.own, calls: 2, bytes_in: 15, bytes_out: 25, cpu_seconds: 0.501 })
  })
})

describe('a budget of GB-seconds a day', () => {
  test('that is spent stops the calls of the project until the next day, and accepted runs wait for it', async () => {
    const { app, made } = prepare(new FakeClock(Date.parse(`${today}T23:59:50Z`)))
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { gb_seconds_per_day: 5 } })
    const call = (name = 'hello', as: 'alice' | 'bob' = 'alice') => app.request('POST', `/fn/${name}`, { as, json: {} })
    expect((await call()).status).toBe(200)
    const revision = app.targets.resolveIn('red', { functionId: made.own }).revision
    app.meter.held({ ...revision, memoryBytes: 1024 ** 3 }, 5000, true)
    const refused = await call()
    expect(refused).toMatchObject({
      status: 429,
      json: {
        code: 'limit_reached',
        faultstring: 'This project has reached its limit gb_seconds_per_day: 5, and 5 are used; try again later.',
        limit: { name: 'gb_seconds_per_day', of: 'project', value: 5, used: 5 },
      },
    })
    const untilMidnight = (Date.parse(`${today}T24:00:00Z`) - app.clock.now()) / 1000
    expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(untilMidnight))
    expect((await call(made.others, 'bob')).status).toBe(200)
    const limits = (await app.request('GET', '/v1/limits')).json.limits
    expect(limits).toContainEqual(expect.objectContaining({ name: 'gb_seconds_per_day', value: 5, used: 5 }))

    const { id } = (await app.request('POST', '/v1/executions', { json: { function_id: made.own, sync: false } })).json
    await app.clock.pass(5000)
    expect((await app.request('GET', `/v1/executions/${id}`)).json.status).toBe('running')
    app.meter.start(() => {})
    await app.clock.pass(untilMidnight * 1000)
    expect((await app.request('GET', `/v1/executions/${id}`)).json.status).toBe('success')
    expect((await call()).status).toBe(200)
    app.meter.close()
  })

  test('of a function stops its calls alone, and is no other’s', async () => {
    const { app, made } = prepare(new FakeClock(Date.parse(`${today}T12:00:00Z`)))
    const change = (value: unknown) =>
      app.request('PUT', '/v1/functions/hello', { json: { max_gb_seconds_per_day: value } })
    expect((await change(-1)).status).toBe(400)
    expect((await change(5)).json.max_gb_seconds_per_day).toBe(5)
    const json = { runtime_id: null, code: { source: 'image', image: 'a:1' }, name: 'beside' }
    expect((await app.request('POST', '/v1/functions', { json })).status).toBe(201)
    const call = (name: string) => app.request('POST', `/fn/${name}`, { json: {} })
    expect((await call('hello')).status).toBe(200)
    const { revision } = app.targets.resolveIn('red', { functionId: made.own })
    app.meter.held({ ...revision, memoryBytes: 1024 ** 3 }, 5000, true)
    expect(await call('hello')).toMatchObject({
      status: 429,
      json: { limit: { name: 'max_gb_seconds_per_day', of: 'function', value: 5, used: 5 } },
    })
    expect((await call('beside')).status).toBe(200)
    expect((await change(null)).json.max_gb_seconds_per_day).toBeNull()
    expect((await call('hello')).status).toBe(200)
  })
})
