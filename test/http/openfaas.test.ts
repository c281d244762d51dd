/** The gateway of OpenFaaS: refusals first, then each call that faas-cli makes, and the paths of functions. */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { bytesOfQuantity, millicpuOf, secondsOfDuration } from '../../src/domain/functions/openfaas.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import type { Message } from '../../src/domain/triggers/cloud-event.ts'
import { openFaasUrlOf } from '../../src/http/functions/function-call.ts'
import { aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
  app.invocation.recover((projectId, ref) => app.targets.resolveIn(projectId, ref))
})

const image = 'ghcr.io/openfaas/cows:latest'
const basic = (text: string) => ({ as: 'nobody' as const, headers: { Authorization: `Basic ${btoa(text)}` } })
const ask = (method: string, path: string, json?: unknown, asked: TestRequest = {}) =>
  app.request(method, `/system/${path}`, { ...(json !== undefined && { json }), ...asked })
const deploy = (more: object = {}, method = 'POST') => ask(method, 'functions', { service: 'cows', image, ...more })
const shown = async () => {
  const { status, json, text } = await ask('GET', 'function/cows')
  expect([status, text]).toEqual([200, expect.anything()])
  return json
}
const settled = () => sleep(0)

describe('is refused:', () => {
  test.each<[string, TestRequest]>([
    ['nobody', { as: 'nobody' }],
    ['an unknown token', { as: 'stranger' }],
    ['an unknown password', basic('admin:nothing')],
  ])('%s', async (_who, asked) => {
    const { status, text } = await ask('GET', 'functions', undefined, asked)
    expect([status, text]).toEqual([401, 'The supplied authentication is invalid.\n'])
  })

  test.each([
    ['GET', 'nothing'],
    ['GET', 'function/none'],
    ['GET', 'functions?namespace=other'],
    ['PATCH', 'functions'],
    ['POST', 'function/cows'],
    ['GET', 'logs?name=none'],
  ])('%s %s, which is not there', async (method, path) => {
    const { status, headers } = await ask(method, path)
    expect([status, headers.get('content-type')]).toEqual([404, 'text/plain; charset=utf-8'])
  })

  test.each<[string, object, RegExp]>([
    ['no name', { service: '' }, /"service"/],
    ['no image', { image: undefined }, /"image"/],
    ['secrets', { secrets: ['key'] }, /the secrets key: images get none/],
    ['a memory that is none', { limits: { memory: 'much' } }, /write 128Mi/],
    ['memory beyond ours', { limits: { memory: '8Gi' } }, /memory/],
    ['a cpu that is none', { requests: { cpu: 'all' } }, /write 100m/],
    ['a timeout beyond ours', { envVars: { exec_timeout: '2h' } }, /timeout/],
    ['a variable that is not text', { envVars: { A: { toString: 1 } } }, /"envVars.A" must be a string/],
    ['a namespace that is not text', { namespace: { toString: 1 } }, /no namespace/],
    ['labels that are no object', { labels: 'a=b' }, /"labels"/],
    ['another namespace', { namespace: 'dev' }, /no namespace "dev"/],
  ])('to deploy with %s', async (_what, more, message) => {
    const { status, text } = await deploy(more)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text).toMatch(message)
    expect((await ask('GET', 'functions')).json).toEqual([])
  })

  test('to change or remove an unknown function, as faas-cli expects it', async () => {
    expect((await deploy({}, 'PUT')).status).toBe(404)
    expect((await ask('DELETE', 'functions', { functionName: 'cows' })).status).toBe(404)
    expect((await ask('POST', 'scale-function/cows', { serviceName: 'cows', replicas: 1 })).status).toBe(404)
  })

  test('to create an existing one; a body that is not an object; replicas that are not a number', async () => {
    await deploy()
    expect((await deploy()).status).toBe(409)
    expect((await ask('POST', 'functions', undefined, { body: '[1]' })).status).toBe(400)
    expect((await ask('POST', 'scale-function/cows', { replicas: 'many' })).status).toBe(400)
  })

  test('a function of another project', async () => {
    await deploy()
    expect((await ask('GET', 'functions', undefined, { as: 'bob' })).json).toEqual([])
    expect((await ask('DELETE', 'functions', { functionName: 'cows' }, { as: 'bob' })).status).toBe(404)
    expect((await app.request('POST', '/function/cows', { as: 'bob' })).status).toBe(404)
  })

  test('callers who may only invoke, to deploy or to read', async () => {
    const made = await app.request('POST', '/v1/tokens', { json: { name: 'i', scopes: ['invoke'] }, as: 'admin' })
    const { token } = made.json
    expect((await deploy({}, 'POST')).status).toBe(202)
    expect((await ask('DELETE', 'functions', { functionName: 'cows' }, { token })).status).toBe(403)
  })
})

