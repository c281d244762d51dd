/** Packages, triggers, rules, alarms and sequences, as OpenWhisk's clients make them. */
import { beforeEach, describe, expect, test } from 'vitest'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
  for (const name of ['nodejs', 'python3']) app.stores.runtimes.insert(aRuntime({ name, image: name, isPublic: true }))
})

const exec = { kind: 'nodejs:20', code: 'function main(p) { return p }' }
const ask = (method: string, path: string, json?: unknown, asked: TestRequest = {}) =>
  app.request(method, `/api/v1/namespaces/_/${path}`, { ...(json !== undefined && { json }), ...asked })
const put = (path: string, json: object = {}) => ask('PUT', path, json)
const feed = (json: object, kind = 'alarm') =>
  app.request('POST', `/api/v1/namespaces/whisk.system/actions/alarms/${kind}?blocking=true`, {
    json: { triggerName: '/_/tick', authKey: 'x:y', ...json },
  })
const pairs = (values: object) => Object.entries(values).map(([key, value]) => ({ key, value }))
const invoke = async (name: string, params: object = {}) =>
  (await ask('POST', `actions/${name}?blocking=true&result=true`, params)).json
const jobs = async () => (await app.request('GET', '/v1/jobs')).json.jobs
const lastInput = () => JSON.parse(String(app.pool.calls.at(-1)?.call.input.body))

describe('is refused:', () => {
  beforeEach(async () => {
    await put('actions/hello', { exec })
    await put('triggers/tick')
    await put('packages/shop')
    await put('packages/bound', { binding: { namespace: '_', name: 'shop' } })
    await put('rules/rule', { trigger: '/_/tick', action: '/_/hello' })
  })

  test.each<[string, string, unknown, number, RegExp]>([
    ['an action of no package', 'actions/none/hello', { exec }, 404, /does not exist/],
    ['an action of a binding', 'actions/bound/hello', { exec }, 400, /binding/],
    ['a package that is there', 'packages/shop', {}, 409, /already/],
    ['a trigger that is there', 'triggers/tick', {}, 409, /already/],
    ['a rule that is there', 'rules/rule', { trigger: '/_/tick', action: '/_/hello' }, 409, /already/],
    ['a name that is none', 'packages/%3Fa', {}, 400, /name/],
    ['a binding to nothing', 'packages/b', { binding: { namespace: '_', name: 'none' } }, 400, /does not exist/],
    ['a binding to a binding', 'packages/b', { binding: { namespace: 'red', name: 'bound' } }, 400, /another package/],
    ['a binding to others', 'packages/b', { binding: { namespace: 'blue', name: 'x' } }, 400, /another namespace/],
    ['a rule without a trigger', 'rules/r', { trigger: '/_/none', action: '/_/hello' }, 400, /trigger "none"/],
    ['a rule without an action', 'rules/r', { trigger: '/_/tick', action: '/_/none' }, 400, /action "none"/],
    ['a rule that names nothing', 'rules/r', {}, 400, /trigger/],
    [
      'a sequence of what is not there',
      'actions/s',
      { exec: { kind: 'sequence', components: ['/_/no'] } },
      400,
      /component/,
    ],
    ['a sequence of itself', 'actions/s', { exec: { kind: 'sequence', components: ['/_/s'] } }, 400, /component/],
  ])('%s', async (_what, path, json, status, message) => {
    const answer = await put(path, json as object)
    expect([answer.status, answer.json.error]).toEqual([status, expect.stringMatching(message)])
  })

  test.each([
    ['POST', 'triggers/none', {}, 404],
    ['POST', 'rules/none', { status: 'active' }, 404],
    ['POST', 'rules/rule', { status: 'perhaps' }, 400],
    ['DELETE', 'packages/none', undefined, 404],
    ['POST', 'packages/shop', {}, 404],
  ])('%s %s %j', async (method, path, json, status) => {
    expect((await ask(method, path, json)).status).toBe(status)
  })

  test.each<[string, object, string | undefined, number]>([
    ['an event of no life', { lifecycleEvent: 'BEGIN' }, undefined, 400],
    ['an unknown trigger', { lifecycleEvent: 'CREATE', triggerName: '/_/none', cron: '* * * * *' }, undefined, 404],
    ['an alarm without cron', { lifecycleEvent: 'CREATE' }, undefined, 400],
    ['a cron that is none', { lifecycleEvent: 'CREATE', cron: 'often' }, undefined, 400],
    ['a zone that is none', { lifecycleEvent: 'CREATE', cron: '* * * * *', timezone: 'Moon' }, undefined, 400],
    ['a payload that is none', { lifecycleEvent: 'CREATE', cron: '* * * * *', trigger_payload: [1] }, undefined, 400],
    ['an interval that no pattern says', { lifecycleEvent: 'CREATE', minutes: 7 }, 'interval', 400],
    ['once without a date', { lifecycleEvent: 'CREATE' }, 'once', 400],
    ['once in the past', { lifecycleEvent: 'CREATE', date: '2020-01-01T00:00:00Z' }, 'once', 400],
    ['another feed', { lifecycleEvent: 'CREATE' }, 'never', 404],
  ])('%s', async (_what, json, kind, status) => {
    expect((await feed(json, kind)).status).toBe(status)
    expect(await jobs()).toEqual([])
  })
})

