import { describe, expect, test } from 'vitest'
import { aFn } from '../support/builders.ts'
import { listening, rawAnswer } from '../support/listening.ts'
import { makeTestApp } from '../support/test-app.ts'

/** Functions that callers without a token may run, pages of other origins, and host names of their own. */

const shop = 'https://shop.example.org'
const cors = { origins: [shop], methods: ['GET', 'POST'], headers: ['content-type'], credentials: true }

async function opened(fields: Parameters<typeof aFn>[0] = {}, settings = {}, auth: 'token' | 'none' = 'token') {
  const { app, fn, ...rest } = await listening({ signature: 'http', settings, auth })
  app.stores.functions.update({ ...fn, ...fields })
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    return rawAnswer(rest.port, [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
  }
  const status = async (...asked: Parameters<typeof ask>) => Number((await ask(...asked)).split(' ')[1])
  return { app, fn, ask, status, ...rest }
}

describe('the fields', () => {
  test('give a host to one of two functions that claim it at the same moment', async () => {
    const { app } = await opened()
    const claim = (name: string) => {
      const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
      const json = { name, runtime: 'nodejs', code, hosts: ['both.apps.example'] }
      return app.request('POST', '/v1/functions', { json, as: 'admin' })
    }
    const made = (await Promise.all([claim('one'), claim('two')])).map(({ status }) => status).sort()
    expect(made).toEqual([201, 409])
    const later = ['three', 'four'].map((name) => aFn({ name, projectId: 'ops', runtimeId: null }))
    for (const fn of later) app.stores.functions.insert(fn)
    const change = { json: { hosts: ['later.apps.example'] }, as: 'admin' as const }
    const changed = later.map(({ id }) => app.request('PUT', `/v1/functions/${id}`, change))
    expect((await Promise.all(changed)).map(({ status }) => status).sort()).toEqual([200, 409])
  })

  test.each<[object, number, string]>([
    [{ access: 'all' }, 400, 'token, public'],
    [{ cors: 'x' }, 400, '"cors"'],
    [{ cors: { origins: [] } }, 400, '"cors"'],
    [{ cors: { origins: ['shop.example.org'] } }, 400, 'https://shop.example.org'],
    [{ cors: { origins: ['*'], credentials: true } }, 400, 'credentials'],
    [{ cors: { origins: [shop], methods: ['G T'] } }, 400, 'method'],
    [{ cors: { origins: [shop], other: 1 } }, 400, '"cors"'],
    [{ hosts: 'shop' }, 400, 'array'],
    [{ hosts: ['localhost'] }, 400, 'host name'],
    [{ hosts: ['127.0.0.1'] }, 400, 'host name'],
    [{ hosts: ['shop.example.org:80'] }, 400, 'host name'],
    [{ hosts: ['*.apps.example'] }, 400, 'host name'],
    [{ hosts: ['shop.example.org'] }, 403, 'TAIBAI_FUNCTION_HOSTS'],
    [{ hosts: ['apps.example'] }, 403, 'TAIBAI_FUNCTION_HOSTS'],
    [{ timeout: 901 }, 400, 'TAIBAI_TIMEOUT_MAX_SECONDS'],
  ])('%j is refused', async (json, status, says) => {
    const { request, stores } = makeTestApp()
    const fn = aFn({
      projectId: 'red',
      name: 'hello',
      code: { source: 'image', image: 'a' },
      runtimeId: null,
      packageHash: null,
      entry: null,
    })
    stores.functions.insert(fn)
    const answer = await request('PUT', '/v1/functions/hello', { json })
    expect([answer.status, answer.json.faultstring]).toEqual([status, expect.stringContaining(says)])
  })

  test('are shown with their effective values, and can be reset', async () => {
    const { request, stores } = makeTestApp()
    stores.functions.insert(
      aFn({
        projectId: 'red',
        name: 'hello',
        code: { source: 'image', image: 'a' },
        runtimeId: null,
        packageHash: null,
        entry: null,
      }),
    )
    const put = async (json: object, as?: 'admin') =>
      (await request('PUT', '/v1/functions/hello', { json, ...(as && { as }) })).json
    expect(await put({ access: 'public', cors: { origins: [shop] }, hosts: ['Shop.apps.example'] })).toMatchObject({
      access: 'public',
      cors: { origins: [shop], methods: null, headers: null, credentials: false },
      hosts: ['shop.apps.example'],
    })
    expect(await put({ access: 'token', cors: null, hosts: [] })).toMatchObject({
      access: 'token',
      cors: null,
      hosts: [],
    })
  })

  test('no two public functions share a name, and no two functions a host', async () => {
    const { request, stores } = makeTestApp()
    const image = { code: { source: 'image' as const, image: 'a' }, runtimeId: null, packageHash: null, entry: null }
    stores.functions.insert(
      aFn({ projectId: 'red', name: 'hello', access: 'public', hosts: ['a.apps.example'], ...image }),
    )
    stores.functions.insert(aFn({ projectId: 'blue', name: 'hello', ...image }))
    const put = async (json: object) => (await request('PUT', '/v1/functions/hello', { json, as: 'bob' })).status
    expect(await put({ access: 'public' })).toBe(409)
    expect(await put({ hosts: ['a.apps.example'] })).toBe(409)
    expect(await put({ hosts: ['b.apps.example'] })).toBe(200)
  })
})

describe('without a token', () => {
  test.each(['/fn/hello', '/fn/nobody'])('%s is refused alike when nothing is public', async (path) => {
    const { status } = await opened()
    expect(await status(path)).toBe(401)
    expect(await status(path, { 'X-Auth-Token': 'unknown' })).toBe(401)
  })

  test('a public function runs, for its project, also for callers of others and with tokens of its own', async () => {
    const { app, fn, status } = await opened({ access: 'public' })
    expect(await status('/fn/hello')).toBe(200)
    expect(await status(`/fn/${fn.id}/x`)).toBe(200)
    expect(await status('/fn/hello', { 'X-Auth-Token': 'token-of-bob' })).toBe(200)
    expect(await status('/fn/hello', { Authorization: 'Bearer of.the.application' })).toBe(200)
    expect([...app.ledger.rows.values()].map(({ projectId }) => projectId)).toEqual(Array(4).fill('red'))
    expect(app.pool.calls[3]?.call.http?.headers).toContainEqual(['authorization', 'Bearer of.the.application'])
    expect(await status('/v1/functions')).toBe(401)
  })

  test('the caller’s own function of that name comes before a public one', async () => {
    const { app, fn, status } = await opened({ access: 'public' })
    app.stores.functions.insert(aFn({ projectId: 'blue', name: 'hello', runtimeId: fn.runtimeId, signature: 'http' }))
    await status('/fn/hello', { 'X-Auth-Token': 'token-of-bob' })
    expect([...app.ledger.rows.values()][0]?.projectId).toBe('blue')
  })
})

describe('a public function that fails', () => {
  const error = { type: 'TypeError', message: 'x is not a function', stack: 'at main (/code/main.mjs:3:7)' }
  test.each([
    ['strangers', {}, null],
    ['other projects', { 'X-Auth-Token': 'token-of-bob' }, null],
    ['its own project', { 'X-Auth-Token': 'token-of-alice' }, error.stack],
  ])('tells %s no more than they may see', async (_who, headers, stack) => {
    const { app, ask } = await opened({ access: 'public' })
    app.pool.behaviour = () => ({ kind: 'raised', error, runMs: 1, cpuMs: 1, memoryPeakMb: 1 })
    const answer = await ask('/fn/hello', headers as Record<string, string>)
    expect(JSON.parse(answer.slice(answer.indexOf('{'))).error).toEqual({ ...error, stack })
  })
})

describe('pages of other origins', () => {
  const preflight = {
    Origin: shop,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'x-other',
  }

  test('that are not named get no header', async () => {
    const { ask, status } = await opened({ cors })
    const other = { ...preflight, Origin: 'https://other.example.org' }
    expect(await status('/fn/hello', other, 'OPTIONS')).toBe(401)
    expect(await ask('/fn/hello', { ...other, 'X-Auth-Token': 'token-of-alice' })).not.toMatch(/access-control-allow/i)
  })

  test('ask beforehand without a token', async () => {
    const { ask, app } = await opened({ cors })
    const answer = await ask('/fn/hello', preflight, 'OPTIONS')
    expect(answer).toMatch(/^HTTP\/1.1 204/)
    expect(answer).toContain(`Access-Control-Allow-Origin: ${shop}`)
    expect(answer).toContain('Access-Control-Allow-Methods: GET, POST')
    expect(answer).toContain('Access-Control-Allow-Headers: content-type')
    expect(answer).toContain('Access-Control-Allow-Credentials: true')
    expect(app.pool.calls).toEqual([])
  })

  test('may read the answer, and refusals', async () => {
    const { ask } = await opened({ cors })
    const asked = { Origin: shop, 'X-Auth-Token': 'token-of-alice' }
    expect(await ask('/fn/hello', asked)).toContain(`Access-Control-Allow-Origin: ${shop}`)
  })

  test('ask the function itself where it is public and names none', async () => {
    const { status, app } = await opened({ access: 'public' })
    expect(await status('/fn/hello', preflight, 'OPTIONS')).toBe(200)
    expect(app.pool.calls[0]?.call.http?.method).toBe('OPTIONS')
  })

  test('of the operator’s origins call functions on the same way', async () => {
    const { ask } = await opened({}, { corsOrigins: [shop] })
    expect(await ask('/fn/hello', preflight, 'OPTIONS')).toMatch(
      /^HTTP\/1.1 200[\s\S]*Access-Control-Allow-Methods: POST/,
    )
    const answer = await ask('/fn/hello', { Origin: shop, 'X-Auth-Token': 'token-of-alice' })
    expect(answer).toMatch(/^HTTP\/1.1 200[\s\S]*Access-Control-Allow-Origin: https:\/\/shop.example.org/)
  })
})

describe('a host name of a function', () => {
  test('leads to the root of the function, and the paths of the server do not exist there', async () => {
    const { app, status } = await opened({ access: 'public', hosts: ['shop.example.org'] })
    for (const path of ['/', '/v1/functions?a=1', '/fn/hello']) {
      expect(await status(path, { Host: 'Shop.example.org:7070' })).toBe(200)
    }
    expect(app.pool.calls.map(({ call }) => [call.http?.prefix, call.http?.target])).toEqual([
      ['', '/'],
      ['', '/v1/functions?a=1'],
      ['', '/fn/hello'],
    ])
    expect(app.pool.calls[1]?.call.http?.url).toBe('http://Shop.example.org:7070/v1/functions?a=1')
  })

  test('asks for a token where the function does', async () => {
    const { status } = await opened({ hosts: ['shop.example.org'] })
    expect(await status('/', { Host: 'shop.example.org' })).toBe(401)
    expect(await status('/', { Host: 'shop.example.org', 'X-Auth-Token': 'token-of-bob' })).toBe(404)
    expect(await status('/', { Host: 'shop.example.org', 'X-Auth-Token': 'token-of-alice' })).toBe(200)
  })
})

describe('open mode', () => {
  const open = (fields = {}, settings = {}) => opened({ projectId: 'default', ...fields }, settings, 'none')

  test.each<[string, Record<string, string>, string?]>([
    ['/fn/hello', { Host: 'attacker.example' }],
    ['/v1/functions', { Host: 'attacker.example' }],
    ['/healthz', { Host: 'attacker.example:7070' }],
    ['/fn/hello', { Origin: 'https://attacker.example' }, 'POST'],
    ['/v1/tokens', { Origin: 'https://attacker.example' }, 'POST'],
    ['/v1/executions', { Origin: 'null' }, 'POST'],
    ['/fn/hello', { 'Sec-Fetch-Site': 'cross-site' }],
    ['/v1/functions', { 'Sec-Fetch-Site': 'same-site' }],
    ['/fn/hello', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }],
    ['/v1/runtimes', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }, 'POST'],
  ])('%s from %j is refused', async (path, headers, method = 'GET') => {
    const { status, app } = await open()
    expect(await status(path, headers, method)).toBe(403)
    expect(app.pool.calls).toEqual([])
  })

  test.each<[string, Record<string, string>, object?]>([
    ['/fn/hello', { Host: '127.0.0.1:7070' }],
    ['/fn/hello', { Host: '[::1]:7070' }],
    ['/fn/hello', { Host: 'localhost:7070', Origin: 'http://localhost:7070', 'Sec-Fetch-Site': 'same-origin' }],
    ['/fn/hello', { Host: 'faas.example' }, { publicUrl: 'https://faas.example/x' }],
    ['/v1/functions', { Origin: shop, 'Sec-Fetch-Site': 'cross-site' }, { corsOrigins: [shop] }],
    ['/docs', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }],
  ])('%s from %j is answered', async (path, headers, settings = {}) => {
    const { status } = await open({}, settings)
    expect(await status(path, headers)).toBe(200)
  })

  test('opens to other sites what is public, or names them', async () => {
    const attacker = { Origin: 'https://any.example', 'Sec-Fetch-Site': 'cross-site' }
    expect(await (await open({ access: 'public' })).status('/fn/hello', attacker)).toBe(200)
    expect(await (await open({ cors })).status('/fn/hello', { ...attacker, Origin: shop })).toBe(200)
  })
})