describe('faas-cli', () => {
  test('logs in with any name and a token', async () => {
    expect((await ask('GET', 'functions', undefined, basic('admin:token-of-alice'))).status).toBe(200)
  })

  test('deploys an image as a web function of its watchdog, and describes it', async () => {
    const more = {
      ...{ envProcess: 'node index.js', envVars: { exec_timeout: '1m30s', max_inflight: '4', mode: 'http' } },
      ...{ labels: { 'com.openfaas.scale.min': '2', 'com.openfaas.scale.max': '5' }, annotations: { topic: 'x' } },
      ...{ limits: { memory: '256Mi', cpu: '500m' }, requests: { cpu: '0.2' }, namespace: 'openfaas-fn' },
    }
    expect([(await deploy(more)).status, (await deploy(more)).status]).toEqual([202, 409])
    const { json } = await app.request('GET', '/v1/functions/cows')
    expect(json).toMatchObject({
      code: { source: 'image', image, mode: 'http', port: 8080 },
      ...{ timeout: 90, concurrency: 4, memory_size: 268_435_456, cpu: 200, cpu_max: 500 },
      ...{ min_workers: 2, max_workers: 5, access: 'token' },
      env: { exec_timeout: '1m30s', max_inflight: '4', mode: 'http', fprocess: 'node index.js' },
    })
    expect(await shown()).toMatchObject({
      ...{ name: 'cows', image, namespace: 'openfaas-fn', envProcess: 'node index.js', invocationCount: 0 },
      ...{ limits: { memory: '256Mi', cpu: '500m' }, requests: { cpu: '200m' }, replicas: 2, availableReplicas: 2 },
      labels: { 'com.openfaas.scale.min': '2', 'com.openfaas.scale.max': '5' },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
    expect((await ask('GET', 'functions')).json).toHaveLength(1)
  })

  test('changes one, scales it and removes it', async () => {
    const kept = { access: 'public', description: 'says moo', max_gb_seconds_per_day: 5, sandbox: 'runc' }
    const first = { name: 'cows', code: { source: 'image', image, mode: 'http', port: 8080 }, env: { A: '1' } }
    expect((await app.request('POST', '/v1/functions', { json: { ...first, ...kept } })).status).toBe(201)
    expect((await deploy({ envVars: { B: '2' }, envProcess: 'cat' }, 'PUT')).status).toBe(202)
    const made = (await app.request('GET', '/v1/functions/cows')).json
    expect(made).toMatchObject({ ...kept, name: 'cows' })
    expect((await app.request('GET', '/v1/functions')).json.functions).toHaveLength(1)
    expect(await shown()).toMatchObject({ envVars: { B: '2' }, envProcess: 'cat' })
    const { id } = (await app.request('GET', '/v1/functions/cows')).json
    const newer = { envVars: { B: '2' }, envProcess: 'cat', image: 'ghcr.io/openfaas/cows:2' }
    expect((await deploy(newer, 'PUT')).status).toBe(202)
    const after = (await app.request('GET', '/v1/functions/cows')).json
    expect([after.id, after.code.image]).toEqual([id, newer.image])
    expect((await ask('POST', 'scale-function/cows', { serviceName: 'cows', replicas: 3 })).status).toBe(202)
    expect((await shown()).replicas).toBe(3)
    expect((await ask('DELETE', 'functions', { functionName: 'cows' })).status).toBe(202)
    expect((await ask('GET', 'functions')).json).toEqual([])
  })

  test('changes no function that is code of a runtime', async () => {
    const json = { name: 'cows', runtime: 'nodejs', code: { source: 'inline', filename: 'main.mjs', content: 'x' } }
    app.stores.runtimes.insert(aRuntime({ name: 'nodejs', image: 'nodejs', isPublic: true }))
    const made = await app.request('POST', '/v1/functions', { json })
    expect([made.status, made.json]).toEqual([201, expect.anything()])
    const { status, text } = await deploy({}, 'PUT')
    expect([status, text]).toEqual([409, expect.stringMatching(/code of a runtime/)])
    expect((await shown()).name).toBe('cows')
  })

  test('stores secrets, whose values are never returned', async () => {
    const statuses = [
      (await ask('POST', 'secrets', { name: 'key', value: 'one' })).status,
      (await ask('POST', 'secrets', { name: 'key', value: 'two' })).status,
      (await ask('PUT', 'secrets', { name: 'key', rawValue: btoa('three') })).status,
      (await ask('PUT', 'secrets', { name: 'none', value: 'x' })).status,
    ]
    expect(statuses).toEqual([201, 409, 202, 404])
    const bytes = { rawValue: Buffer.from([0xff, 0xfe, 0x41]).toString('base64') }
    const refused = await ask('PUT', 'secrets', { name: 'key', value: '\ufffd\ufffdA', ...bytes })
    expect([refused.status, refused.text]).toEqual([400, expect.stringMatching(/^The value is not UTF-8/)])
    const { json, text } = await ask('GET', 'secrets')
    expect(json).toEqual([{ name: 'key', namespace: 'openfaas-fn' }])
    expect(text).not.toMatch(/one|three/)
    expect((await ask('DELETE', 'secrets', { name: 'key' })).status).toBe(202)
  })

  test('asks what this is, and for namespaces', async () => {
    const { json } = await ask('GET', 'info')
    expect(json).toMatchObject({
      provider: { provider: 'taibai', orchestration: 'taibai' },
      version: { release: expect.stringMatching(/^\d+\./) },
    })
    expect((await ask('GET', 'namespaces')).json).toEqual(['openfaas-fn'])
  })

  test('reads the output of the last runs, line by line', async () => {
    await deploy()
    app.pool.behaviour = async (call) => {
      call.onLog('stdout', 'first\nsecond\n')
      return returned('said')
    }
    await app.request('POST', '/function/cows')
    const { headers, text } = await ask('GET', 'logs?name=cows&follow=false&tail=5')
    expect(headers.get('content-type')).toBe('application/x-ndjson')
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ name, text }) => [name, text])).toEqual([
      ['cows', 'first'],
      ['cows', 'second'],
    ])
    expect((await ask('GET', 'logs?name=cows&tail=1')).text.trim().split('\n')).toHaveLength(1)
    expect((await ask('GET', `logs?name=cows&since=${new Date(Date.UTC(2031, 0)).toISOString()}`)).text).toBe('')
  })

  test.each(['', '&tail=-1', '&tail=1000000000'])(
    'reads the last lines of a run that printed very many: %j',
    async (tail) => {
      await deploy()
      app.pool.behaviour = async (call) => {
        call.onLog('stdout', 'x\n'.repeat(131_000))
        return returned('said')
      }
      await app.request('POST', '/function/cows')
      const { status, text } = await ask('GET', `logs?name=cows${tail}`)
      expect([status, text.trim().split('\n').length]).toEqual([200, tail.endsWith('000') ? 10_000 : 1000])
    },
  )

  test('treats a variable without a value as empty', async () => {
    await deploy({ envVars: { A: null } })
    expect(await shown()).toMatchObject({ envVars: { A: '' } })
  })

  test('what is changed is in the audit log', async () => {
    await deploy()
    const { json } = await app.request('GET', '/v1/audit', { as: 'admin' })
    expect(json.audit?.[0] ?? json[0] ?? json).toEqual(expect.anything())
    expect(JSON.stringify(json)).toContain('Through the gateway of OpenFaaS')
  })
})

