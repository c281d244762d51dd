import { describe, expect, test } from 'vitest'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'
const prepare = () => ({ app: makeTestApp(), made: {} })
const as = 'admin'
const make = (app: TestApp, json: object) => app.request('POST', '/v1/tokens', { as, json })
const statusWith = async (app: TestApp, token: string, path = '/v1/functions') =>
  (await app.request('GET', path, { as: 'nobody', headers: { 'X-Auth-Token': token } })).status

describe('API tokens', () => {
  const ask = 'POST /v1/tokens'
  testRows(
    [
      { name: 'cannot be made by nobody', ask, as: 'nobody', json: { name: 'ci' }, status: 401 },
      { name: 'cannot be made by members', ask, json: { name: 'ci' }, status: 403, shows: ['Operation not allowed'] },
      { name: 'cannot be listed by members', ask: 'GET /v1/tokens', status: 403 },
      { name: 'cannot be removed by members', ask: `DELETE /v1/tokens/${unknownId}`, status: 403 },
      { name: 'need a name', ask, as, json: {}, status: 400, shows: ['name'] },
      { name: 'need a project that has a name', ask, as, json: { name: 'ci', project_id: '' }, status: 400 },
      {
        name: 'need roles that are a list',
        ask,
        as,
        json: { name: 'ci', roles: 'admin' },
        status: 400,
        shows: ['roles'],
      },
      { name: 'need roles that are texts', ask, as, json: { name: 'ci', roles: [1] }, status: 400 },
      {
        name: 'cannot end before they begin',
        ask,
        as,
        json: { name: 'ci', expires_in: 0 },
        status: 400,
        shows: ['expires_in'],
      },
      {
        name: 'need scopes that there are',
        ask,
        as,
        json: { name: 'ci', scopes: ['write'] },
        status: 400,
        shows: ['read, invoke'],
      },
      { name: 'need some scope', ask, as, json: { name: 'ci', scopes: [] }, status: 400, shows: ['scopes'] },
      {
        name: 'of admins need the role and the scope',
        ask,
        as,
        json: { name: 'ci', scopes: ['admin'], roles: ['member'] },
        status: 400,
        shows: ['both'],
      },
      { name: 'cannot be rotated by members', ask: `POST /v1/tokens/${unknownId}/rotate`, json: {}, status: 403 },
      { name: 'cannot be rotated when unknown', ask: `POST /v1/tokens/${unknownId}/rotate`, as, json: {}, status: 404 },
      { name: 'are nobody to whoami without one', ask: 'GET /v1/whoami', as: 'nobody', status: 401 },
      {
        name: 'are told who they are',
        ask: 'GET /v1/whoami',
        status: 200,
        has: {
          kind: 'token',
          name: 'alice',
          project_id: 'red',
          roles: ['member'],
          scopes: null,
          function_id: null,
          expires_at: null,
        },
      },
      { name: 'cannot be chosen', ask, as, json: { name: 'ci', token: 'secret' }, status: 400, shows: ['token'] },
      {
        name: 'are for members of the own project unless told otherwise',
        ask,
        as,
        json: { name: 'ci' },
        status: 201,
        has: { project_id: 'ops', roles: ['member'], expires_at: null },
      },
      {
        name: 'are not listed with the token',
        ask: 'GET /v1/tokens',
        as,
        status: 200,
        shows: ['alice'],
        hides: ['hash', 'token-of', 'tb_'],
      },
      { name: 'cannot be removed when unknown', ask: `DELETE /v1/tokens/${unknownId}`, as, status: 404 },
      { name: 'are removed by id', ask: 'DELETE /v1/tokens/alice', as, status: 400 },
    ],
    prepare,
  )

  test('work at once, in their project and roles, and only their hash is stored', async () => {
    const { app } = prepare()
    const { json } = await make(app, { name: 'ci', project_id: 'green', roles: ['member', 'admin'] })
    expect(json.token).toMatch(/^tb_[\w-]{43}$/)
    expect(await statusWith(app, json.token, '/v1/tokens')).toBe(200)
    expect(JSON.stringify(app.stores.tokens.list())).not.toContain(json.token)
  })

  test('end at their time', async () => {
    const { app } = prepare()
    const { json } = await make(app, { name: 'ci', expires_in: '60' })
    expect(json.expires_at).toBe('2030-01-02T03:05:05Z')
    app.clock.advance(59_999)
    expect(await statusWith(app, json.token)).toBe(200)
    app.clock.advance(1)
    expect(await statusWith(app, json.token)).toBe(401)
  })

  test('are refused once removed', async () => {
    const { app } = prepare()
    const { json } = await make(app, { name: 'ci' })
    expect((await app.request('DELETE', `/v1/tokens/${json.id}`, { as })).status).toBe(204)
    expect(await statusWith(app, json.token)).toBe(401)
  })

  test('are rotated: the new one works at once, the previous one for a while', async () => {
    const { app } = prepare()
    const { json } = await make(app, { name: 'ci', expires_in: 7200 })
    const rotated = (await app.request('POST', `/v1/tokens/${json.id}/rotate`, { as, json: { grace: 60 } })).json
    expect(rotated).toMatchObject({ id: json.id, name: 'ci', expires_at: json.expires_at })
    expect(rotated.previous_until).toBe('2030-01-02T03:05:05Z')
    expect([await statusWith(app, json.token), await statusWith(app, rotated.token)]).toEqual([200, 200])
    app.clock.advance(60_000)
    expect([await statusWith(app, json.token), await statusWith(app, rotated.token)]).toEqual([401, 200])
    const again = (await app.request('POST', `/v1/tokens/${json.id}/rotate`, { as, json: { grace: 0 } })).json
    expect([await statusWith(app, rotated.token), await statusWith(app, again.token)]).toEqual([401, 200])
  })

  test('end with their time when they are rotated, unless it is set anew, and with both when they are removed', async () => {
    const { app } = prepare()
    const { json } = await make(app, { name: 'ci', expires_in: 60 })
    const rotate = async (asked: object) =>
      (await app.request('POST', `/v1/tokens/${json.id}/rotate`, { as, json: asked })).json
    expect((await rotate({})).previous_until).toBe(json.expires_at)
    const longer = await rotate({ expires_in: 600 })
    expect(longer.expires_at).toBe('2030-01-02T03:14:05Z')
    await app.request('DELETE', `/v1/tokens/${json.id}`, { as })
    expect(await statusWith(app, longer.token)).toBe(401)
  })

  test('show when they were last used, with at most one write a minute', async () => {
    const { app } = prepare()
    const { json } = await make(app, { name: 'ci' })
    const lastUsed = async () => {
      const { tokens } = (await app.request('GET', '/v1/tokens', { as })).json
      return tokens.find(({ id }: { id: string }) => id === json.id).last_used_at
    }
    let writes = 0
    const { noteUsed } = app.stores.tokens
    app.stores.tokens.noteUsed = (...of) => {
      writes++
      noteUsed.apply(app.stores.tokens, of)
    }
    app.parts.tokens.noteUses()
    expect(await lastUsed()).toBeNull()
    await statusWith(app, json.token)
    await statusWith(app, json.token)
    writes = 0
    app.parts.tokens.noteUses()
    expect([await lastUsed(), writes]).toEqual(['2030-01-02T03:04:05Z', 1])
  })
})
