/** What tokens that are for something may do, on both ways into the server, and what they may not. */
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../src/domain/platform/scope.ts'
import type { Token } from '../../src/domain/platform/token.ts'
import { scopeOf } from '../../src/http/access/guard.ts'
import { endpointsOf } from '../../src/http/endpoint.ts'
import { aFn, aRuntime } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

const id = '0190a000-0000-7000-8000-00000000dead'

/** An app with two functions, a public one, and a token. */
async function prepare(asked: { scopes?: Scope[]; roles?: string[]; function?: string; project_id?: string } = {}) {
  const app = makeTestApp()
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const insert = (fields: Partial<Parameters<typeof aFn>[0] & object>) => {
    const fn = aFn({ projectId: 'red', runtimeId: runtime.id, ...fields })
    app.stores.functions.insert(fn)
    return fn
  }
  const [mine, other] = [insert({ name: 'mine' }), insert({ name: 'other' })]
  insert({ name: 'open', access: 'public' })
  const made = await app.request('POST', '/v1/tokens', {
    as: 'admin',
    json: { name: 'ci', project_id: 'red', ...asked },
  })
  expect(made.status, made.text).toBe(201)
  const { token } = made.json
  const ask = (method: string, path: string, json?: unknown) => app.request(method, path, { token, json })
  const status = async (...of: Parameters<typeof ask>) => (await ask(...of)).status
  return { app, mine, other, made: made.json as Token & { token: string }, ask, status }
}

describe('a token with scopes', () => {
  test.each<[Scope, boolean, boolean, boolean]>([
    ['read', true, false, false],
    ['invoke', false, true, false],
    ['deploy', true, false, true],
  ])('%s: reads: %s, runs: %s, changes: %s', async (scope, reads, runs, changes) => {
    const { status } = await prepare({ scopes: [scope] })
    const [yes, no] = [expect.toBeOneOf([200, 201]), 403]
    expect(await status('GET', '/v1/functions')).toEqual(reads ? yes : no)
    expect(await status('GET', '/v1/executions?limit=1')).toEqual(reads ? yes : no)
    expect(await status('POST', '/fn/mine', {})).toEqual(runs ? yes : no)
    expect(await status('POST', '/v1/executions', { function_id: 'mine' })).toEqual(runs ? yes : no)
    expect(await status('PUT', '/v1/functions/mine', { timeout: 9 })).toEqual(changes ? yes : no)
    expect(await status('POST', '/v1/tokens', { name: 'x' })).toBe(403)
  })

  test('has all of several', async () => {
    const { status } = await prepare({ scopes: ['read', 'invoke'] })
    expect([await status('GET', '/v1/functions'), await status('POST', '/fn/mine', {})]).toEqual([200, 200])
    expect(await status('DELETE', '/v1/functions/mine')).toBe(403)
  })

  test('names the missing scope and those of the token', async () => {
    const { ask } = await prepare({ scopes: ['read', 'invoke'] })
    const { json } = await ask('PUT', '/v1/functions/mine', { timeout: 9 })
    expect(json).toMatchObject({
      code: 'forbidden',
      faultstring: expect.stringContaining('scope deploy, and yours has read, invoke'),
    })
  })

  test('for invoking sees the results of its runs', async () => {
    const { ask, status } = await prepare({ scopes: ['invoke'] })
    const { json } = await ask('POST', '/v1/executions', { function_id: 'mine' })
    expect(await status('GET', `/v1/executions/${json.id}`)).toBe(200)
  })

  test('calls what is open to everybody, whatever it is for', async () => {
    const { status } = await prepare({ scopes: ['read'] })
    expect(await status('POST', '/fn/open', {})).toBe(200)
  })

  test('and the role admin sees every project, and changes nothing', async () => {
    const { status } = await prepare({ scopes: ['read'], roles: ['admin'] })
    expect(await status('GET', '/v1/tokens')).toBe(200)
    expect(await status('GET', '/v1/audit')).toBe(200)
    expect(await status('DELETE', `/v1/tokens/${id}`)).toBe(403)
    expect(await status('POST', '/v1/backups')).toBe(403)
  })

  test('admin is an admin', async () => {
    const { status, made } = await prepare({ scopes: ['admin'] })
    expect(made.roles).toEqual(['admin'])
    expect(await status('POST', '/v1/tokens', { name: 'x' })).toBe(201)
  })

  test('without any scope keeps the rights of its roles', async () => {
    const { status, made } = await prepare()
    expect(made).toMatchObject({ scopes: null, roles: ['member'] })
    expect(await status('POST', '/fn/mine', {})).toBe(200)
    expect(await status('DELETE', '/v1/functions/mine')).toBe(204)
  })
})