describe('a path of a function', () => {
  test.each([
    ['/function/cows', 'cows', '/function/cows', '/', undefined],
    ['/function/cows.openfaas-fn/a/b?c=1', 'cows', '/function/cows.openfaas-fn', '/a/b?c=1', undefined],
    ['/async-function/cows?x', 'cows', '/async-function/cows', '/?x', true],
  ])('%s', (url, name, mount, below, isAsyncOpenFaas) => {
    expect(openFaasUrlOf(url)).toEqual({ name, mount, below, ...(isAsyncOpenFaas && { isAsyncOpenFaas }) })
  })

  test.each(['/function', '/function/', '/functions/a', '/async-function?a', '/function/?a'])('%s is none', (url) => {
    expect(openFaasUrlOf(url)).toBeNull()
  })

  test('reaches the function with method, headers, query and what is below', async () => {
    await deploy()
    const headers = { 'X-Own': '1', Authorization: `Basic ${btoa('a:b')}` }
    expect((await app.request('PUT', '/function/cows/a?b=1', { headers, body: 'text' })).status).toBe(200)
    const { call } = app.pool.calls[0] as (typeof app.pool.calls)[number]
    expect(call.http).toMatchObject({ method: 'PUT', target: '/a?b=1', prefix: '/function/cows' })
    const told = Object.fromEntries(call.http?.headers ?? [])
    expect(told).toMatchObject({ 'x-own': '1', authorization: headers.Authorization })
    expect(told).not.toHaveProperty('x-auth-token')
  })

  test('asks for a token as everywhere, unless the function is public', async () => {
    await deploy()
    expect((await app.request('POST', '/function/cows', { as: 'nobody' })).status).toBe(401)
    await app.request('PUT', '/v1/functions/cows', { json: { access: 'public' } })
    expect((await app.request('POST', '/function/cows', { as: 'nobody' })).status).toBe(200)
    const headers = { 'X-Callback-Url': 'https://example.org/' }
    const { status } = await app.request('POST', '/async-function/cows', { as: 'nobody', headers })
    expect([status, app.sender.sent]).toEqual([403, []])
  })
})

