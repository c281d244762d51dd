/** Web actions: their callers, their parameters, and how results become responses. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { webParams } from '../../src/http/openwhisk/web-params.ts'
import { splitExtension, webAnswer } from '../../src/http/openwhisk/web-response.ts'
import { aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp, type TestApp, type TestRequest } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs', image: 'nodejs', isPublic: true }))
})

const exec = { kind: 'nodejs:20', code: 'function main(p) { return p }' }
const put = (annotations: Record<string, unknown>, parameters: object[] = []) =>
  app.request('PUT', '/api/v1/namespaces/_/actions/page?overwrite=true', {
    json: { exec, parameters, annotations: Object.entries(annotations).map(([key, value]) => ({ key, value })) },
  })
const web = (path: string, asked: TestRequest & { method?: string } = {}) =>
  app.request(asked.method ?? 'GET', `/api/v1/web/${path}`, { as: 'nobody', ...asked })

describe('a web action is refused:', () => {
  test.each([
    '_/default/page',
    'red/default/page.json',
    'red/default/none',
    'blue/default/page',
    'red/default',
    'red/pkg/page',
  ])('%s, where nothing is exported', async (path) => {
    await put({})
    expect((await web(path)).status).toBe(404)
  })

  test.each<[string, unknown, TestRequest, number]>([
    ['without the secret', 'abc', {}, 401],
    ['with another secret', 'abc', { headers: { 'X-Require-Whisk-Auth': 'abd' } }, 401],
    ['no: with the secret', 'abc', { headers: { 'X-Require-Whisk-Auth': 'abc' } }, 200],
    ['no: with the number', 7, { headers: { 'X-Require-Whisk-Auth': '7' } }, 200],
    ['without a key', true, {}, 401],
    ['with a wrong key', true, { headers: { Authorization: `Basic ${btoa('x:y')}` } }, 401],
    ['no: with a key', true, { headers: { Authorization: `Basic ${btoa('x:token-of-bob')}` } }, 200],
    ['no: where none is asked for', false, {}, 200],
  ])('%s', async (_how, secret, asked, status) => {
    await put({ 'web-export': true, 'require-whisk-auth': secret })
    expect((await web('red/default/page.json', asked)).status).toBe(status)
  })

  test('with a key that may not invoke it', async () => {
    await put({ 'web-export': true, 'require-whisk-auth': true })
    const fn = await app.request('POST', '/v1/functions', {
      json: { runtime: 'nodejs', code: { source: 'inline', filename: 'main.mjs', content: 'x' } },
    })
    const statusFor = async (asked: object) => {
      const made = await app.request('POST', '/v1/tokens', {
        as: 'admin',
        json: { name: 'x', project_id: 'red', ...asked },
      })
      const headers = { Authorization: `Basic ${btoa(`x:${made.json.token}`)}` }
      return (await web('red/default/page.json', { headers })).status
    }
    expect(await statusFor({ scopes: ['invoke'] })).toBe(200)
    expect(await statusFor({ scopes: ['read'] })).toBe(403)
    expect(await statusFor({ scopes: ['invoke'], function: fn.json.id })).toBe(403)
    expect(await statusFor({ scopes: ['invoke'], function: 'page' })).toBe(200)
  })

  test('for some time, to who guesses again and again', async () => {
    app = makeTestApp({ settings: { wrongTokensPerMinute: 2 } })
    app.stores.runtimes.insert(aRuntime({ name: 'nodejs', image: 'nodejs', isPublic: true }))
    await put({ 'web-export': true, 'require-whisk-auth': 'abc' })
    const guess = async (secret: string) =>
      (await web('red/default/page.json', { headers: { 'X-Require-Whisk-Auth': secret } })).status
    expect([await guess('a'), await guess('b'), await guess('c'), await guess('abc')]).toEqual([401, 401, 429, 200])
    const { headers } = await web('red/default/page.json')
    expect(headers.get('retry-after')).toBe('30')
  })

  test.each<[string, TestRequest & { method?: string }]>([
    ['?__ow_method=x', {}],
    ['?fixed=2', {}],
    ['', { method: 'POST', json: { fixed: 2 } }],
    ['', { method: 'POST', body: '{', headers: { 'Content-Type': 'application/json' } }],
  ])('with what it may not be told: %s %j', async (query, asked) => {
    await put({ 'web-export': true, final: true }, [{ key: 'fixed', value: 1 }])
    const answer = await web(`red/default/page.json${query}`, asked)
    expect([answer.status, typeof answer.json.error]).toEqual([400, 'string'])
  })
})

describe('a web action', () => {
  test('is found without a namespace where there is one project', async () => {
    await put({ 'web-export': true })
    expect((await web('_/default/page.json?a=1')).json).toMatchObject({ a: '1', __ow_method: 'get', __ow_path: '' })
  })

  test('is given the request', async () => {
    await put({ 'web-export': true })
    const asked = { method: 'POST', json: { b: 2 }, headers: { 'X-Thing': 'y' } }
    const { json, headers } = await web('red/default/page.json/some/path?a=1&b=1', asked)
    expect(json).toMatchObject({ a: '1', b: 2, __ow_method: 'post', __ow_path: '/some/path' })
    expect(json.__ow_headers['x-thing']).toBe('y')
    expect(json).not.toHaveProperty('__ow_user')
    expect(json).not.toHaveProperty('__ow_body')
    expect(headers.get('x-openwhisk-activation-id')).toMatch(/^[0-9a-f]{32}$/)
  })

  test('gets the caller’s identity, if the caller sends it', async () => {
    await put({ 'web-export': true })
    const asked = { headers: { Authorization: `Basic ${btoa('x:token-of-bob')}` } }
    const { json } = await web('red/default/page.json', asked)
    expect([json.__ow_user, json.__ow_headers.authorization]).toEqual(['blue', undefined])
  })

  test('gets no tokens of the server, and everything else that callers send', async () => {
    await put({ 'web-export': true })
    const toldOf = async (headers: Record<string, string>) => {
      const { __ow_headers: told } = (await web('red/default/page.json', { headers })).json
      return [told.authorization, told['x-auth-token']]
    }
    expect(await toldOf({ 'X-Auth-Token': 'token-of-bob' })).toEqual([undefined, undefined])
    expect(await toldOf({ Authorization: 'Bearer token-of-bob' })).toEqual([undefined, undefined])
    expect(await toldOf({ Authorization: 'Bearer of-its-own' })).toEqual(['Bearer of-its-own', undefined])
    expect(await toldOf({ Authorization: `Basic ${btoa('me:secret')}` })).toEqual([
      `Basic ${btoa('me:secret')}`,
      undefined,
    ])
  })

  test('can get the unchanged request', async () => {
    await put({ 'web-export': true, 'raw-http': true })
    const { json } = await web('red/default/page.json?__ow_x=1', { method: 'PUT', json: { b: 2 } })
    expect(json).toMatchObject({ __ow_query: '__ow_x=1', __ow_body: btoa('{"b":2}'), __ow_method: 'put' })
    expect(json).not.toHaveProperty('b')
  })

  test('answers browsers of all origins, unless it does so itself', async () => {
    await put({ 'web-export': true })
    const options = await web('red/default/page', { method: 'OPTIONS' })
    expect([options.status, options.text, options.headers.get('access-control-allow-origin')]).toEqual([200, '', '*'])
    expect(options.headers.get('access-control-allow-methods')).toBe('OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH')
    const asked = { method: 'OPTIONS', headers: { 'Access-Control-Request-Headers': 'X-Mine' } }
    expect((await web('red/default/page', asked)).headers.get('access-control-allow-headers')).toBe('X-Mine')
    expect((await web('red/default/page.json')).headers.get('access-control-allow-origin')).toBe('*')
    await put({ 'web-export': true, 'web-custom-options': true })
    const own = await web('red/default/page.json', { method: 'OPTIONS' })
    expect([own.json.__ow_method, own.headers.get('access-control-allow-origin')]).toEqual(['options', null])
  })

  test('says once which origins may read, and that types are not to be guessed', async () => {
    await put({ 'web-export': true })
    const answer = (headers: object) => {
      app.pool.behaviour = () => returned({ body: 'a', headers })
      return web('red/default/page')
    }
    const usual = await answer({})
    expect([usual.headers.get('access-control-allow-origin'), usual.headers.get('x-content-type-options')]).toEqual([
      '*',
      'nosniff',
    ])
    const own = await answer({ 'Access-Control-Allow-Origin': 'https://shop.example', 'X-Content-Type-Options': 'x' })
    expect(own.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect(own.headers.get('x-content-type-options')).toBe('x')
    const cookies = await answer({ 'Set-Cookie': ['a=1', 'b=2'] })
    expect(cookies.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  const failed = (more: object): Outcome =>
    ({
      kind: 'raised',
      error: { type: 'E', message: 'secret', stack: null },
      runMs: 1,
      cpuMs: 1,
      memoryPeakMb: 1,
      ...more,
    }) as Outcome

  test('that fails answers with its error as a result', async () => {
    await put({ 'web-export': true })
    const said = (text: string) => failed({ value: { kind: 'json', body: Buffer.from(text) } })
    app.pool.behaviour = () => said('{"error":{"statusCode":404,"body":"gone"}}')
    const gone = await web('red/default/page')
    expect([gone.status, gone.text]).toEqual([404, 'gone'])
    app.pool.behaviour = () => said('{"error":"a text"}')
    expect((await web('red/default/page')).status).toBe(400)
  })

  test('that crashes reveals nothing about itself', async () => {
    await put({ 'web-export': true })
    app.pool.behaviour = () => failed({})
    const broken = await web('red/default/page')
    expect([broken.status, broken.json.error]).toEqual([400, 'There was an error processing your request.'])
    expect(broken.text).not.toContain('secret')
  })

  test('answers with status, headers and body', async () => {
    await put({ 'web-export': true })
    const headers = { 'Set-Cookie': ['a=1', 'b=2'], 'X-N': 7, 'Content-Length': 999 }
    app.pool.behaviour = () => returned({ statusCode: 201, headers, body: '<p>hi</p>' })
    const answer = await web('red/default/page.http')
    expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([
      201,
      '<p>hi</p>',
      'text/html; charset=UTF-8',
    ])
    expect([answer.headers.getSetCookie(), answer.headers.get('x-n')]).toEqual([['a=1', 'b=2'], '7'])
    expect((await web('red/default/page', { method: 'HEAD' })).text).toBe('')
  })
})

describe('a webhook of an action', () => {
  const webhook = async () => {
    await put({})
    const { json } = await app.request('POST', '/v1/webhooks', { json: { function_id: 'page', sync: true } })
    return new URL(json.webhook_url).pathname
  }

  test('is a web action', async () => {
    const path = await webhook()
    app.pool.behaviour = (call) => returned({ statusCode: 201, body: JSON.parse(String(call.input.body)) })
    const answer = await app.request('POST', `${path}?a=1`, { as: 'nobody', json: { b: 2 } })
    expect([answer.status, answer.json]).toMatchObject([201, { a: '1', b: 2, __ow_method: 'post', __ow_path: '' }])
    expect(answer.headers.get('x-execution-id')).toBeTruthy()
    app.pool.behaviour = () => returned({ statusCode: 'x' })
    expect((await app.request('POST', path, { as: 'nobody' })).status).toBe(400)
  })

  test('is not told what is secret in itself', async () => {
    app.pool.behaviour = (call) => returned({ body: JSON.parse(String(call.input.body)) })
    const headers = { 'X-Gitlab-Token': 'secret', 'X-Gitlab-Event': 'Push Hook' }
    const { json } = await app.request('POST', await webhook(), { as: 'nobody', headers })
    expect(json.__ow_headers).toMatchObject({ 'x-gitlab-event': 'Push Hook' })
    expect(json.__ow_headers).not.toHaveProperty('x-gitlab-token')
  })

  test('is refused what it may not be told', async () => {
    expect((await app.request('POST', `${await webhook()}?__ow_method=x`, { as: 'nobody' })).status).toBe(400)
  })
})

describe('the parameters of a request', () => {
  const request = { method: 'POST', path: '', query: '', headers: {}, body: Buffer.alloc(0), isRaw: false }
  const of = (type: string, body: string | Buffer, isRaw = false) =>
    webParams({ ...request, headers: { 'content-type': type }, body: Buffer.from(body), isRaw })

  test.each<[string, string | Buffer, object]>([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/json; charset=utf-8', '[1]', { __ow_body: [1] }],
    ['application/x-www-form-urlencoded', 'a=1&b=x%20y', { a: '1', b: 'x y' }],
    ['text/plain', 'grüß', { __ow_body: 'grüß' }],
    ['application/octet-stream', Buffer.from([0, 255]), { __ow_body: 'AP8=' }],
    ['application/vnd.api+json', '{"a":1}', { __ow_body: btoa('{"a":1}') }],
  ])('%s: %s', (type, body, params) => {
    const { __ow_headers, __ow_method, __ow_path, ...rest } = of(type, body)
    expect(rest).toEqual(params)
  })

  test.each([
    ['application/json', '{}', 'e30='],
    ['image/png', 'x', 'eA=='],
    ['text/plain', 'x', 'x'],
    ['application/json', '', ''],
  ])('raw: %s %s', (type, body, raw) => {
    expect(of(type, body, true)).toMatchObject({ __ow_body: raw, __ow_query: '' })
  })
})

describe('the answer of', () => {
  test.each([
    ['page', 'page', 'http'],
    ['page.json', 'page', 'json'],
    ['my.page.svg', 'my.page', 'svg'],
    ['page.v2', 'page.v2', 'http'],
    ['.json', '.json', 'http'],
  ])('%s is that of %s as %s', (text, name, extension) => {
    expect(splitExtension(text)).toEqual({ name, extension })
  })

  const png = { headers: { 'content-type': 'image/png' } }
  const json = { headers: { 'content-type': 'application/json' } }
  test.each<[string, 'http' | 'json' | 'html' | 'svg' | 'text', unknown, number, string | null, string]>([
    ['nothing', 'http', {}, 204, null, ''],
    ['fields that mean nothing here', 'http', { hello: 1 }, 204, null, ''],
    ['an empty body', 'http', { statusCode: 200, body: '', headers: { 'content-type': 'text/plain' } }, 200, null, ''],
    ['a status as a text', 'http', { statusCode: '404', body: 'x' }, 404, 'text/html; charset=UTF-8', 'x'],
    ['bytes', 'http', { ...png, body: btoa('png') }, 200, 'image/png', 'png'],
    ['JSON as base64', 'http', { ...json, body: btoa('{"a":1}') }, 200, 'application/json', '{"a":1}'],
    ['JSON as it is', 'http', { ...json, body: '{"a":1}' }, 200, 'application/json', '{"a":1}'],
    ['an object', 'http', { body: { a: 1 } }, 200, 'application/json', '{"a":1}'],
    [
      'a problem',
      'http',
      { body: [1], headers: { 'Content-Type': 'application/problem+json' } },
      200,
      'application/problem+json',
      '[1]',
    ],
    ['a whole object', 'json', { a: 1 }, 200, 'application/json', '{"a":1}'],
    ['an array', 'json', [1], 200, 'application/json', '[1]'],
    ['a page', 'html', { body: '<b>' }, 200, 'text/html; charset=UTF-8', '<b>'],
    ['a page by its name', 'html', { html: '<b>' }, 200, 'text/html; charset=UTF-8', '<b>'],
    ['a picture', 'svg', { svg: '<svg/>' }, 200, 'image/svg+xml', '<svg/>'],
    ['a text', 'text', { text: 't' }, 200, 'text/plain; charset=UTF-8', 't'],
    ['a number as text', 'text', { text: 5 }, 200, 'text/plain; charset=UTF-8', '5'],
  ])('%s as .%s', (_what, extension, result, status, type, text) => {
    const answer = webAnswer(result, extension)
    const said = answer.headers.find(([name]) => name === 'content-type')?.[1] ?? null
    expect([answer.status, said, answer.body.toString()]).toEqual([status, type, text])
  })

  test.each<[string, 'http' | 'json' | 'html', unknown, number]>([
    ['a text', 'http', 'x', 400],
    ['an array', 'http', [1], 400],
    ['a bad status', 'http', { statusCode: 'abc' }, 400],
    ['a status that is none', 'http', { statusCode: 1 }, 400],
    ['a bad header', 'http', { headers: { a: { b: 1 } }, body: 'x' }, 400],
    ['a header with a line in it', 'http', { headers: { a: 'x\r\ny: z' }, body: 'x' }, 400],
    ['headers that are none', 'http', { headers: 'x', body: 'x' }, 400],
    ['an object of another type', 'http', { ...png, body: { a: 1 } }, 400],
    ['bytes that are no base64', 'http', { ...png, body: 'no base64!' }, 400],
    ['a text', 'json', 'x', 400],
    ['a page that is not text', 'html', { body: { a: 1 } }, 400],
    ['no page', 'html', { a: 1 }, 404],
  ])('%s is none as .%s', (_what, extension, result, status) => {
    expect(() => webAnswer(result, extension)).toThrow(expect.objectContaining({ status }))
  })
})
