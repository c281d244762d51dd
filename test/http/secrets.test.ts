import { describe, expect, test } from 'vitest'
import { SecretVault } from '../../src/services/platform/secret-vault.ts'
import { aFn, aRuntime } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

const value = 'postgres://user:hidden@db/shop'
const ask = 'POST /v1/secrets'
const json = { name: 'DB_URL', value }

/** One secret of alice's project, and a function of it that sees it. */
function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'shop', runtimeId: runtime.id })
  app.stores.functions.insert(fn)
  return { app, made: { fn: fn.id }, runtime }
}

async function withSecret(bind = true): Promise<{ app: TestApp; fn: string; vault: SecretVault }> {
  const { app, made } = prepare()
  expect((await app.request('POST', '/v1/secrets', { json })).status).toBe(201)
  if (bind) await app.request('PUT', `/v1/functions/${made.fn}`, { json: { secrets: ['DB_URL'] } })
  // With the key of the test's server.
  const vault = new SecretVault(app.stores.secrets, Buffer.alloc(32, 7))
  return { app, fn: made.fn, vault }
}

describe('Secrets', () => {
  testRows(
    [
      { name: 'cannot be made by nobody', ask, as: 'nobody', json, status: 401, hides: ['hidden'] },
      { name: 'need a name', ask, json: { value }, status: 400, shows: ['name'], hides: ['hidden'] },
      { name: 'need a value', ask, json: { name: 'A' }, status: 400, shows: ['value'] },
      { name: 'need a value that is not empty', ask, json: { name: 'A', value: '' }, status: 400 },
      {
        name: 'need a value that is a text, and say so without it',
        ask,
        json: { name: 'A', value: { hidden: 1 } },
        status: 400,
        hides: ['hidden'],
      },
      {
        name: 'need a value that is not too long, and say so without it',
        ask,
        json: { name: 'A', value: 'hidden'.repeat(20_000) },
        status: 400,
        shows: ['65536'],
        hides: ['hidden'],
      },
      { name: 'have names without blanks', ask, json: { name: 'MY KEY', value }, status: 400, hides: ['hidden'] },
      {
        name: 'are made without a word of their value',
        ask,
        json,
        status: 201,
        hides: ['hidden'],
        has: { version: 1 },
      },
      { name: 'that are not there cannot be shown', ask: 'GET /v1/secrets/DB_URL', status: 404 },
      { name: 'that are not there cannot be changed', ask: 'PUT /v1/secrets/DB_URL', json: { value }, status: 404 },
      { name: 'that are not there cannot be deleted', ask: 'DELETE /v1/secrets/DB_URL', status: 404 },
      {
        name: 'that are not there cannot be bound',
        ask: ({ fn }) => `PUT /v1/functions/${fn}`,
        json: { secrets: ['DB_URL'] },
        status: 400,
        shows: ['no secret DB_URL', 'taibai secret set DB_URL'],
      },
      {
        name: 'are bound by lists only',
        ask: ({ fn }) => `PUT /v1/functions/${fn}`,
        json: { secrets: { A: 'DB_URL' } },
        status: 400,
        shows: ['secrets'],
      },
      {
        name: 'do not go into files outside of their folder',
        ask: ({ fn }) => `PUT /v1/functions/${fn}`,
        json: { secrets: [{ name: 'A', as: 'file', to: '../etc/passwd' }] },
        status: 400,
        shows: ['without a folder'],
      },
      {
        name: 'do not go into variables of ours',
        ask: ({ fn }) => `PUT /v1/functions/${fn}`,
        json: { secrets: [{ name: 'A', to: 'TAIBAI_SOCKET' }] },
        status: 400,
      },
      {
        name: 'are not for images, whose environment the engine shows',
        ask: 'POST /v1/functions',
        json: { code: { source: 'image', image: 'nginx' }, secrets: ['DB_URL'] },
        status: 400,
        shows: ['image'],
      },
    ],
    prepare,
  )

  test('of another project do not exist', async () => {
    const { app, fn } = await withSecret()
    const as = 'bob'
    expect((await app.request('GET', '/v1/secrets', { as })).json.secrets).toEqual([])
    expect((await app.request('GET', '/v1/secrets/DB_URL', { as })).status).toBe(404)
    expect((await app.request('PUT', '/v1/secrets/DB_URL', { as, json: { value: 'x' } })).status).toBe(404)
    expect((await app.request('DELETE', '/v1/secrets/DB_URL?cascade=true', { as })).status).toBe(404)
    // A name is unique in each project.
    expect((await app.request('POST', '/v1/secrets', { as, json })).status).toBe(201)
    expect((await app.request('POST', '/v1/secrets', { json })).status).toBe(409)
    expect((await app.request('GET', `/v1/functions/${fn}`, { as })).status).toBe(404)
  })

  test('are in no response, whatever is requested', async () => {
    const { app, fn } = await withSecret()
    for (const path of [
      '/v1/secrets',
      '/v1/secrets/DB_URL',
      '/v1/functions',
      `/v1/functions/${fn}`,
      '/v1/stats',
      '/openapi.json',
    ]) {
      const { status, text } = await app.request('GET', path)
      expect({ path, status }).toEqual({ path, status: 200 })
      expect(text, path).not.toContain('hidden')
    }
    const again = await app.request('POST', '/v1/secrets', { json })
    expect(again.text).not.toContain('hidden')
  })

  test('are bound by name, as variables or files, and say who uses them', async () => {
    const { app, fn } = await withSecret(false)
    const secrets = ['DB_URL', { name: 'DB_URL', as: 'file', to: 'url.txt' }]
    const bound = await app.request('PUT', `/v1/functions/${fn}`, { json: { secrets } })
    expect(bound.json.secrets).toEqual([
      { name: 'DB_URL', as: 'env', to: 'DB_URL' },
      { name: 'DB_URL', as: 'file', to: 'url.txt' },
    ])
    expect((await app.request('GET', '/v1/secrets/DB_URL')).json.used_by).toEqual([{ id: fn, name: 'shop' }])
    const clash = await app.request('PUT', `/v1/functions/${fn}`, { json: { env: { DB_URL: 'x' } } })
    expect(clash).toMatchObject({ status: 400, json: { faultstring: expect.stringContaining('DB_URL is both') } })
  })

  test('are rotated without a deploy: the workers are replaced, or stay by choice', async () => {
    const { app, fn, vault } = await withSecret()
    const retired = () => app.pool.asked.filter((asked) => asked.endsWith('new_secret'))
    const drained = await app.request('PUT', '/v1/secrets/DB_URL', { json: { value: 'second', workers: 'drain' } })
    expect(drained).toMatchObject({ status: 200, json: { version: 2 } })
    expect(retired()).toEqual([])
    await app.request('PUT', '/v1/secrets/DB_URL', { json: { value: 'third' } })
    expect(retired()).toEqual([`retire ${fn} all new_secret`])
    expect(app.parts.secrets.get({ projectId: 'red', roles: [], isAdmin: false }, 'DB_URL').latestVersion).toBe(3)
    // An earlier value again, without knowing it.
    const back = await app.request('PUT', '/v1/secrets/DB_URL', { json: { version: 1 } })
    expect(back.json).toMatchObject({
      version: 4,
      versions: [{ version: 4 }, { version: 3 }, { version: 2 }, { version: 1 }],
    })
    expect(vault.open('red', 'DB_URL')).toBe(value)
    expect((await app.request('PUT', '/v1/secrets/DB_URL', { json: { version: 9 } })).status).toBe(404)
    expect((await app.request('PUT', '/v1/secrets/DB_URL', { json: { version: 1, value } })).status).toBe(400)
  })

  test('are deleted when nothing uses them, or with cascade, which takes them from their functions', async () => {
    const { app, fn } = await withSecret()
    const refused = await app.request('DELETE', '/v1/secrets/DB_URL')
    const { name } = (await app.request('GET', `/v1/functions/${fn}`)).json
    const says = expect.stringContaining(`functions (${name} ${fn})`)
    expect(refused).toMatchObject({ status: 403, json: { code: 'in_use', faultstring: says } })
    expect((await app.request('DELETE', '/v1/secrets/DB_URL?cascade=true')).status).toBe(204)
    expect((await app.request('GET', `/v1/functions/${fn}`)).json.secrets).toEqual([])
    expect((await app.request('GET', '/v1/secrets')).json.secrets).toEqual([])
  })
})
