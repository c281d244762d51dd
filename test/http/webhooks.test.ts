import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { aFn, anAlias, aRuntime, aVersion, aWebhook } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestAppOptions } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

function prepare(options?: TestAppOptions) {
  const app = makeTestApp(options)
  const { functions, runtimes, aliases, webhooks } = app.stores
  const runtime = aRuntime({ projectId: 'ops' })
  const upgrading = aRuntime({ projectId: 'ops', status: 'upgrading' })
  runtimes.insert(runtime)
  runtimes.insert(upgrading)
  const own = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const second = aFn({ projectId: 'red', runtimeId: runtime.id })
  const waiting = aFn({ projectId: 'red', runtimeId: upgrading.id })
  const others = aFn({ projectId: 'blue', runtimeId: runtime.id })
  const web = aFn({ projectId: 'red', runtimeId: runtime.id, signature: 'http' })
  for (const fn of [own, second, waiting, others, web]) functions.insert(fn)
  functions.insertVersion(aVersion({ functionId: own.id, projectId: 'red', number: 2 }))
  aliases.insert(anAlias({ projectId: 'red', name: 'live', functionId: own.id, functionVersion: 2 }))
  aliases.insert(anAlias({ projectId: 'red', name: 'next', functionId: second.id }))
  aliases.insert(anAlias({ projectId: 'blue', name: 'theirs', functionId: others.id }))
  aliases.insert(anAlias({ projectId: 'red', name: 'lent', functionId: others.id }))
  const rows = {
    hook: aWebhook({ projectId: 'red', functionId: own.id, description: 'first' }),
    versioned: aWebhook({ projectId: 'red', functionId: own.id, functionVersion: 2 }),
    aliased: aWebhook({ projectId: 'red', functionId: null, functionVersion: null, functionAlias: 'live' }),
    old: aWebhook({ projectId: 'red', functionId: own.id, functionVersion: null }),
    notReady: aWebhook({ projectId: 'red', functionId: waiting.id }),
    theirs: aWebhook({ projectId: 'blue', functionId: others.id }),
    answering: aWebhook({ projectId: 'red', functionId: own.id, sync: true }),
    unready: aWebhook({ projectId: 'red', functionId: waiting.id, sync: true }),
    web: aWebhook({ projectId: 'red', functionId: web.id }),
    answeringWeb: aWebhook({ projectId: 'red', functionId: web.id, sync: true }),
  }
  for (const webhook of Object.values(rows)) webhooks.insert(webhook)
  const ids = Object.fromEntries(Object.entries(rows).map(([name, { id }]) => [name, id]))
  const made: Record<string, string> = { own: own.id, second: second.id, others: others.id, ...ids }
  return { app, made }
}

const hook =
  (fields: object = {}, which = 'own') =>
  (made: Record<string, string>) => ({
    function_id: made[which],
    ...fields,
  })
const one =
  (verb: string, which = 'hook', path = '') =>
  (made: Record<string, string>) =>
    `${verb} /v1/webhooks/${made[which]}${path}`