test('every endpoint that needs a token asks for a scope, and /openapi.json says so', async () => {
  const { app } = await prepare()
  const closed = endpointsOf(app.app).filter((about) => !about.public)
  expect(closed.length).toBeGreaterThan(50)
  const { paths } = (await app.request('GET', '/openapi.json')).json
  for (const about of closed) {
    const shown = paths[about.path.replaceAll(/:(\w+)/g, '{$1}')][about.method]
    expect(shown.security[0].token, `${about.method} ${about.path}`).toEqual(scopeOf(about))
  }
})

test('a token without any scope that an endpoint asks for is refused by each of them', async () => {
  const { app, ask } = await prepare({ scopes: ['invoke'] })
  const closed = endpointsOf(app.app).filter((about) => !about.public && !scopeOf(about).includes('invoke'))
  for (const { method, path } of closed) {
    const answer = await ask(
      method.toUpperCase(),
      path.replace(':id', id).replace(/:\w+/, '1'),
      method === 'get' ? undefined : {},
    )
    expect(answer.status, `${method} ${path}`).toBe(403)
  }
})

describe('a token of one function', () => {
  test('calls that one, on both ways, and no other', async () => {
    const { status, ask, mine } = await prepare({ function: 'mine' })
    expect(await status('POST', '/fn/mine', {})).toBe(200)
    expect(await status('POST', `/fn/${mine.id}`, {})).toBe(200)
    expect(await status('POST', '/v1/executions', { function_id: 'mine' })).toBe(201)
    expect(await status('POST', '/fn/other', {})).toBe(403)
    expect(await ask('POST', '/v1/executions', { function_id: 'other' })).toMatchObject({
      status: 403,
      json: { faultstring: expect.stringContaining('one function') },
    })
  })

  test('sees and changes that one, and no other', async () => {
    const { status, other } = await prepare({ function: 'mine' })
    expect(await status('GET', '/v1/functions/mine')).toBe(200)
    expect(await status('PUT', '/v1/functions/mine', { timeout: 9 })).toBe(200)
    expect(await status('GET', '/v1/functions/mine/stats')).toBe(200)
    for (const path of ['/v1/functions/other', `/v1/functions/${other.id}`, '/v1/functions/other/stats']) {
      expect(await status('GET', path), path).toBe(403)
    }
    expect(await status('PUT', '/v1/functions/other', { timeout: 9 })).toBe(403)
  })

  test('runs no other by sending it a result', async () => {
    const { app, status, ask } = await prepare({ function: 'mine' })
    const run = (to: object) => ask('POST', '/v1/executions', { function_id: 'mine', sync: false, ...to })
    for (const field of ['on_success', 'on_failure']) {
      expect((await run({ [field]: { function: 'other' } })).status, field).toBe(403)
      expect(await status('PUT', '/v1/functions/mine', { [field]: { function: 'other' } }), field).toBe(403)
    }
    expect(app.pool.calls).toEqual([])
    expect((await run({ on_failure: { function: 'mine' } })).status).toBe(201)
    expect((await run({ on_success: { url: 'https://example.org/' } })).status).toBe(201)
    expect((await run({ on_success: { queue: 'any' } })).json.faultstring).toContain('cannot send a result to a queue')
  })

  test('gives it neither another secret nor the API', async () => {
    const { app, status, ask } = await prepare({ function: 'mine' })
    await app.request('POST', '/v1/secrets', { json: { name: 'HAS', value: 'x' } })
    await app.request('POST', '/v1/secrets', { json: { name: 'WANTS', value: 'x' } })
    await app.request('PUT', '/v1/functions/mine', { json: { secrets: ['HAS'] } })
    expect(await status('PUT', '/v1/functions/mine', { secrets: ['HAS', 'WANTS'] })).toBe(403)
    expect(await ask('PUT', '/v1/functions/mine', { api: true })).toMatchObject({
      status: 403,
      json: { faultstring: expect.stringContaining('"api"') },
    })
    expect(await status('PUT', '/v1/functions/mine', { secrets: [{ name: 'HAS', to: 'KEY' }], timeout: 9 })).toBe(200)
  })

  test('sees the executions of that one', async () => {
    const { app, ask, status } = await prepare({ function: 'mine' })
    const [own, others] = await Promise.all(
      ['mine', 'other'].map((name) => app.request('POST', '/v1/executions', { json: { function_id: name } })),
    )
    expect((await ask('GET', '/v1/executions')).json.executions).toMatchObject([{ id: own?.json.id }])
    expect(await status('GET', `/v1/executions/${own?.json.id}`)).toBe(200)
    expect(await status('GET', `/v1/executions/${others?.json.id}`)).toBe(404)
  })

  test('is refused by all other endpoints', async () => {
    const { status } = await prepare({ function: 'mine' })
    for (const path of ['/v1/functions', '/v1/jobs', '/v1/webhooks', '/v1/aliases', '/v1/stats']) {
      expect(await status('GET', path), path).toBe(403)
    }
    expect(await status('GET', '/v1/whoami')).toBe(200)
  })

  test('must name a function of its project', async () => {
    const app = makeTestApp()
    const json = { name: 'ci', project_id: 'red', function: 'nobody' }
    expect((await app.request('POST', '/v1/tokens', { as: 'admin', json })).status).toBe(404)
  })
})