describe('a package', () => {
  test('has parameters for its actions, which a binding and the action come behind', async () => {
    await put('packages/shop', { parameters: pairs({ a: 'p', b: 'p', c: 'p', d: 'p' }) })
    await put('actions/shop/pay', { exec, parameters: pairs({ b: 'action' }) })
    await put('packages/mine', {
      binding: { namespace: '_', name: 'shop' },
      parameters: pairs({ b: 'bound', c: 'bound' }),
    })
    const fn = (await app.request('GET', '/v1/functions/shop--pay')).json
    expect(fn.env.__OW_ACTION_NAME).toBe('/red/shop/pay')
    expect(JSON.parse(fn.env.__OW_PARAMETERS)).toEqual({ a: 'p', b: 'action', c: 'p', d: 'p' })
    expect(await invoke('mine/pay', { d: 'call' })).toEqual({ a: 'p', b: 'action', c: 'bound', d: 'call' })
    const made = (await ask('GET', 'actions/shop/pay')).json
    expect([made.namespace, made.name]).toEqual(['red/shop', 'pay'])
    const bound = (await ask('GET', 'packages/mine')).json
    expect(bound).toMatchObject({ binding: { namespace: 'red', name: 'shop' }, actions: [{ name: 'pay' }], feeds: [] })
    expect(bound.parameters).toContainEqual({ key: 'a', value: 'p' })
    expect((await ask('GET', 'packages')).json.map(({ name }: { name: string }) => name)).toEqual(['mine', 'shop'])
  })

  test('that changes tells its actions', async () => {
    await put('packages/shop')
    await put('actions/shop/pay', { exec })
    await put('packages/shop?overwrite=true', { parameters: pairs({ a: 1 }) })
    expect((await app.request('GET', '/v1/functions/shop--pay')).json.env.__OW_PARAMETERS).toBe('{"a":1}')
  })

  test('goes when it is empty, or by force', async () => {
    await put('packages/shop')
    await put('actions/shop/pay', { exec })
    const refused = await ask('DELETE', 'packages/shop')
    expect([refused.status, refused.json.error]).toEqual([409, expect.stringContaining('contains 1 entity')])
    expect((await ask('DELETE', 'packages/shop?force=true')).status).toBe(200)
    expect((await app.request('GET', '/v1/functions')).json.functions).toEqual([])
    expect((await ask('POST', 'packages/refresh')).status).toBe(204)
  })
})

describe('a trigger', () => {
  beforeEach(async () => {
    await put('actions/hello', { exec })
    await put('triggers/tick', { parameters: pairs({ a: 1, b: 1 }) })
  })

  test('that no rule follows runs nothing', async () => {
    expect((await ask('POST', 'triggers/tick', {})).status).toBe(204)
  })

  test('runs the actions of its active rules', async () => {
    const made = await put('rules/first', { name: 'first', status: '', trigger: '/_/tick', action: '/_/hello' })
    expect(made.json).toMatchObject({
      status: 'active',
      trigger: { name: 'tick', path: 'red' },
      action: { name: 'hello', path: 'red' },
    })
    const shown = (await ask('GET', 'triggers/tick')).json
    expect(shown.rules).toEqual({ 'red/first': { action: { name: 'hello', path: 'red' }, status: 'active' } })
    const fired = await ask('POST', 'triggers/tick', { b: 2 })
    expect(fired.status).toBe(202)
    await expect.poll(async () => (await ask('GET', `activations/${fired.json.activationId}`)).status).toBe(200)
    expect(lastInput()).toEqual({ a: 1, b: 2 })
    const off = await ask('POST', 'rules/first', { status: 'inactive', trigger: null, action: null })
    expect(off.json.status).toBe('inactive')
    expect((await ask('POST', 'triggers/tick', {})).status).toBe(204)
    expect((await ask('DELETE', 'rules/first')).json.name).toBe('first')
    expect((await ask('GET', 'rules')).json).toEqual([])
    expect((await ask('DELETE', 'triggers/tick')).status).toBe(200)
  })
})