describe('creating a webhook', () => {
  const ask = 'POST /v1/webhooks'
  testRows(
    [
      { name: 'is for holders of a token', ask, as: 'nobody', json: {}, status: 401 },
      { name: 'needs a function or an alias', ask, json: { description: 'x' }, status: 400, shows: ['function_alias'] },
      { name: 'refuses what is neither an id nor a name', ask, json: { function_id: 'x' }, status: 400 },
      { name: 'refuses an unknown key', ask, jsonOf: hook({ url: 'x' }), status: 400 },
      { name: 'refuses an id of the caller', ask, jsonOf: hook({ id: unknownId }), status: 400 },
      { name: 'refuses a sync that is neither yes nor no', ask, jsonOf: hook({ sync: 'maybe' }), status: 400 },
      { name: 'is 404 for an unknown function', ask, json: { function_id: unknownId }, status: 404 },
      { name: 'is 404 for a function of another project', ask, jsonOf: hook({}, 'others'), status: 404 },
      { name: 'not even for an admin', ask, as: 'admin', jsonOf: hook(), status: 404 },
      { name: 'is 404 for a version that was not published', ask, jsonOf: hook({ function_version: 1 }), status: 404 },
      { name: 'is 404 for an alias of another project', ask, json: { function_alias: 'theirs' }, status: 404 },
      {
        name: 'opens no function of another project through an alias',
        ask,
        json: { function_alias: 'lent' },
        status: 404,
      },
      {
        name: 'has version 0 unless it says another',
        ask,
        jsonOf: hook({ description: 'd' }),
        status: 201,
        has: { function_version: 0, function_alias: null, description: 'd', updated_at: null, project_id: 'red' },
      },
      {
        name: 'takes a null version',
        ask,
        jsonOf: hook({ function_version: null }),
        status: 201,
        has: { function_version: 0 },
      },
      { name: 'is accepted and done later', ask, jsonOf: hook(), status: 201, has: { sync: false } },
      { name: 'answers itself when asked for', ask, jsonOf: hook({ sync: true }), status: 201, has: { sync: true } },
      { name: 'takes a null sync', ask, jsonOf: hook({ sync: null }), status: 201, has: { sync: false } },
      { name: 'takes the name of a function', ask, json: { function_id: 'hello' }, status: 201 },
      {
        name: 'keeps only the name of an alias',
        ask,
        json: { function_id: null, function_version: null, function_alias: 'live' },
        status: 201,
        has: { function_id: null, function_version: null, function_alias: 'live' },
      },
    ],
    prepare,
  )

  test.each([
    ['of the request', {}, {}, 'http://localhost'],
    ['of the settings', { publicUrl: 'https://faas.example/f/' }, {}, 'https://faas.example/f'],
    ['of the request, not of an unknown proxy', {}, { 'X-Forwarded-Host': 'evil.example' }, 'http://localhost'],
    [
      'of the proxy that is trusted',
      { trustProxy: true },
      { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'a.example', 'X-Forwarded-Prefix': '/f' },
      'https://a.example/f',
    ],
  ])('its URL has the base %s', async (_name, settings, headers, base) => {
    const { app, made } = prepare({ settings })
    const { json } = await app.request('POST', '/v1/webhooks', { json: hook()(made), headers })
    expect(json.webhook_url).toBe(`${base}/v1/webhooks/${json.id}/invoke`)
    expect(Object.keys(json)).toEqual([
      ...['id', 'function_id', 'function_alias', 'function_version', 'description'],
      ...['project_id', 'created_at', 'updated_at', 'webhook_url', 'sync', 'signature', 'max_rate'],
    ])
  })
})

describe('changing a webhook', () => {
  const put = (which?: string) => one('PUT', which)
  testRows(
    [
      { name: 'is for holders of a token', ask: put(), as: 'nobody', json: {}, status: 401 },
      { name: 'refuses what is not a UUID', ask: 'PUT /v1/webhooks/first', json: {}, status: 400 },
      { name: 'is 404 for an unknown id', ask: `PUT /v1/webhooks/${unknownId}`, json: {}, status: 404 },
      { name: 'knows none of another project', ask: put('theirs'), json: {}, status: 404 },
      { name: 'not even for an admin', ask: put(), as: 'admin', json: { description: 'x' }, status: 404 },
      { name: 'refuses a read-only key', ask: put(), json: { webhook_url: 'x' }, status: 400 },
      { name: 'refuses a version that is not a number', ask: put(), json: { function_version: 'x' }, status: 400 },
      { name: 'is 404 for an unknown function', ask: put(), json: { function_id: unknownId }, status: 404 },
      { name: 'is 404 for a function of others', ask: put(), jsonOf: hook({}, 'others'), status: 404 },
      { name: 'is 404 for an unknown version', ask: put(), json: { function_version: 5 }, status: 404 },
      { name: 'is 404 for an unknown alias', ask: put(), json: { function_alias: 'theirs' }, status: 404 },
      {
        name: 'of nothing changes nothing',
        ask: put(),
        json: { function_id: null, function_version: null, description: null },
        status: 200,
        has: { description: 'first', updated_at: null },
      },
      {
        name: 'takes a version as a text, as the openstack command sends it',
        ask: put(),
        json: { function_id: null, function_version: '2', description: null },
        status: 200,
        has: { function_version: 2, description: 'first', updated_at: '2030-01-02T03:04:05Z' },
      },
      {
        name: 'to an alias clears id and version',
        ask: put(),
        json: { function_alias: 'live' },
        status: 200,
        has: { function_id: null, function_version: null, function_alias: 'live' },
      },
      {
        name: 'to another alias',
        ask: put('aliased'),
        json: { function_alias: 'next' },
        status: 200,
        has: { function_alias: 'next' },
      },
      {
        name: 'to a function clears the alias',
        ask: put('aliased'),
        jsonOf: hook({}, 'second'),
        status: 200,
        has: { function_version: 0, function_alias: null },
      },
      {
        name: 'to a version clears the alias and stays with its function',
        ask: put('aliased'),
        json: { function_version: 2 },
        status: 200,
        has: { function_version: 2, function_alias: null },
      },
      {
        name: 'of the description keeps an alias',
        ask: put('aliased'),
        json: { description: 'new' },
        status: 200,
        has: { function_alias: 'live', description: 'new' },
      },
      {
        name: 'makes it answer',
        ask: put(),
        json: { sync: true },
        status: 200,
        has: { sync: true, description: 'first', function_version: 0 },
      },
      {
        name: 'of the description keeps that it answers',
        ask: put('answering'),
        json: { description: 'new' },
        status: 200,
        has: { sync: true, description: 'new' },
      },
      {
        name: 'takes back that it answers',
        ask: put('answering'),
        json: { sync: false },
        status: 200,
        has: { sync: false },
      },
      {
        name: 'keeps the version with another function, which must have it',
        ask: put('versioned'),
        jsonOf: hook({}, 'second'),
        status: 404,
      },
    ],
    prepare,
  )
})

