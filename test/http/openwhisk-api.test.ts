/** The API of OpenWhisk: refusals first, then what each call answers. */
import { zipSync } from 'fflate'
import { beforeEach, describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
  for (const name of ['nodejs', 'python3']) app.stores.runtimes.insert(aRuntime({ name, image: name, isPublic: true }))
})

const space = '/api/v1/namespaces/_'
const code = 'function main(params) { return params }'
const exec = { kind: 'nodejs:default', code }
const basic = (token: string) => ({ as: 'nobody' as const, headers: { Authorization: `Basic ${btoa(token)}` } })

const ask = (method: string, path: string, json?: unknown, asked: TestRequest = {}) =>
  app.request(method, `${space}/${path}`, { ...(json !== undefined && { json }), ...asked })
const put = (name: string, more: object = {}, query = '') => ask('PUT', `actions/${name}${query}`, { exec, ...more })
const errorOf = ({ status, json }: Awaited<ReturnType<typeof ask>>) => [status, json?.error]

describe('is refused:', () => {
  test.each<[string, TestRequest]>([
    ['nobody', { as: 'nobody' }],
    ['an unknown token', { as: 'stranger' }],
    ['an unknown key', basic('x:nothing')],
  ])('%s', async (_who, asked) => {
    const answer = await ask('GET', 'actions', undefined, asked)
    expect(errorOf(answer)).toEqual([401, 'The supplied authentication is invalid.'])
    expect(answer.json.code).toMatch(/^[0-9a-f]{32}$/)
  })

  test.each([
    ['GET', '/api/v1/nothing', 404],
    ['GET', '/api/v1/namespaces/_/nothing', 404],
    ['GET', '/api/v1/namespaces/_/actions/none', 404],
    ['GET', '/api/v1/namespaces/_/actions/no/package', 404],
    ['POST', '/api/v1/namespaces/_/actions/none', 404],
    ['DELETE', '/api/v1/namespaces/_/actions/none', 404],
    ['PATCH', '/api/v1/namespaces/_/actions/none', 404],
    ['GET', '/api/v1/namespaces/_/activations/none', 400],
    ['GET', '/api/v1/namespaces/_/activations/0192f5a000007000800000000000abcd', 404],
    ['GET', '/api/v1/namespaces/blue/actions', 403],
    ['GET', '/api/v1/namespaces/_/actions?limit=201', 400],
    ['GET', '/api/v1/namespaces/_/activations?since=yesterday', 400],
  ])('%s %s', async (method, path, status) => {
    const answer = await app.request(method, path)
    expect([answer.status, typeof answer.json.error, typeof answer.json.code]).toEqual([status, 'string', 'string'])
  })

  test.each<[string, string, unknown, RegExp]>([
    ['a bad name', 'a%3Fb', { exec }, /name/],
    ['a name that ends with a blank', 'a%20', { exec }, /name/],
    ['no exec', 'a', {}, /exec undefined/],
    ['an unknown kind', 'a', { exec: { kind: 'ruby:2.5', code } }, /nodejs:\*, python:\*, blackbox, sequence/],
    ['no code', 'a', { exec: { kind: 'nodejs:20' } }, /'code' must be a string/],
    ['what is no archive', 'a', { exec: { kind: 'nodejs:20', code: 'UEsDB*' } }, /base64/],
    ['a broken archive', 'a', { exec: { kind: 'python:3', code: 'H4sIAAAA' } }, /uncompressing/],
    ['annotations that are none', 'a', { exec, annotations: { a: 1 } }, /annotations/],
    ['a limit that is none', 'a', { exec, limits: { timeout: 5 } }, /'timeout'/],
    ['logs beyond ten megabytes', 'a', { exec, limits: { logs: 11 } }, /'logs'/],
    ['a timeout beyond ours', 'a', { exec, limits: { timeout: 301_000 } }, /timeout/],
    ['memory beyond ours', 'a', { exec, limits: { memory: 2048 } }, /memory/],
    ['an image without a name', 'a', { exec: { kind: 'blackbox' } }, /'image'/],
    ['an empty sequence', 'a', { exec: { kind: 'sequence', components: [] } }, /No component/],
    ['parameters that do not fit', 'a', { exec, parameters: [{ key: 'a', value: 'x'.repeat(2000) }] }, /bytes/],
    ['what is not an object', 'a', [1], /JSON object/],
  ])('%s', async (_what, name, json, message) => {
    expect(errorOf(await ask('PUT', `actions/${name}`, json))).toEqual([400, expect.stringMatching(message)])
    expect((await ask('GET', 'actions')).json).toEqual([])
  })

  test('no: X-Auth-Token counts before a key', async () => {
    expect((await ask('GET', 'actions', undefined, { headers: basic('x:nothing').headers })).status).toBe(200)
  })

  test('a body beyond the share of its project', async () => {
    await put('hello')
    await app.request('PUT', '/v1/projects/red/limits', { as: 'admin', json: { bodies_bytes: 100_000 } })
    const answer = await ask('POST', 'actions/hello?blocking=true', { a: 'x'.repeat(200_000) })
    expect(errorOf(answer)).toEqual([429, expect.stringMatching(/bodies_bytes/)])
  })

  test('writes, for lack of disk space, and nothing else', async () => {
    await put('hello')
    app.space.refuseMore = () => {
      throw new FaasError('storage_full', 'The disk is nearly full.')
    }
    for (const path of ['actions/more', 'packages/p', 'triggers/t', 'rules/r']) {
      expect(errorOf(await ask('PUT', path, { exec }))).toEqual([503, 'The disk is nearly full.'])
    }
    expect((await ask('POST', 'actions/hello?blocking=true', {})).status).toBe(200)
    expect((await ask('DELETE', 'actions/hello')).status).toBe(200)
  })

  test('an existing action, unless overwrite is set', async () => {
    await put('hello')
    expect(errorOf(await put('hello'))).toEqual([409, 'resource already exists'])
    expect((await put('hello', {}, '?overwrite=true')).json.version).toBe('0.0.2')
  })

  test('parameters that are final', async () => {
    const annotations = [{ key: 'final', value: true }]
    await put('hello', {
      annotations,
      parameters: [
        { key: 'a', value: 1 },
        { key: 'b', value: null },
      ],
    })
    expect(errorOf(await ask('POST', 'actions/hello', { a: 2 }))).toEqual([
      400,
      expect.stringMatching(/not allowed.*a/),
    ])
    expect((await ask('POST', 'actions/hello', { b: 2 })).status).toBe(202)
  })

  test.each(['7', '"text"', '{'])('to invoke with %s', async (body) => {
    await put('hello')
    expect(errorOf(await ask('POST', 'actions/hello', undefined, { body }))).toEqual([
      400,
      expect.stringMatching(/malformed/),
    ])
  })

  test('an action of another project', async () => {
    await put('hello')
    expect((await ask('GET', 'actions/hello', undefined, { as: 'bob' })).status).toBe(404)
    expect((await ask('GET', 'actions', undefined, { as: 'bob' })).json).toEqual([])
  })

  test('who may only invoke, to make something', async () => {
    await put('hello')
    const { token } = (
      await app.request('POST', '/v1/tokens', { json: { name: 'i', scopes: ['invoke'] }, as: 'admin' })
    ).json
    const with_ = { token, as: 'alice' } as const
    expect((await ask('PUT', 'actions/other', { exec }, with_)).status).toBe(403)
  })
})

