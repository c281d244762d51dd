import { describe, expect, test } from 'vitest'
import { type ErrorCode, errorCodes, FaasError } from '../../src/domain/errors.ts'
import { errorBody, statusOfCode } from '../../src/http/error-response.ts'
import { aFn, aRuntime } from '../support/builders.ts'
import { expectRefusal, testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const prepare = () => ({ app: makeTestApp(), made: {} })
const nobody = 'nobody'

describe('discovery', () => {
  testRows(
    [
      {
        name: 'names the version at /',
        ask: 'GET /',
        as: nobody,
        status: 200,
        has: {
          versions: [
            { id: 'v1.0', status: 'CURRENT', links: [{ href: 'http://localhost/v1', target: 'v1', rel: 'self' }] },
          ],
        },
      },
      { name: 'names its base at /v1/', ask: 'GET /v1/', as: nobody, status: 200, has: { uri: 'http://localhost/v1' } },
      { name: 'ignores a bad token there', ask: 'GET /v1/', as: 'stranger', status: 200 },
      { name: 'knows nothing of /versions', ask: 'GET /versions', status: 404 },
      { name: 'knows nothing of /v2', ask: 'GET /v2', as: nobody, status: 404 },
      { name: 'does not collapse slashes', ask: 'GET /v1//runtimes', status: 404 },
      { name: 'does not collapse slashes at the end', ask: 'GET /v1/runtimes//', status: 404 },
      { name: 'lets nobody guess paths below /v1', ask: 'GET /v1/nothing', as: nobody, status: 401 },
      { name: 'knows nothing of unknown paths below /v1', ask: 'GET /v1/nothing', status: 404, shows: ['/v1/nothing'] },
    ],
    prepare,
  )

  test('redirects from /v1 to /v1/', async () => {
    const { app } = prepare()
    const answer = await app.request('GET', '/v1', { as: nobody })
    expect([answer.status, answer.headers.get('Location')]).toEqual([302, 'http://localhost/v1/'])
  })

  test.each([
    ['is not believed about a proxy', false, { 'X-Forwarded-Host': 'out.example' }, 'http://localhost/v1'],
    [
      'follows a proxy when told to',
      true,
      { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'out.example, in', 'X-Forwarded-Prefix': '/faas/' },
      'https://out.example/faas/v1',
    ],
    [
      'follows the standard header too',
      true,
      { Forwarded: 'for=1.2.3.4;proto=https;host="out.example:8443"' },
      'https://out.example:8443/v1',
    ],
  ])('%s', async (_name, trustProxy, headers, uri) => {
    const app = makeTestApp({ settings: { trustProxy } })
    expect((await app.request('GET', '/v1/', { headers: headers as Record<string, string> })).json).toEqual({ uri })
  })
})

describe('responses of the server itself', () => {
  const headersOf = async (ask: string, as: string = 'alice') => {
    const { app } = prepare()
    const [method = '', path = ''] = ask.split(' ')
    const { headers } = await app.request(method, path, { as: as as never })
    return [headers.get('X-Content-Type-Options'), headers.get('Cache-Control')]
  }

  test.each([
    'GET /v1/runtimes',
    'GET /v1/functions/absent',
    'GET /v1/executions',
    'GET /v1/nothing',
    'POST /v1/executions',
    'POST /v1/functions',
  ])('of %s are stored by no cache, and their type is not guessed', async (ask) => {
    expect(await headersOf(ask)).toEqual(['nosniff', 'no-store'])
  })

  test('to callers without a token, too', async () => {
    expect(await headersOf('GET /v1/runtimes', 'nobody')).toEqual(['nosniff', 'no-store'])
  })

  test.each(['GET /', 'GET /healthz', 'GET /openapi.json', 'GET /docs/openapi'])('of %s may be stored', async (ask) => {
    expect(await headersOf(ask)).toEqual(['nosniff', null])
  })
})

describe('who asks', () => {
  test('is identified by X-Auth-Token or by a bearer token', async () => {
    const { app } = prepare()
    const headers = { Authorization: 'Bearer token-of-alice' }
    expect((await app.request('GET', '/v1/runtimes', { as: nobody, headers })).status).toBe(200)
    for (const Authorization of ['Bearer wrong', 'Basic YTpi', 'Bearer']) {
      expect((await app.request('GET', '/v1/runtimes', { as: nobody, headers: { Authorization } })).status).toBe(401)
    }
  })

  test('does not matter in open mode', async () => {
    const app = makeTestApp({ auth: 'none' })
    for (const as of [nobody, 'stranger'] as const) {
      expect((await app.request('GET', '/v1/runtimes', { as })).status).toBe(200)
      expect((await app.request('POST', '/v1/runtimes', { as, json: { image: 'a' } })).json.project_id).toBe('default')
    }
  })

  test('does not matter to the one path of webhooks, exactly as it is written', async () => {
    const { app } = prepare()
    const status = async (path: string) => (await app.request('POST', path, { as: nobody })).status
    expect(await status('/v1/webhooks/0190a000-0000-7000-8000-00000000dead/invoke')).not.toBe(401)
    for (const path of [
      '/v1/webhooks/ABC/invoke',
      '/v1/webhooks/ab-c/invoke/',
      '/v1/webhooks/xyz/invoke',
      '/v1/webhooks/ab',
    ]) {
      expect(await status(path)).toBe(401)
    }
  })

  test('does not matter to health and documents', async () => {
    const { app } = prepare()
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs', '/docs/api', '/docs/openapi']) {
      expect((await app.request('GET', path, { as: nobody })).status).toBe(200)
    }
  })
})