describe('listing, showing and deleting webhooks', () => {
  testRows(
    [
      { name: 'list: is for holders of a token', ask: 'GET /v1/webhooks', as: 'nobody', status: 401 },
      { name: 'list: refuses a parameter that it does not have', ask: 'GET /v1/webhooks?function_id=x', status: 400 },
      { name: 'list: refuses all projects to members', ask: 'GET /v1/webhooks?all_projects=1', status: 403 },
      { name: 'show: refuses what is not a UUID', ask: 'GET /v1/webhooks/first', status: 400 },
      { name: 'show: knows none of another project', ask: one('GET', 'theirs'), status: 404 },
      { name: 'show', ask: one('GET'), status: 200, has: { description: 'first' } },
      { name: 'show: another project, to an admin', ask: one('GET', 'theirs'), as: 'admin', status: 200 },
      { name: 'delete: refuses what is not a UUID', ask: 'DELETE /v1/webhooks/first', status: 400 },
      { name: 'delete: is 404 for an unknown id', ask: `DELETE /v1/webhooks/${unknownId}`, status: 404 },
      { name: 'delete: knows none of another project', ask: one('DELETE', 'theirs'), status: 404 },
      { name: 'delete', ask: one('DELETE'), status: 204 },
      { name: 'delete: another project, by an admin', ask: one('DELETE', 'theirs'), as: 'admin', status: 204 },
    ],
    prepare,
  )

  test.each([
    ['', 'alice', 9],
    ['?limit=1', 'alice', 1],
    ['', 'admin', 0],
    ['?all_projects=true', 'admin', 10],
    ['?project_id=blue', 'admin', 1],
  ] as const)('GET /v1/webhooks%s of %s has %i', async (query, as, count) => {
    const { app } = prepare()
    expect((await app.request('GET', `/v1/webhooks${query}`, { as })).json.webhooks).toHaveLength(count)
  })
})