describe('an alarm', () => {
  beforeEach(async () => {
    await put('actions/hello', { exec })
    await put('triggers/tick', { parameters: pairs({ a: 1 }) })
  })
  const create = { lifecycleEvent: 'CREATE', cron: '0 9 * * *', trigger_payload: { b: 2 }, timezone: 'Europe/Berlin' }

  test('is a job of each active rule', async () => {
    expect((await feed(create)).json.response).toMatchObject({ success: true })
    expect(await jobs()).toEqual([])
    await put('rules/first', { trigger: '/_/tick', action: '/_/hello' })
    const [job] = await jobs()
    expect(job).toMatchObject({ name: 'tick → hello', pattern: '0 9 * * *', timezone: 'Europe/Berlin' })
    expect(JSON.parse(job.function_input)).toEqual({ a: 1, b: 2 })
    await ask('POST', 'rules/first', { status: 'inactive' })
    expect(await jobs()).toEqual([])
    await ask('POST', 'rules/first', { status: 'active' })
    await feed({ ...create, lifecycleEvent: 'UPDATE', cron: '*/5 * * * *' })
    expect(await jobs()).toMatchObject([{ pattern: '*/5 * * * *' }])
    expect((await feed({ lifecycleEvent: 'READ' })).json.response.result).toMatchObject({
      status: { active: true },
      config: { cron: '*/5 * * * *', payload: { b: 2 } },
    })
    await feed({ lifecycleEvent: 'DELETE' })
    expect(await jobs()).toEqual([])
  })

  test('follows its action and its trigger', async () => {
    await feed(create)
    await put('rules/first', { trigger: '/_/tick', action: '/_/hello' })
    const python = { kind: 'python:3', code: 'def main(p): return p' }
    await put('actions/hello?overwrite=true', { exec: python })
    const fn = (await app.request('GET', '/v1/functions/hello')).json
    expect(await jobs()).toMatchObject([{ function_id: fn.id }])
    expect((await ask('DELETE', 'actions/hello')).status).toBe(200)
    expect(await jobs()).toEqual([])
    await put('actions/hello', { exec })
    expect(await jobs()).toHaveLength(1)
    await ask('DELETE', 'triggers/tick')
    expect(await jobs()).toEqual([])
  })

  test('stays when its action cannot be removed', async () => {
    await feed(create)
    await put('rules/first', { trigger: '/_/tick', action: '/_/hello' })
    await app.request('POST', '/v1/webhooks', { json: { function_id: 'hello' } })
    expect((await ask('DELETE', 'actions/hello')).status).toBe(409)
    expect(await jobs()).toHaveLength(1)
  })

  test('is one job, regardless of concurrent changes', async () => {
    await feed(create)
    await put('actions/other', { exec })
    const rule = (name: string, action: string) => put(`rules/${name}`, { trigger: '/_/tick', action: `/_/${action}` })
    await Promise.all([rule('first', 'hello'), rule('second', 'other'), put('triggers/tock'), put('packages/p')])
    expect(await jobs()).toHaveLength(2)
    await Promise.all([
      ask('DELETE', 'rules/first'),
      put('triggers/tick?overwrite=true', { parameters: pairs({ a: 2 }) }),
    ])
    expect(await jobs()).toHaveLength(1)
    expect((await ask('GET', 'rules')).json).toMatchObject([{ name: 'second' }])
  })

  test('that has been does not stand in the way of what comes', async () => {
    await put('rules/first', { trigger: '/_/tick', action: '/_/hello' })
    await feed({ lifecycleEvent: 'CREATE', date: new Date(app.clock.now() + 3_600_000).toISOString() }, 'once')
    const [job] = await jobs()
    await app.request('DELETE', `/v1/jobs/${job.id}`)
    app.clock.advance(7_200_000)
    expect((await put('actions/other', { exec })).status).toBe(200)
    expect((await put('rules/second', { trigger: '/_/tick', action: '/_/other' })).status).toBe(200)
    expect(await jobs()).toEqual([])
  })

  test('that has begun goes on from now', async () => {
    await feed({ ...create, startDate: new Date(app.clock.now() + 3_600_000).toISOString() })
    app.clock.advance(7_200_000)
    expect((await put('rules/first', { trigger: '/_/tick', action: '/_/hello' })).status).toBe(200)
    const [job] = await jobs()
    await put('rules/second', { trigger: '/_/none', action: '/_/hello' })
    await put('triggers/tock')
    expect(await jobs()).toMatchObject([{ id: job.id, pattern: '0 9 * * *' }])
  })

  test('is an interval, or once', async () => {
    await put('rules/first', { trigger: '/_/tick', action: '/_/hello' })
    await feed({ lifecycleEvent: 'CREATE', minutes: 15 }, 'interval')
    expect(await jobs()).toMatchObject([{ pattern: '*/15 * * * *' }])
    await feed({ lifecycleEvent: 'CREATE', date: new Date(app.clock.now() + 3_600_000).toISOString() }, 'once')
    expect(await jobs()).toMatchObject([{ pattern: null, count: 1 }])
  })
})