describe('says', () => {
  test('its description, to everybody', async () => {
    for (const path of ['/api/v1', '/api/v1/']) {
      const { status, json } = await app.request('GET', path, { as: 'nobody' })
      expect([status, json.api_version, json.api_version_path]).toEqual([200, '1.0.0', 'v1'])
      expect(Object.keys(json.runtimes)).toEqual(['nodejs', 'python'])
    }
  })

  test('the namespaces of a caller, and its limits', async () => {
    expect((await app.request('GET', '/api/v1/namespaces')).json).toEqual(['red'])
    expect(Object.keys((await ask('GET', 'limits')).json)).toEqual([
      'concurrentInvocations',
      'invocationsPerMinute',
      'firesPerMinute',
    ])
    expect((await app.request('GET', '/api/v1/namespaces/red/limits')).status).toBe(200)
  })
})

describe('a key is', () => {
  test.each(['any:token-of-alice', 'token-of-alice'])('%s', async (key) => {
    expect((await app.request('GET', '/api/v1/namespaces', basic(key))).json).toEqual(['red'])
  })
})

describe('an action', () => {
  test('is made, shown, listed and removed', async () => {
    const annotations = [{ key: 'description', value: 'says hello' }]
    const limits = { timeout: 1500, memory: 128 }
    const made = await put('hello', { annotations, limits, parameters: [{ key: 'a', value: { b: 1 } }] })
    expect([made.status, made.json]).toEqual([
      200,
      {
        namespace: 'red',
        name: 'hello',
        version: '0.0.1',
        publish: false,
        exec: { kind: 'nodejs:20', binary: false, code },
        annotations: [...annotations, { key: 'exec', value: 'nodejs:20' }, { key: 'provide-api-key', value: false }],
        parameters: [{ key: 'a', value: { b: 1 } }],
        limits: { timeout: 1500, memory: 128, logs: 10, concurrency: 1 },
        updated: expect.any(Number),
      },
    ])
    const fn = (await app.request('GET', '/v1/functions/hello')).json
    expect(fn).toMatchObject({
      signature: 'openwhisk',
      entry: 'main',
      timeout: 2,
      memory_size: 134_217_728,
      api: false,
    })
    expect(fn).toMatchObject({ description: 'says hello' })
    expect(fn.env).toEqual({
      __OW_ACTION_NAME: '/red/hello',
      __OW_ACTION_VERSION: '0.0.1',
      __OW_PARAMETERS: '{"a":{"b":1}}',
    })
    expect((await ask('GET', 'actions/hello')).json).toEqual(made.json)
    expect((await ask('GET', 'actions/hello?code=false')).json.exec).toEqual({ kind: 'nodejs:20', binary: false })
    expect((await ask('GET', 'actions?limit=0&skip=0')).json).toMatchObject([{ name: 'hello' }])
    expect((await ask('GET', 'actions?limit=0&skip=1')).json).toEqual([])
    expect((await ask('DELETE', 'actions/hello')).json).toMatchObject({ name: 'hello' })
    expect((await app.request('GET', '/v1/functions/hello')).status).toBe(404)
    expect((await ask('GET', 'actions/hello')).status).toBe(404)
  })

  test('keeps what an update does not say', async () => {
    await put('hello', { parameters: [{ key: 'a', value: 1 }], limits: { timeout: 9000 } })
    const change = { annotations: [{ key: 'web-export', value: true }] }
    const { json } = await ask('PUT', 'actions/hello?overwrite=true', change)
    expect(json).toMatchObject({ version: '0.0.2', parameters: [{ key: 'a', value: 1 }], limits: { timeout: 9000 } })
    expect(json.annotations).toContainEqual({ key: 'web-export', value: true })
    const less = await ask('PUT', 'actions/hello?overwrite=true', { delAnnotations: ['web-export'] })
    expect(less.json.annotations).not.toContainEqual({ key: 'web-export', value: true })
    expect((await ask('GET', 'actions/hello')).json.exec.code).toBe(code)
  })

  test('is a ZIP when its code begins like one, and comes back as it was', async () => {
    const zip = Buffer.from(zipSync({ 'index.js': Buffer.from('exports.run = () => ({})') })).toString('base64')
    const { json } = await put('zipped', { exec: { kind: 'nodejs:20', code: zip, main: 'run' } })
    expect(json.exec).toEqual({ kind: 'nodejs:20', binary: true, main: 'run', code: zip })
    expect((await ask('GET', 'actions/zipped')).json.exec.code).toBe(zip)
    expect((await app.request('GET', '/v1/functions/zipped')).json.entry).toBe('run')
  })

  test('may have variables in place of parameters, and a key', async () => {
    const parameters = [
      { key: 'STAGE', value: 'test', init: true },
      { key: 'RULES', value: { a: 1 }, init: true },
      { key: 'p', value: 1 },
    ]
    await put('hello', { parameters, annotations: [{ key: 'provide-api-key', value: true }] })
    const fn = (await app.request('GET', '/v1/functions/hello')).json
    expect([fn.env, fn.api]).toMatchObject([{ STAGE: 'test', RULES: '{"a":1}', __OW_PARAMETERS: '{"p":1}' }, true])
    await ask('PUT', 'actions/hello?overwrite=true', { parameters: [] })
    expect(Object.keys((await app.request('GET', '/v1/functions/hello')).json.env)).toEqual([
      '__OW_ACTION_NAME',
      '__OW_ACTION_VERSION',
    ])
  })

  test('stays what it is where it cannot become one of another language', async () => {
    await put('hello')
    const python = { kind: 'python:3', code: 'def main(p): return p' }
    const other = { exec: python, limits: { memory: 2048 } }
    expect((await ask('PUT', 'actions/hello?overwrite=true', other)).status).toBe(400)
    const fn = (await app.request('GET', '/v1/functions/hello')).json
    expect((await ask('GET', 'actions/hello')).json).toMatchObject({
      version: '0.0.1',
      exec: { kind: 'nodejs:20', code },
    })
    await app.request('POST', '/v1/webhooks', { json: { function_id: fn.id } })
    expect((await ask('PUT', 'actions/hello?overwrite=true', { exec: python })).status).toBe(409)
    expect((await app.request('GET', '/v1/functions')).json.functions).toMatchObject([{ id: fn.id, name: 'hello' }])
  })

  test('becomes one of another language', async () => {
    await put('hello')
    const python = { kind: 'python:default', code: 'def main(p): return p' }
    const { json } = await ask('PUT', 'actions/hello?overwrite=true', { exec: python })
    expect(json).toMatchObject({ version: '0.0.2', exec: { kind: 'python:3', code: python.code } })
    expect((await ask('GET', 'actions')).json).toHaveLength(1)
  })

  test('may have a name that no function of ours has', async () => {
    const { json } = await put('my%20action.v2@home')
    expect(json.name).toBe('my action.v2@home')
    const [fn] = (await app.request('GET', '/v1/functions')).json.functions
    expect(fn.name).toMatch(/^my-action-v2-home-[0-9a-f]{8}$/)
    expect((await ask('POST', 'actions/my%20action.v2@home?blocking=true&result=true', { a: 1 })).json).toEqual({
      a: 1,
    })
  })

  test('can be any function', async () => {
    const inline = { source: 'inline', filename: 'main.py', content: 'x' }
    await app.request('POST', '/v1/functions', { json: { name: 'plain', runtime: 'python3', code: inline } })
    expect((await ask('GET', 'actions')).json).toMatchObject([{ name: 'plain', exec: { kind: 'python:3' } }])
    expect((await ask('POST', 'actions/plain?blocking=true&result=true', { a: 1 })).json).toEqual({ a: 1 })
  })

  test('is a change that is noted', async () => {
    app = makeTestApp({ settings: { trustProxy: true } })
    const headers = { 'X-Forwarded-For': '198.51.100.7' }
    await ask('PUT', 'triggers/tick', {}, { headers })
    const alarm = { triggerName: '/_/tick', lifecycleEvent: 'CREATE', cron: '0 9 * * *' }
    await app.request('POST', '/api/v1/namespaces/whisk.system/actions/alarms/alarm', { json: alarm, headers })
    const { audit } = (await app.request('GET', '/v1/audit', { as: 'admin' })).json
    const common = { action: 'Through the API of OpenWhisk', address: '198.51.100.7' }
    expect(audit).toMatchObject([
      { ...common, method: 'POST', subject_name: 'alarms/alarm' },
      { ...common, method: 'PUT', path: '/api/v1/namespaces/_/triggers/tick', subject_name: 'tick' },
    ])
  })
})