describe('calling a webhook', () => {
  const as = 'nobody'
  testRows(
    [
      { name: 'is 404 for an unknown id', ask: `POST /v1/webhooks/${unknownId}/invoke`, as, status: 404 },
      { name: 'refuses what is not a UUID', ask: 'POST /v1/webhooks/dead/invoke', as, status: 400 },
      { name: 'is a POST', ask: one('GET', 'hook', '/invoke'), status: 404 },
      {
        name: 'refuses a body that is too large',
        ask: one('POST', 'hook', '/invoke'),
        as,
        json: { a: 'x'.repeat(300_000) },
        status: 413,
      },
      { name: 'waits for a runtime to be available', ask: one('POST', 'notReady', '/invoke'), as, status: 409 },
      { name: 'needs no token', ask: one('POST', 'hook', '/invoke'), as, status: 202, shows: ['execution_id'] },
      { name: 'ignores a bad token', ask: one('POST', 'hook', '/invoke'), as: 'stranger', status: 202 },
      { name: 'works for one without a version', ask: one('POST', 'old', '/invoke'), as, status: 202 },
    ],
    prepare,
  )

  async function called(which: string, path: string, asked: Parameters<ReturnType<typeof makeTestApp>['request']>[2]) {
    const { app, made } = prepare()
    const answer = await app.request('POST', `/v1/webhooks/${made[which]}/invoke${path}`, { as: 'nobody', ...asked })
    expect(answer.status).toBe(202)
    const execution = app.ledger.rows.get(answer.json.execution_id)
    return { execution, input: JSON.parse(execution?.input ?? 'null'), made }
  }

  test('accepts an async execution of the function, in its project', async () => {
    const { execution, made } = await called('aliased', '', {})
    expect(execution).toMatchObject({
      projectId: 'red',
      functionId: made.own,
      functionVersion: 2,
      functionAlias: 'live',
      sync: false,
      trigger: 'webhook',
      description: `Created by Webhook ${made.aliased}`,
    })
  })

  const jsonType = { 'Content-Type': 'application/json' }
  test.each([
    ['nothing', '', {}, {}],
    ['the query', '?a=1&b=2', {}, { a: '1', b: '2' }],
    ['a repeated field', '?a=1&a=2&a=3', {}, { a: ['1', '2', '3'] }],
    ['a field named id', '?id=7', {}, { id: '7' }],
    [
      'members of a JSON object',
      '',
      { json: { a: 1, id: null, __proto__x: [true] } },
      { a: 1, id: null, __proto__x: [true] },
    ],
    ['JSON and query, where JSON wins', '?a=1&b=2', { json: { a: { c: 1 } } }, { a: { c: 1 }, b: '2' }],
    ['a JSON list', '?a=1', { json: [1] }, { a: '1' }],
    ['broken JSON', '', { body: '{"a"', headers: jsonType }, {}],
    [
      'JSON with a charset',
      '',
      { body: '{"a":1}', headers: { 'Content-Type': 'application/json; charset=utf-8' } },
      { a: 1 },
    ],
    ['another media type', '', { body: '{"a":1}', headers: { 'Content-Type': 'text/plain' } }, {}],
    ['a form', '', { form: { a: '1', b: '' } }, { a: '1', b: '' }],
    ['a form and the query', '?a=0', { form: { a: '1' } }, { a: ['0', '1'] }],
    ['a form with a file, which is left out', '', { form: { a: '1', file: Buffer.from('x') } }, { a: '1' }],
    [
      'a broken multipart form',
      '?a=1',
      { body: 'x', headers: { 'Content-Type': 'multipart/form-data; boundary=b' } },
      { a: '1' },
    ],
  ])('takes %s', async (_name, query, asked, input) => {
    expect((await called('hook', query, asked)).input).toEqual(input)
  })

  test('keeps a JSON body to the digit', async () => {
    const { execution } = await called('hook', '', { body: '{"n": 12345678901234567890}', headers: jsonType })
    expect(execution?.input).toBe('{"n": 12345678901234567890}')
  })
})

