import { describe, expect, test, vi } from 'vitest'
import { aFn, aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

function prepare(settings: { wrongTokensPerMinute?: number } = {}) {
  const app = makeTestApp({ settings })
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const own = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const theirs = aFn({ projectId: 'blue', name: 'hello', runtimeId: runtime.id })
  app.stores.functions.insert(own)
  app.stores.functions.insert(theirs)
  return { app, made: { own: own.id, theirs: theirs.id, runtime: runtime.id } }
}

const ask = 'PUT /v1/projects/red/limits'

describe('the limits of a project', () => {
  testRows(
    [
      { name: 'are not for nobody', ask: 'GET /v1/limits', as: 'nobody', status: 401 },
      { name: 'are not set by members', ask, json: { running: 1 }, status: 403 },
      { name: 'are not shown to other projects', ask: 'GET /v1/projects/blue/limits', status: 404 },
      { name: 'have names', ask, as: 'admin', json: { runing: 1 }, status: 400, shows: ['runing'] },
      { name: 'are numbers', ask, as: 'admin', json: { running: 'many' }, status: 400 },
      { name: 'are not below nothing', ask, as: 'admin', json: { running: -1 }, status: 400 },
      {
        name: 'are shown to members with what is used',
        ask: 'GET /v1/limits',
        status: 200,
        has: { project_id: 'red', timeout_max: 300 },
        shows: ['"functions"', '"used":1'],
      },
      {
        name: 'are set by admins',
        ask,
        as: 'admin',
        json: { running: 3 },
        status: 200,
        shows: ['"value":3,"used":0,"own":true', '"own":false'],
      },
      {
        name: 'belong to projects, of which members see their own',
        ask: 'GET /v1/projects',
        status: 200,
        shows: ['"id":"red"', '"functions":1'],
        hides: ['blue'],
      },
      {
        name: 'belong to projects, of which admins see all',
        ask: 'GET /v1/projects',
        as: 'admin',
        status: 200,
        shows: ['"id":"blue"', '"id":"ops"', '"id":"red"'],
      },
      { name: 'are shown to admins', ask: 'GET /v1/projects/red/limits', as: 'admin', status: 200 },
    ],
    () => prepare(),
  )

  const set = async (app: ReturnType<typeof makeTestApp>, limits: object) =>
    expect((await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: limits })).status).toBe(200)

  test("bound concurrent runs: further calls are refused with the limit's name, others continue, and an end frees a place", async () => {
    const { app } = prepare()
    await set(app, { running: 1 })
    const { promise, resolve } = Promise.withResolvers<void>()
    app.pool.behaviour = () => promise.then(() => returned(1))
    const first = app.request('POST', '/fn/hello', { json: {} })
    await vi.waitFor(() => expect(app.pool.calls).toHaveLength(1))
    const second = await app.request('POST', '/fn/hello', { json: {} })
    expect(second).toMatchObject({
      status: 429,
      json: { code: 'limit_reached', limit: { name: 'running', of: 'project', value: 1, used: 1 } },
    })
    expect(second.headers.get('Retry-After')).toBe('1')
    const others = app.request('POST', '/fn/hello', { as: 'bob', json: {} })
    await vi.waitFor(() => expect(app.pool.calls).toHaveLength(2))
    resolve()
    expect([(await first).status, (await others).status]).toEqual([200, 200])
    expect((await app.request('POST', '/fn/hello', { json: {} })).status).toBe(200)
    // What was refused left no record.
    expect((await app.request('GET', '/v1/executions')).json.executions).toHaveLength(2)
  })

  test('bound the rate, of a project and of a function of its own', async () => {
    const { app } = prepare()
    await app.request('PUT', '/v1/functions/hello', { json: { max_rate: 0.1 } })
    const call = () => app.request('POST', '/fn/hello', { json: {} })
    expect((await call()).status).toBe(200)
    const refused = await call()
    expect(refused).toMatchObject({ status: 429, json: { limit: { name: 'max_rate', of: 'function', value: 0.1 } } })
    expect(refused.headers.get('Retry-After')).toBe('10')
    app.clock.advance(10_000)
    expect((await call()).status).toBe(200)
    await app.request('PUT', '/v1/functions/hello', { json: { max_rate: null } })
    await set(app, { rate: 0.05 })
    expect([(await call()).status, (await call()).json.limit.name]).toEqual([200, 'rate'])
  })

  test('let accepted runs wait for their turn', async () => {
    const { app, made } = prepare()
    await app.request('PUT', '/v1/functions/hello', { json: { max_running: 1 } })
    const ends: (() => void)[] = []
    app.pool.behaviour = () => new Promise<void>((resolve) => ends.push(resolve)).then(() => returned(1))
    const json = { function_id: made.own, sync: false }
    for (let n = 0; n < 3; n++) expect((await app.request('POST', '/v1/executions', { json })).status).toBe(201)
    for (let begun = 1; begun <= 3; begun++) {
      await vi.waitFor(() => {
        app.clock.advance(100)
        expect(app.pool.calls).toHaveLength(begun)
      })
      ends[begun - 1]?.()
    }
  })

  test('limit the waiting runs in the queue', async () => {
    const { app, made } = prepare()
    await set(app, { queued_runs: 1, running: 0 })
    const accept = (as: 'alice' | 'bob', id: string | undefined) =>
      app.request('POST', '/v1/executions', { as, json: { function_id: id, sync: false } })
    expect((await accept('alice', made.own)).status).toBe(201)
    const refused = await accept('alice', made.own)
    expect(refused).toMatchObject({ status: 429, json: { limit: { name: 'queued_runs', value: 1, used: 1 } } })
    expect((await accept('bob', made.theirs)).status).toBe(201)
    await set(app, { queued_bytes: 10, running: 0 })
    const large = { function_id: made.own, sync: false, input: JSON.stringify('x'.repeat(20)) }
    expect((await app.request('POST', '/v1/executions', { json: large })).json.limit.name).toBe('queued_bytes')
  })

  test('limit the functions of a project also when several are made at the same moment', async () => {
    const { app, made } = prepare()
    await set(app, { functions: 2 })
    const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
    const create = () => app.request('POST', '/v1/functions', { json: { runtime: made.runtime, code } })
    const answers = await Promise.all([create(), create(), create()])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 429, 429])
  })

  test('limit the number of objects', async () => {
    const { app, made } = prepare()
    const { id } = (await app.request('POST', '/v1/webhooks', { json: { function_id: made.own } })).json
    await set(app, { functions: 1, webhooks: 0, jobs: 0, bodies_bytes: 100_000 })
    const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
    const refused = await app.request('POST', '/v1/functions', { json: { runtime: made.runtime, code } })
    expect(refused).toMatchObject({ status: 429, json: { limit: { name: 'functions', value: 1, used: 1 } } })
    const hook = await app.request('POST', '/v1/webhooks', { json: { function_id: made.own } })
    expect(hook.json.limit).toMatchObject({ name: 'webhooks', value: 0 })
    const job = await app.request('POST', '/v1/jobs', { json: { function_id: made.own, pattern: '0 * * * *' } })
    expect(job.json.limit).toMatchObject({ name: 'jobs', value: 0 })
    const body = await app.request('POST', '/fn/hello', { body: Buffer.alloc(200_000) })
    expect(body.json.limit).toMatchObject({ name: 'bodies_bytes', value: 100_000 })
    const called = await app.request('POST', `/v1/webhooks/${id}/invoke`, { as: 'nobody', body: Buffer.alloc(200_000) })
    expect(called.json.limit).toMatchObject({ name: 'bodies_bytes', value: 100_000 })
    await set(app, { packages: 1 })
    const other = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 2' }
    const kept = await app.request('POST', '/v1/functions', { json: { runtime: made.runtime, code: other } })
    expect(kept.json.limit).toMatchObject({ name: 'packages', value: 1, used: 1 })
    await set(app, {})
    expect((await app.request('POST', '/v1/functions', { json: { runtime: made.runtime, code } })).status).toBe(201)
  })
})