const failed = (more: object): Outcome =>
  ({
    kind: 'raised',
    error: { type: 'TypeError', message: 'no', stack: 'at main' },
    runMs: 1,
    cpuMs: 1,
    memoryPeakMb: 1,
    ...more,
  }) as Outcome

describe('to invoke', () => {
  beforeEach(() => put('hello', { limits: { timeout: 3000 } }))

  const invoke = (query: string, json: unknown = { a: 1 }) => ask('POST', `actions/hello?${query}`, json)

  test('without waiting answers with the id', async () => {
    const { status, json, headers } = await invoke('blocking=false&result=false')
    expect([status, json]).toEqual([202, { activationId: expect.stringMatching(/^[0-9a-f]{32}$/) }])
    expect(headers.get('x-openwhisk-activation-id')).toBe(json.activationId)
    await expect.poll(async () => (await ask('GET', `activations/${json.activationId}`)).status).toBe(200)
    expect((await ask('GET', `activations/${json.activationId}/result`)).json.result).toEqual({ a: 1 })
  })

  test('and to wait answers with the record', async () => {
    app.pool.behaviour = (call) => {
      call.onLog('stdout', 'one\ntwo\n')
      return returned({ said: 1 }, 20)
    }
    const { status, json, headers } = await invoke('blocking=true')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      namespace: 'red',
      name: 'hello',
      version: '0.0.1',
      subject: 'red',
      statusCode: 0,
      publish: false,
      response: { status: 'success', statusCode: 0, success: true, result: { said: 1 } },
      duration: 20,
    })
    expect(json.activationId).toBe(headers.get('x-openwhisk-activation-id'))
    expect(json.logs).toEqual([expect.stringMatching(/^\d{4}-.*Z stdout: one$/), expect.stringMatching(/stdout: two$/)])
    expect(json.annotations).toContainEqual({ key: 'path', value: 'red/hello' })
    expect(json.annotations).toContainEqual({ key: 'kind', value: 'nodejs:20' })
    expect(json.annotations.map(({ key }: { key: string }) => key)).not.toContain('initTime')
    expect((await ask('GET', `activations/${json.activationId}`)).json).toEqual(json)
    expect((await ask('GET', `activations/${json.activationId}/logs`)).json).toEqual({ logs: json.logs })
  })

  test.each([{ a: [1] }, [1, { b: 2 }]])('for the result alone: %j', async (params) => {
    const { status, json } = await invoke('blocking=true&result=true', params)
    expect([status, json]).toEqual([200, params])
  })

  const value = { kind: 'json', body: Buffer.from('{"error":{"statusCode":404}}') }
  const outcomes: [string, Outcome, number, string, unknown][] = [
    ['an application error', failed({ value }), 502, 'application error', { error: { statusCode: 404 } }],
    ['what it throws', failed({}), 502, 'action developer error', { error: 'An error has occurred: TypeError: no' }],
    [
      'the time',
      failed({ kind: 'timeout', error: { type: 'Timeout', message: 'x', stack: null } }),
      502,
      'action developer error',
      { error: 'The action exceeded its time limits of 3000 milliseconds.' },
    ],
    [
      'the memory',
      failed({ kind: 'killed', error: { type: 'MemoryExceeded', message: 'x', stack: null } }),
      502,
      'action developer error',
      { error: 'The action exhausted its memory and was aborted.' },
    ],
    [
      'us',
      failed({ kind: 'platform', error: { type: 'PlatformError', message: 'ours', stack: null } }),
      500,
      'whisk internal error',
      { error: 'ours' },
    ],
  ]
  test.each(outcomes)('what fails by %s', async (_what, outcome, status, name, result) => {
    app.pool.behaviour = () => outcome
    const answer = await invoke('blocking=true')
    expect([answer.status, answer.json.response]).toEqual([
      status,
      expect.objectContaining({ status: name, success: false, result }),
    ])
    expect((await invoke('blocking=true&result=true')).json).toEqual(result)
  })

  test('code that does not load is an error of initialization', async () => {
    app.pool.breakCode()
    const { status, json } = await invoke('blocking=true')
    expect([status, json.response.result]).toEqual([502, { error: 'Initialization has failed due to: broken' }])
    expect(json.annotations.map(({ key }: { key: string }) => key)).toContain('initTime')
  })

  test('a run that is not finished in time continues', async () => {
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    app.pool.behaviour = () => promise
    const { status, json } = await invoke('blocking=true&result=true&timeout=20')
    expect([status, Object.keys(json)]).toEqual([202, ['activationId']])
    expect((await ask('GET', `activations/${json.activationId}`)).status).toBe(404)
    resolve(returned({ late: true }))
    await expect
      .poll(async () => (await ask('GET', `activations/${json.activationId}`)).json.response?.result)
      .toEqual({ late: true })
  })

  test('without a worker is to be retried', async () => {
    app.pool.refusal = new (await import('../../src/domain/errors.ts')).FaasError('no_worker', 'All are busy.')
    expect(errorOf(await invoke('blocking=true'))).toEqual([429, 'All are busy.'])
  })

  test('over /fn answers with the value, also of an application error', async () => {
    expect((await app.request('POST', '/fn/hello', { json: { a: 1 } })).json).toEqual({ a: 1 })
    app.pool.behaviour = () => failed({ value })
    const own = await app.request('POST', '/fn/hello', { json: {} })
    expect([own.status, own.json]).toEqual([502, { error: { statusCode: 404 } }])
    const { execution } = { execution: own.headers.get('x-execution-id') }
    expect((await app.request('GET', `/v1/executions/${execution}`)).json).toMatchObject({
      status: 'failed',
      output: { error: { statusCode: 404 } },
      error: { type: 'TypeError' },
    })
  })
})

