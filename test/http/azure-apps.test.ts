/** Apps of Azure Functions: what they hold is listed, timers are jobs, keys are tokens. */
import { describe, expect, test } from 'vitest'
import { zipOf } from '../../src/store/zip-of.ts'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

const hello = { name: 'hello', trigger: 'httpTrigger', route: '/api/hello', methods: ['GET'], auth_level: 'function' }
const timer = (name: string, schedule: string) => ({ name, trigger: 'timerTrigger', schedule })
const zip = zipOf('host.json', '{}')

async function deployed() {
  const app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs', projectId: 'ops' }))
  app.pool.functions = [hello, timer('nightly', '0 0 3 * * *'), timer('often', '00:05:00')]
  const form = { code: '{"source":"package"}', runtime: 'nodejs', name: 'shop', signature: 'azure', package: zip }
  const made = await app.request('POST', '/v1/functions', { form })
  return { app, made, jobs: async () => (await app.request('GET', '/v1/jobs')).json.jobs as Record<string, unknown>[] }
}

describe('a deployed app', () => {
  test('is listed with its functions, and its timers are jobs', async () => {
    const { app, made, jobs } = await deployed()
    expect(made.status).toBe(201)
    expect(made.json.timeout).toBe(300)
    expect((await app.request('GET', '/v1/functions/shop')).json.code.functions).toEqual(app.pool.functions)
    expect(await jobs()).toMatchObject([
      { name: 'nightly', pattern: '0 3 * * *', function_input: '{"target":"nightly"}', overlap: 'skip' },
      { name: 'often', pattern: '*/5 * * * *' },
    ])
  })

  test('takes new code although it has timers: those that stay keep their jobs', async () => {
    const { app, jobs } = await deployed()
    const [before] = await jobs()
    app.pool.functions = [hello, timer('nightly', '0 0 3 * * *'), timer('often', '00:10:00')]
    const form = { code: '{"source":"package"}', package: zipOf('host.json', '{"version":"2.0"}') }
    expect((await app.request('PUT', '/v1/functions/shop', { form })).status).toBe(200)
    const after = await jobs()
    expect(after.map(({ pattern }) => pattern)).toEqual(['0 3 * * *', '*/10 * * * *'])
    expect(after[0]?.id).toBe(before?.id)
  })

  test('is removed with its timers, while jobs of others stand in the way', async () => {
    const { app, jobs } = await deployed()
    const job = { function_id: 'shop', pattern: '* * * * *', name: 'own' }
    const own = await app.request('POST', '/v1/jobs', { json: { ...job, function_id: await idOf(app) } })
    expect((await app.request('DELETE', '/v1/functions/shop')).status).toBe(403)
    await app.request('DELETE', `/v1/jobs/${own.json.id}`)
    expect((await app.request('DELETE', '/v1/functions/shop')).status).toBe(204)
    expect(await jobs()).toEqual([])
  })

  test('a schedule that no job can have is refused, and nothing is made', async () => {
    const { app } = await deployed()
    app.pool.functions = [timer('odd', '00:07:00')]
    const form = { code: '{"source":"package"}', runtime: 'nodejs', name: 'odd', signature: 'azure', package: zip }
    const { status, json } = await app.request('POST', '/v1/functions', { form })
    expect([status, json.faultstring]).toEqual([400, expect.stringContaining('of the timer odd')])
    expect((await app.request('GET', '/v1/functions/odd')).status).toBe(404)
  })

  test('more timers than its project may have jobs are refused, and nothing is made or changed', async () => {
    const { app, jobs } = await deployed()
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { jobs: 3 } })
    app.pool.functions = [timer('a', '0 0 1 * * *'), timer('b', '0 0 2 * * *')]
    const form = { code: '{"source":"package"}', runtime: 'nodejs', name: 'two', signature: 'azure', package: zip }
    const { status, json } = await app.request('POST', '/v1/functions', { form })
    expect([status, json.limit]).toEqual([429, { name: 'jobs', of: 'project', value: 3, used: 2 }])
    expect((await app.request('GET', '/v1/functions/two')).status).toBe(404)
    const update = (...timers: object[]) => {
      app.pool.functions = timers as never
      const package_ = zipOf('host.json', JSON.stringify({ version: timers.length }))
      return app.request('PUT', '/v1/functions/shop', { form: { code: '{"source":"package"}', package: package_ } })
    }
    const many = ['1', '2', '3', '4'].map((hour) => timer(`at${hour}`, `0 0 ${hour} * * *`))
    expect((await update(...many)).status).toBe(429)
    expect((await jobs()).map(({ name }) => name)).toEqual(['nightly', 'often'])
    expect((await update(...many.slice(1))).status).toBe(200)
    expect(await jobs()).toHaveLength(3)
  })

  test('one of its functions is called by target', async () => {
    const { app } = await deployed()
    const json = { function_id: 'shop', target: 'nightly', input: '{"n":1}' }
    await app.request('POST', '/v1/executions', { json })
    expect(String(app.pool.calls.at(-1)?.call.input.body)).toBe('{"target":"nightly","input":{"n":1}}')
    await app.request('POST', '/v1/executions', { json: { ...json, input: 'text' } })
    expect(String(app.pool.calls.at(-1)?.call.input.body)).toBe('{"target":"nightly","input":"text"}')
  })

  test('callers with a token have its key, and the function does not see it', async () => {
    const { app } = await deployed()
    await app.request('GET', '/fn/shop/api/hello', { headers: { 'x-functions-key': 'spare' } })
    const http = app.pool.calls.at(-1)?.call.http
    expect(http).toMatchObject({ target: '/api/hello', key: expect.stringMatching(/^(function|admin)$/) })
    expect(http?.headers.map(([name]) => name)).not.toContain('x-functions-key')
  })

  test('a public one of another project does not see the token that a caller brings as its key', async () => {
    const { app } = await deployed()
    await app.request('PUT', '/v1/functions/shop', { json: { access: 'public' } })
    for (const key of ['token-of-bob', 'spare']) {
      await app.request('GET', '/fn/shop/api/hello', { as: 'nobody', headers: { 'x-functions-key': key } })
    }
    const keys = app.pool.calls.map(({ call }) => call.http?.headers.find(([name]) => name === 'x-functions-key')?.[1])
    expect(keys).toEqual([undefined, 'spare'])
    for (const code of ['token-of-bob', 'spare']) {
      await app.request('GET', `/fn/shop/api/hello?a=1&code=${code}&b=2`, { as: 'nobody' })
      const http = app.pool.calls.at(-1)?.call.http
      const query = code === 'spare' ? 'a=1&code=spare&b=2' : 'a=1&b=2'
      expect([http?.target, http?.url]).toEqual([`/api/hello?${query}`, expect.stringMatching(RegExp(`\\?${query}$`))])
    }
  })

  test('an admin of another project deploys it with its timers: they are jobs of its project, once', async () => {
    const { app, jobs } = await deployed()
    const path = `/v1/functions/${await idOf(app)}`
    for (const text of ['{"version":"2.0"}', '{"version":"2.1"}']) {
      const form = { code: '{"source":"package"}', package: zipOf('host.json', text) }
      app.pool.functions = [hello, timer('new', '0 0 4 * * *')]
      expect((await app.request('PUT', path, { form, as: 'admin' })).status).toBe(200)
    }
    expect((await jobs()).map(({ name }) => name)).toEqual(['new'])
    expect((await app.request('GET', '/v1/jobs', { as: 'admin' })).json.jobs).toEqual([])
  })

  test('that tells of more than is kept is refused, and nothing is made', async () => {
    const { app } = await deployed()
    app.pool.functions = [{ ...hello, route: `/${'x'.repeat(300_000)}` }]
    const form = { code: '{"source":"package"}', runtime: 'nodejs', name: 'long', signature: 'azure', package: zip }
    const { status, json } = await app.request('POST', '/v1/functions', { form })
    expect([status, json.faultstring]).toEqual([400, expect.stringContaining('at most 262144 are allowed')])
  })
})

const idOf = async (app: ReturnType<typeof makeTestApp>): Promise<string> =>
  (await app.request('GET', '/v1/functions/shop')).json.id