describe('an asynchronous call', () => {
  const url = 'https://example.org/done'
  const call = (headers: Record<string, string> = {}) =>
    app.request('POST', '/async-function/cows', { headers, body: '{"n":1}' })

  test('is accepted without a body, and has an id', async () => {
    await deploy()
    const { status, text, headers } = await call()
    expect([status, text]).toEqual([202, ''])
    const run = await app.request('GET', `/v1/executions/${headers.get('x-call-id')}`)
    expect([run.status, run.json.function_name ?? 'cows']).toEqual([200, 'cows'])
    await settled()
    expect(app.sender.sent).toEqual([])
  })

  test('reports the result to its caller: the response, its headers, and the headers of OpenFaaS’s queue', async () => {
    await deploy()
    const http = {
      status: 201,
      headers: [
        ['content-type', 'text/x-own'],
        ['x-own', '1'],
        ['connection', 'close'],
      ] as [string, string][],
    }
    const value = { kind: 'bytes' as const, body: Buffer.from([0, 255, 1]), http }
    app.pool.behaviour = async () => ({ ...returned(null), kind: 'returned', value }) as Outcome
    const { headers } = await call({ 'X-Callback-Url': url })
    await settled()
    const [sent] = app.sender.sent as unknown as { url: string; event: Message }[]
    expect(sent?.url).toBe(url)
    expect(sent?.event.headers).toEqual({
      ...{ 'content-type': 'text/x-own', 'x-own': '1', 'X-Call-Id': headers.get('x-call-id') },
      ...{ 'X-Function-Name': 'cows', 'X-Function-Status': '201' },
      'X-Duration-Seconds': expect.stringMatching(/^\d+\.\d+$/),
    })
    expect(sent?.event.body).toEqual(Buffer.from([0, 255, 1]))
  })

  test.each(['no URL', 'ftp://example.org/', 'https://a:b@example.org/'])('%s is no callback', async (wrong) => {
    await deploy()
    expect((await call({ 'X-Callback-Url': wrong })).status).toBe(400)
    expect(app.pool.calls).toEqual([])
  })
})

describe('amounts', () => {
  test.each([
    ['30', 30],
    ['1m30s', 90],
    ['500ms', 0.5],
    ['2h', 7200],
    ['soon', null],
    ['', null],
  ])('%s seconds', (text, seconds) => {
    expect(secondsOfDuration(text)).toBe(seconds)
  })

  test.each([
    ['128Mi', 134_217_728],
    ['128m', 128_000_000],
    ['1Gi', 1_073_741_824],
    ['1000', 1000],
  ])('%s of memory', (text, bytes) => {
    expect(bytesOfQuantity(text)).toBe(bytes)
  })

  test.each([
    ['100m', 100],
    ['0.5', 500],
    ['2', 2000],
  ])('%s of a processor', (text, millicpu) => {
    expect(millicpuOf(text)).toBe(millicpu)
  })
})