describe('calling a webhook that answers', () => {
  const as = 'nobody'
  const get = (which: string, path = '/invoke') => one('GET', which, path)
  testRows(
    [
      { name: 'GET is for those that answer alone', ask: get('hook'), as, status: 404, shows: ['There is nothing at'] },
      { name: 'also of web functions', ask: get('web'), as, status: 404, shows: ['There is nothing at'] },
      { name: 'GET is 404 for an unknown id', ask: `GET /v1/webhooks/${unknownId}/invoke`, as, status: 404 },
      { name: 'GET finds nothing for what is not an id', ask: 'GET /v1/webhooks/dead/invoke', as, status: 404 },
      { name: 'takes no PUT', ask: one('PUT', 'answering', '/invoke'), as, status: 405 },
      { name: 'waits for a runtime to be available', ask: one('POST', 'unready', '/invoke'), as, status: 409 },
      { name: 'also to GET', ask: get('unready'), as, status: 409 },
      {
        name: 'refuses a body that is too large',
        ask: one('POST', 'answering', '/invoke'),
        as,
        json: { a: 'x'.repeat(300_000) },
        status: 413,
      },
      { name: 'POST', ask: one('POST', 'answering', '/invoke?a=1'), as, json: { b: 2 }, status: 200, has: { a: '1' } },
      { name: 'GET', ask: get('answering', '/invoke?challenge=x'), as, status: 200, has: { challenge: 'x' } },
    ],
    prepare,
  )

  test.each([
    ['PUT', 'hook'],
    ['HEAD', 'hook'],
    ['HEAD', 'answering'],
  ])('%s to %s is told what there is, as usual', async (verb, which) => {
    const { app, made } = prepare()
    const { status, headers } = await app.request(verb, `/v1/webhooks/${made[which]}/invoke`, { as })
    expect([status, headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('runs for its caller, in the project of the function, and tells the execution', async () => {
    const { app, made } = prepare()
    const { headers } = await app.request('POST', `/v1/webhooks/${made.answering}/invoke`, { as, json: { n: 1 } })
    expect(headers.get('server-timing')).toContain('run;dur=')
    expect(app.ledger.rows.get(headers.get('x-execution-id') as string)).toMatchObject({
      projectId: 'red',
      sync: true,
      status: 'success',
      trigger: 'webhook',
      triggerId: made.answering,
      description: `Created by Webhook ${made.answering}`,
      input: '{"n":1}',
    })
  })

  test('says what the function threw', async () => {
    const { app, made } = prepare()
    app.pool.breakCode()
    const { status, json } = await app.request('POST', `/v1/webhooks/${made.answering}/invoke`, { as })
    expect([status, json.code]).toEqual([502, 'function_failed'])
  })

  test('a web function makes the whole answer', async () => {
    const { app, made } = prepare()
    app.pool.behaviour = () => ({
      kind: 'returned',
      value: { kind: 'text', body: Buffer.from('made'), http: { status: 201, headers: [['x-own', 'yes']] } },
      runMs: 1,
      cpuMs: 1,
      memoryPeakMb: 1,
    })
    const { status, headers, text } = await app.request('POST', `/v1/webhooks/${made.answeringWeb}/invoke`, { as })
    expect([status, headers.get('x-own'), text]).toEqual([201, 'yes', 'made'])
  })

  test('a failure says what failed, without its stack', async () => {
    for (const which of ['answering', 'answeringWeb']) {
      const { app, made } = prepare()
      const error = { type: 'TypeError', message: 'x is not a function', stack: 'at main (/code/main.mjs:3:7)' }
      app.pool.behaviour = () => ({ kind: 'raised', error, runMs: 1, cpuMs: 1, memoryPeakMb: 1 })
      const { status, json, text } = await app.request('POST', `/v1/webhooks/${made[which]}/invoke`, { as })
      expect([status, json.error]).toEqual([502, { ...error, stack: null }])
      expect(text).not.toContain('/code')
      expect(app.ledger.rows.get(json.execution_id)?.error).toEqual(error)
    }
  })

  test('a web function streams it', async () => {
    const { app, made } = prepare()
    app.pool.behaviour = ({ sink }) => {
      sink?.head({ status: 200, headers: [['content-type', 'text/event-stream']] })
      sink?.write(Buffer.from('data: 1'))
      return { kind: 'streamed', status: 200, runMs: 1, cpuMs: 1, memoryPeakMb: 1 }
    }
    const { headers, text } = await app.request('GET', `/v1/webhooks/${made.answeringWeb}/invoke`, { as })
    expect([headers.get('content-type'), text]).toEqual(['text/event-stream', 'data: 1'])
  })
})

describe('the request of a webhook', () => {
  const as = 'nobody'

  async function callOf(which: string, path: string, asked: Parameters<ReturnType<typeof makeTestApp>['request']>[2]) {
    const { app, made } = prepare()
    await app.request('POST', `/v1/webhooks/${made[which]}/invoke${path}`, { as, ...asked })
    await expect.poll(() => app.pool.calls.length).toBe(1)
    const { http, input } = app.pool.calls[0]?.call ?? {}
    return { http, input, mount: `/v1/webhooks/${made[which]}/invoke` }
  }

  const signed = { 'Content-Type': 'application/json', 'X-Signature': 'sha256=1' }

  test.each(['web', 'answeringWeb'])('reaches a web function as it came: %s', async (which) => {
    const body = Buffer.from([0x7b, 0xff, 0x00])
    const { http, input, mount } = await callOf(which, '?a=%2F&b', { body, headers: signed })
    expect(http).toMatchObject({ method: 'POST', target: '/?a=%2F&b', prefix: mount })
    expect(http?.url).toBe(`http://localhost${mount}?a=%2F&b`)
    expect(http?.headers).toContainEqual(['x-signature', 'sha256=1'])
    expect(input).toEqual({ kind: 'bytes', body })
  })

  test('is beside the fields for other functions', async () => {
    const body = '{ "n": 12345678901234567890 }'
    const { http, input } = await callOf('hook', '?b=1&2=x', { body, headers: signed })
    expect(input?.body.toString()).toBe('{"b":"1","2":"x", "n": 12345678901234567890 }')
    expect(http?.headers).toContainEqual(['x-signature', 'sha256=1'])
    expect(Buffer.from(http?.body ?? '', 'base64').toString()).toBe(body)
  })

  test('does not repeat the input itself', async () => {
    const { http, input } = await callOf('hook', '', { body: '{"a": 1}', headers: signed })
    expect([input?.body.toString(), http?.body]).toEqual(['{"a": 1}', undefined])
  })

  test('has the bytes of what no field can hold', async () => {
    const body = Buffer.from([1, 2, 255])
    const { http, input } = await callOf('hook', '', { body, headers: { 'Content-Type': 'application/x-thing' } })
    expect([input?.body.toString(), http?.body]).toEqual(['{}', body.toString('base64')])
  })

  test('has the bytes that were sent, also when they were packed', async () => {
    const body = gzipSync('{"a":1}')
    const { http, input } = await callOf('hook', '', { body, headers: { ...signed, 'Content-Encoding': 'gzip' } })
    expect([input?.body.toString(), http?.body]).toEqual(['{"a":1}', body.toString('base64')])
  })

  test('does not contain tokens of the server', async () => {
    const { http } = await callOf('web', '', { as: 'alice', headers: { 'X-Own': '1' } })
    expect(http?.headers.map(([name]) => name)).not.toContain('x-auth-token')
  })
})

describe('a webhook whose callers must sign', () => {
  const secret = 'known to the sender'
  const sign = (body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const signature = { scheme: 'github', secret: 'HOOK' }

  async function signedHook(fields: object = {}) {
    const { app, made } = prepare()
    await app.request('POST', '/v1/secrets', { json: { name: 'HOOK', value: secret } })
    const json = { function_id: made.own, signature, ...fields }
    const { id } = (await app.request('POST', '/v1/webhooks', { json })).json
    const post = (body: string, headers: Record<string, string> = { 'X-Hub-Signature-256': sign(body) }) =>
      app.request('POST', `/v1/webhooks/${id}/invoke`, {
        as: 'nobody',
        body,
        headers: { 'Content-Type': 'application/json', ...headers },
      })
    const deliveries = async () => (await app.request('GET', `/v1/webhooks/${id}/deliveries`)).json.deliveries
    return { app, id, post, deliveries }
  }

  test('needs a secret that is there, and shows its name alone', async () => {
    const { app, made } = prepare()
    const json = { function_id: made.own, signature }
    const refused = await app.request('POST', '/v1/webhooks', { json })
    expect(refused).toMatchObject({ status: 400, json: { faultstring: expect.stringContaining('secret HOOK') } })
    await app.request('POST', '/v1/secrets', { json: { name: 'HOOK', value: secret } })
    const shown = await app.request('POST', '/v1/webhooks', { json })
    expect(shown.json.signature).toEqual({ scheme: 'github', secret: 'HOOK', header: null, tolerance: null })
    expect(shown.text).not.toContain(secret)
    for (const wrong of [
      { scheme: 'md5', secret: 'HOOK' },
      { scheme: 'github' },
      'github',
      { ...signature, more: 1 },
    ]) {
      expect((await app.request('POST', '/v1/webhooks', { json: { ...json, signature: wrong } })).status).toBe(400)
    }
  })

  test('refuses calls without a valid signature before anything runs, and records them', async () => {
    const { app, post, deliveries } = await signedHook()
    expect(await post('{}', {})).toMatchObject({ status: 401, json: { code: 'unauthenticated' } })
    expect(await post('{"a":2}', { 'X-Hub-Signature-256': sign('{"a":1}') })).toMatchObject({ status: 401 })
    expect(app.pool.calls).toEqual([])
    expect(await deliveries()).toMatchObject([
      { status: 'refused', reason: expect.stringContaining('X-Hub-Signature-256'), can_redeliver: false },
      { status: 'refused' },
    ])
  })

  test('runs what is signed, over the bytes as they came', async () => {
    const { app, post, deliveries } = await signedHook()
    const body = '{ "a" : 1.50, "b": "ü" }'
    const answer = await post(body)
    expect(answer.status).toBe(202)
    await vi.waitFor(() => expect(app.pool.calls).toHaveLength(1))
    expect(await deliveries()).toMatchObject([
      {
        status: 'accepted',
        execution_id: answer.json.execution_id,
        bytes: Buffer.byteLength(body),
        can_redeliver: true,
      },
    ])
  })

  test.each([false, true])('accepts a delivery once, however often it is sent (sync: %s)', async (sync) => {
    const { app, post, deliveries } = await signedHook({ sync })
    const headers = { 'X-Hub-Signature-256': sign('{}'), 'X-GitHub-Delivery': 'd-1' }
    await post('{}', headers)
    await vi.waitFor(() => expect(app.pool.calls).toHaveLength(1))
    const again = await post('{}', headers)
    const [second, first] = await deliveries()
    expect(again.json.execution_id).toBe(first.execution_id)
    expect([first.status, second.status]).toEqual(['accepted', 'duplicate'])
    await post('{}', { ...headers, 'X-GitHub-Delivery': 'd-2' })
    await vi.waitFor(() => expect(app.pool.calls).toHaveLength(2))
  })

  test('is delivered again on demand, as a new run, by its project alone', async () => {
    const { app, id, post, deliveries } = await signedHook()
    const first = await post('{"n":1}')
    const [delivery] = await deliveries()
    const path = `/v1/webhooks/${id}/deliveries/${delivery.id}/redeliver`
    expect((await app.request('POST', path, { as: 'bob' })).status).toBe(404)
    expect((await app.request('POST', path, { as: 'admin' })).status).toBe(404)
    const again = await app.request('POST', path)
    expect(again.status).toBe(202)
    expect(again.json.execution_id).not.toBe(first.json.execution_id)
    await vi.waitFor(() => expect(app.pool.calls.map(({ call }) => call.input.body.toString())).toHaveLength(2))
    expect((await app.request('GET', `/v1/webhooks/${id}/deliveries`, { as: 'bob' })).status).toBe(404)
  })

  test('does not show the token of GitLab to the function', async () => {
    const { app, post } = await signedHook({ signature: { scheme: 'gitlab', secret: 'HOOK' } })
    expect((await post('{}', { 'X-Gitlab-Token': secret, 'X-Gitlab-Event': 'Push Hook' })).status).toBe(202)
    await vi.waitFor(() => expect(app.pool.calls).toHaveLength(1))
    const text = JSON.stringify(app.pool.calls[0]?.call.http)
    expect(text).toContain('Push Hook')
    expect(text).not.toContain(secret)
  })

  test('uses its secret, which can only be deleted together with it', async () => {
    const { app, id } = await signedHook()
    const refused = await app.request('DELETE', '/v1/secrets/HOOK')
    expect(refused).toMatchObject({ status: 403, json: { code: 'in_use', faultstring: expect.stringContaining(id) } })
    expect((await app.request('DELETE', '/v1/secrets/HOOK?cascade=true')).status).toBe(204)
    expect((await app.request('GET', `/v1/webhooks/${id}`)).status).toBe(404)
  })
})

test('a webhook that is called more often than it may says when to try again, and others go on', async () => {
  const { app, made } = prepare()
  const json = { function_id: made.own, max_rate: 0.1 }
  const { id } = (await app.request('POST', '/v1/webhooks', { json })).json
  const post = (hook: string | undefined) =>
    app.request('POST', `/v1/webhooks/${hook}/invoke`, { as: 'nobody', body: '{}' })
  expect((await post(id)).status).toBe(202)
  const refused = await post(id)
  expect(refused).toMatchObject({
    status: 429,
    json: { code: 'limit_reached', limit: { name: 'max_rate', of: 'webhook', value: 0.1, used: null } },
  })
  expect(refused.headers.get('Retry-After')).toBe('10')
  expect((await post(made.hook)).status).toBe(202)
  app.clock.advance(10_000)
  expect((await post(id)).status).toBe(202)
})