describe('health', () => {
  test('readiness is 503 while the server is not ready, and liveness stays 200', async () => {
    const { app } = prepare()
    expect((await app.request('GET', '/readyz')).json).toEqual({ ready: true })
    app.health.isReady = false
    expect(await app.request('GET', '/readyz')).toMatchObject({ status: 503, json: { ready: false } })
    expect(await app.request('GET', '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
  })
})

describe('wrong verbs', () => {
  test.each([
    ['PATCH', '/v1/runtimes', 'GET, POST'],
    ['DELETE', '/v1/runtimes', 'GET, POST'],
    ['HEAD', '/v1/runtimes', 'GET, POST'],
    ['POST', '/healthz', 'GET'],
    ['PUT', '/', 'GET'],
    ['POST', '/v1/', 'GET'],
  ])('%s %s is told what there is', async (method, path, allow) => {
    const { app } = prepare()
    const answer = await app.request(method, path)
    expect([answer.status, answer.headers.get('Allow')]).toEqual([405, allow])
    if (method !== 'HEAD') expectRefusal(answer.json, answer.headers)
  })

  test('OPTIONS needs no token', async () => {
    const { app } = prepare()
    const answer = await app.request('OPTIONS', '/v1/runtimes', { as: nobody })
    expect([answer.status, answer.text, answer.headers.get('Allow')]).toEqual([200, '', 'GET, POST'])
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })
})

describe('browsers', () => {
  const origin = { Origin: 'https://console.example' }
  const preflight = {
    ...origin,
    'Access-Control-Request-Method': 'PUT',
    'Access-Control-Request-Headers': 'x-auth-token',
  }

  test('get no CORS header for other origins', async () => {
    const app = makeTestApp({ settings: { corsOrigins: ['https://other.example'] } })
    const answer = await app.request('OPTIONS', '/v1/runtimes', { as: nobody, headers: preflight })
    expect([answer.status, answer.headers.get('Access-Control-Allow-Origin')]).toEqual([200, null])
  })

  test('may call from configured origins, and read refusals', async () => {
    const app = makeTestApp({ settings: { corsOrigins: ['https://console.example'] } })
    const asked = await app.request('OPTIONS', '/v1/runtimes', { as: nobody, headers: preflight })
    const refused = await app.request('GET', '/v1/runtimes', { as: nobody, headers: origin })
    expect(asked.status).toBe(200)
    expect(asked.headers.get('Access-Control-Allow-Methods')).toBe('PUT')
    expect(asked.headers.get('Access-Control-Allow-Headers')).toBe('x-auth-token')
    expect([refused.status, refused.headers.get('Access-Control-Allow-Origin')]).toEqual([
      401,
      'https://console.example',
    ])
  })
})

describe('errors', () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])('%s has a status and the three keys', (code) => {
    const body = errorBody(new FaasError(code, 'A sentence.'))
    const faultcode = statusOfCode[code] < 500 ? 'Client' : 'Server'
    expect(body).toEqual({ faultcode, faultstring: 'A sentence.', debuginfo: null, code })
  })

  test('that are unexpected do not reveal their cause', async () => {
    const { app } = prepare()
    app.pool.capacity = () => {
      throw new Error('SELECT secret FROM table')
    }
    const { json: runtime } = await app.request('POST', '/v1/runtimes', { as: 'admin', json: { image: 'a' } })
    const answer = await app.request('GET', `/v1/runtimes/${runtime.id}/pool`, { as: 'admin' })
    expect(answer).toMatchObject({ status: 500, json: { faultcode: 'Server', code: 'internal' } })
    expect(answer.text).not.toContain('secret')
  })

  test('for lack of disk space refuse new objects, and nothing else', async () => {
    const { app } = prepare()
    const runtime = aRuntime({ name: 'nodejs' })
    app.stores.runtimes.insert(runtime)
    const own = aFn({ projectId: 'red', runtimeId: runtime.id })
    app.stores.functions.insert(own)
    app.space.refuseMore = () => {
      throw new FaasError('storage_full', 'The disk is nearly full.')
    }
    const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
    const refused = { status: 503, json: { code: 'storage_full' } }
    const aws = '/2015-03-31/functions'
    expect(await app.request('POST', '/v1/functions', { json: { runtime: 'nodejs', code } })).toMatchObject(refused)
    expect(await app.request('POST', '/v1/jobs', { json: {} })).toMatchObject(refused)
    expect((await app.request('POST', aws, { json: {} })).status).toBe(503)
    const others = [
      await app.request('POST', '/v1/executions', { json: { function_id: own.id } }),
      await app.request('GET', '/v1/functions'),
      await app.request('POST', '/v1/tokens', { as: 'admin', json: { name: 'x' } }),
      await app.request('PUT', `/v1/functions/${own.id}`, { json: { description: 'x' } }),
      await app.request('DELETE', `/v1/functions/${own.id}`),
    ]
    expect(others.map(({ status }) => status)).toEqual([201, 200, 201, 200, 204])
  })

  test('for lack of capacity say when to try again', async () => {
    const { app } = prepare()
    app.pool.capacity = () => {
      throw new FaasError('no_worker', 'Every worker is busy.')
    }
    const { json: runtime } = await app.request('POST', '/v1/runtimes', { as: 'admin', json: { image: 'a' } })
    const answer = await app.request('GET', `/v1/runtimes/${runtime.id}/pool`, { as: 'admin' })
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '1'])
  })
})