test('an address that repeatedly sends wrong tokens must wait, while its valid tokens still work', async () => {
  const app = makeTestApp({ settings: { wrongTokensPerMinute: 2 } })
  const ask = (as: 'stranger' | 'alice', path = '/v1/functions') => app.request('GET', path, { as })
  expect([(await ask('stranger')).status, (await ask('stranger', '/fn/x')).status]).toEqual([401, 401])
  const refused = await ask('stranger')
  expect(refused).toMatchObject({ status: 429, json: { limit: { name: 'wrong_tokens', of: 'address', value: 2 } } })
  expect(refused.headers.get('Retry-After')).toBe('30')
  expect((await ask('stranger', '/fn/x')).status).toBe(429)
  expect((await ask('alice')).status).toBe(200)
  app.clock.advance(30_000)
  expect((await ask('stranger')).status).toBe(401)
})

test('an address that guesses webhooks must wait, while calls of existing webhooks still work', async () => {
  const { app, made } = prepare({ wrongTokensPerMinute: 2 })
  const { id } = (await app.request('POST', '/v1/webhooks', { json: { function_id: made.own } })).json
  const call = (hook: string) => app.request('POST', `/v1/webhooks/${hook}/invoke`, { as: 'nobody', body: '{}' })
  const guess = () => call('0190a000-0000-4000-8000-00000000dead')
  expect([(await guess()).status, (await guess()).status]).toEqual([404, 404])
  const refused = await guess()
  expect(refused).toMatchObject({ status: 429, json: { limit: { name: 'wrong_tokens', of: 'address', value: 2 } } })
  expect((await call(id)).status).toBe(202)
})