describe('activations', () => {
  test('are listed, the newest first, by name and by time', async () => {
    await put('one')
    await put('two')
    for (const name of ['one', 'two', 'one']) {
      app.clock.advance(1000)
      await ask('POST', `actions/${name}?blocking=true`, {})
    }
    const names = async (query: string) =>
      (await ask('GET', `activations?${query}`)).json.map(({ name }: { name: string }) => name)
    expect(await names('')).toEqual(['one', 'two', 'one'])
    expect(await names('limit=1')).toEqual(['one'])
    expect(await names('limit=0&skip=2')).toEqual(['one'])
    expect(await names('name=two')).toEqual(['two'])
    expect(await names('name=three')).toEqual([])
    expect(await names(`since=${app.clock.now()}`)).toEqual(['one'])
    expect(await names(`upto=${app.clock.now() - 1}`)).toEqual(['two', 'one'])
    const [plain] = (await ask('GET', 'activations?limit=1')).json
    const [whole] = (await ask('GET', 'activations?limit=1&docs=true')).json
    expect([plain.response, plain.logs, plain.statusCode]).toEqual([undefined, undefined, 0])
    expect(whole).toMatchObject({ response: { result: {} }, logs: [] })
  })

  test('that an activation has made name it as their cause', async () => {
    await put('inner')
    const fn = (await app.request('GET', '/v1/functions/inner')).json
    const { token } = app.functionTokens.give({ functionId: fn.id, functionName: 'x', projectId: 'red' })
    const from = '0192f5a0-0000-7000-8000-00000000abcd'
    const by = basic(`taibai:${token}.${from}`)
    const { json } = await ask('POST', 'actions/inner?blocking=true', {}, { ...by, body: '{}' })
    expect(json.cause).toBe('0192f5a000007000800000000000abcd')
  })
})