describe('a sequence', () => {
  const sequence = (name: string, components: string[]) =>
    put(`actions/${name}?overwrite=true`, { exec: { kind: 'sequence', components } })

  test('that comes back to itself by way of others, or of a binding, is refused, and stays as it was', async () => {
    await put('packages/shop')
    await put('packages/bound', { binding: { namespace: '_', name: 'shop' } })
    await put('actions/one', { exec })
    await sequence('first', ['/_/one'])
    await sequence('shop/second', ['/_/first', '/_/one'])
    await sequence('third', ['/_/shop/second'])
    for (const back of ['/_/third', '/_/shop/second', '/_/bound/second', '/_/first']) {
      const { status, json } = await sequence('first', ['/_/one', back])
      expect([status, json.error], back).toEqual([400, expect.stringContaining('may not refer to itself')])
    }
    expect((await ask('GET', 'actions/first')).json.exec.components).toEqual(['/red/one'])
    expect((await sequence('third', ['/_/shop/second', '/_/shop/second', '/_/one'])).status).toBe(200)
  })

  test('comes to no more than 50 actions, those of the sequences in it included', async () => {
    await put('actions/one', { exec })
    const components = (name: string, count: number) => Array.from({ length: count }, () => `/_/${name}`)
    expect((await sequence('ten', components('one', 10))).status).toBe(200)
    expect((await sequence('fifty', components('ten', 5))).status).toBe(200)
    const { status, json } = await sequence('more', ['/_/fifty', '/_/one'])
    expect([status, json.error]).toEqual([400, expect.stringContaining('Too many actions')])
  })
})

describe('the packages, triggers and rules of a project', () => {
  beforeEach(async () => {
    await put('actions/hello', { exec })
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { whisk_entities: 3 } })
    for (const path of ['packages/shop', 'triggers/tick']) await put(path)
    await put('rules/rule', { trigger: '/_/tick', action: '/_/hello' })
  })

  test.each([
    ['packages/more', {}],
    ['triggers/more', {}],
    ['rules/more', { trigger: '/_/tick', action: '/_/hello' }],
  ])('are no more than it may have: %s', async (path, json) => {
    const refused = await put(path, json)
    expect([refused.status, refused.json.error]).toEqual([
      429,
      expect.stringContaining('whisk_entities: 3, and 3 are used'),
    ])
    expect((await ask('GET', path)).status).toBe(404)
    await ask('DELETE', 'rules/rule')
    expect((await put(path, json)).status).toBe(200)
  })

  test('are changed nevertheless, and shown with what is used; actions count as functions', async () => {
    expect((await put('packages/shop?overwrite=true', { parameters: pairs({ a: 1 }) })).status).toBe(200)
    expect((await put('actions/other', { exec })).status).toBe(200)
    const { limits } = (await app.request('GET', '/v1/limits')).json
    expect(limits).toContainEqual(expect.objectContaining({ name: 'whisk_entities', value: 3, used: 3 }))
  })
})

test('a sequence is a function that may call the API', async () => {
  await put('packages/shop')
  await put('actions/shop/one', { exec })
  await put('actions/two', { exec })
  const components = ['/_/shop/one', '/red/two']
  const made = await put('actions/both', { exec: { kind: 'sequence', components } })
  expect(made.json.exec).toEqual({ kind: 'sequence', binary: false, components: ['/red/shop/one', '/red/two'] })
  const fn = (await app.request('GET', '/v1/functions/both')).json
  expect(fn).toMatchObject({ api: true, signature: 'openwhisk', timeout: 120 })
  const { json } = await ask('POST', 'actions/both?blocking=true', {})
  expect(json.annotations).toContainEqual({ key: 'kind', value: 'sequence' })
  expect(json.annotations).toContainEqual({ key: 'topmost', value: true })
})