test.each([
  ['secrets', 'POST /v1/secrets', (at: number) => ({ name: `S${at}`, value: 'a value' })],
  ['webhooks', 'POST /v1/webhooks', (_at: number, fn: string) => ({ function_id: fn })],
] as const)(
  'more %s than the limit are refused with its name, and members see what is used',
  async (name, ask, body) => {
    const { app, made } = prepare()
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { [name]: 1 } })
    const [method = '', path = ''] = ask.split(' ')
    expect((await app.request(method, path, { json: body(1, made.own) })).status).toBe(201)
    const refused = await app.request(method, path, { json: body(2, made.own) })
    expect(refused).toMatchObject({ status: 429, json: { limit: { name, of: 'project', value: 1, used: 1 } } })
    expect(refused.json.faultstring).toContain(`This project has reached its limit ${name}: 1`)
    const { limits } = (await app.request('GET', '/v1/limits')).json
    expect(limits.find((limit: { name: string }) => limit.name === name)).toMatchObject({ value: 1, used: 1 })
  },
)

test('a package whose files exceed the disk limit is refused, with the current use', async () => {
  const { app, made } = prepare()
  await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { package_bytes: 1 } })
  const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 3' }
  const refused = await app.request('POST', '/v1/functions', { json: { runtime: made.runtime, code } })
  expect(refused).toMatchObject({ status: 429, json: { limit: { name: 'package_bytes', of: 'project', value: 1 } } })
})

test.each([{ packages: 2 }, { package_bytes: 150 }])(
  'deployments at the same moment do not exceed %j together',
  async (limits) => {
    const { app, made } = prepare()
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: limits })
    const deploy = (name: string) => {
      const code = { source: 'inline', filename: 'main.mjs', content: `// ${name} ${'x'.repeat(70)}` }
      return app.request('POST', '/v1/functions', { json: { name, runtime: made.runtime, code } })
    }
    const answers = await Promise.all(['a', 'b', 'c'].map(deploy))
    expect(answers.map(({ status }) => status)).toEqual([201, 429, 429])
    expect((await deploy('a-again')).status).toBe(429)
  },
)

test('a deployment that is refused after its package was counted counts no longer', async () => {
  const { app, made } = prepare()
  await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { packages: 3 } })
  const deploy = (name: string, content: string) => {
    const code = { source: 'inline', filename: 'main.mjs', content }
    return app.request('POST', '/v1/functions', { json: { name, runtime: made.runtime, code } })
  }
  const answers = await Promise.all([deploy('x', '// 1'), deploy('x', '// 2')])
  expect(answers.map(({ status }) => status)).toEqual([201, 409])
  expect((await deploy('y', '// 3')).status).toBe(201)
  expect((await deploy('z', '// 4')).status).toBe(429)
})

test('unknown keys of code are not stored', async () => {
  const { app, made } = prepare()
  const code = {
    source: 'inline',
    filename: 'main.mjs',
    content: 'export const main = () => 3',
    junk: 'x'.repeat(50_000),
  }
  const { status, text, json } = await app.request('POST', '/v1/functions', { json: { runtime: made.runtime, code } })
  expect([status, text.includes('junk')]).toEqual([201, false])
  expect(JSON.stringify(app.stores.functions.find(json.id))).not.toContain('junk')
})

test.each([
  ['full', 201, 'said'],
  ['summary', 201, null],
  ['failures', null, null],
  ['none', null, null],
] as const)('a function that wants its records %s has them so when it succeeds', async (record, there, output) => {
  const { app } = prepare()
  await app.request('PUT', '/v1/functions/hello', { json: { record } })
  for (const sync of [true, false]) {
    const made = await app.request('POST', '/v1/executions', { json: { function_id: 'hello', input: '"said"', sync } })
    // The response is complete.
    if (sync) expect(made.json.output).toBe('said')
    await vi.waitFor(async () => {
      const kept = await app.request('GET', `/v1/executions/${made.json.id}`)
      expect({ sync, status: kept.status }).toEqual({ sync, status: there === null ? 404 : 200 })
      if (there !== null)
        expect(kept.json).toMatchObject({ status: 'success', output, input: output === null ? null : '"said"' })
    })
  }
})