describe('a token of a worker', () => {
  test('is for calls in the project of its function, says which execution asks, and ends with the worker', async () => {
    const { app, mine } = await prepare()
    const given = app.functionTokens.give({ functionId: mine.id, functionName: 'mine', projectId: 'red' })
    const ask = (method: string, path: string, token: string, json?: unknown) =>
      app.request(method, path, { token, json })
    const called = await ask('POST', '/v1/executions', given.ofCall(id), { function_id: 'other' })
    expect(called).toMatchObject({ status: 201, json: { trigger: 'api', trigger_id: id, project_id: 'red' } })
    expect((await ask('GET', '/v1/whoami', given.token)).json).toMatchObject({
      kind: 'function',
      id: mine.id,
      name: 'mine',
      scopes: ['invoke'],
    })
    expect((await ask('GET', '/v1/functions', given.ofCall(id))).status).toBe(403)
    expect(JSON.stringify(given)).not.toContain(given.token)
    given.end()
    for (const token of [given.token, given.ofCall(id), `${given.token}x`]) {
      expect((await ask('POST', '/fn/other', token, {})).status).toBe(401)
    }
  })

  test('is that of its function in open mode too, and is nobody when it has ended', async () => {
    const app = makeTestApp({ auth: 'none' })
    const given = app.functionTokens.give({ functionId: id, functionName: null, projectId: 'default' })
    expect((await app.request('GET', '/v1/functions', { token: given.token })).status).toBe(403)
    given.end()
    expect((await app.request('GET', '/v1/functions', { token: given.token })).status).toBe(401)
  })

  test('bounds how many functions call each other in a row, and says so', async () => {
    const { app, mine } = await prepare()
    const given = app.functionTokens.give({ functionId: mine.id, functionName: 'mine', projectId: 'red' })
    let from = id
    for (let depth = 1; depth <= 16; depth++) {
      const { status, json } = await app.request('POST', '/v1/executions', {
        token: given.ofCall(from),
        json: { function_id: 'mine' },
      })
      expect([depth, status]).toEqual([depth, 201])
      from = json.id
    }
    for (const [path, json] of [
      ['/v1/executions', { function_id: 'mine' }],
      ['/fn/mine', {}],
    ] as const) {
      const refused = await app.request('POST', path, { token: given.ofCall(from), json })
      expect(refused).toMatchObject({ status: 400, json: { code: 'call_too_deep' } })
      expect(refused.json.faultstring).toContain('TAIBAI_MAX_CALL_DEPTH')
    }
  })
})
