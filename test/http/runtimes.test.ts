import { describe, expect, test } from 'vitest'
import type { Runtime, RuntimeManifest } from '../../src/domain/functions/runtime.ts'
import { idFrom } from '../../src/domain/ids.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { aFn, aRuntime } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

function prepare() {
  const app = makeTestApp()
  const own = aRuntime({ projectId: 'red', isPublic: false, name: 'of red' })
  const open = aRuntime({ projectId: 'blue', name: 'open', image: 'open:1' })
  const ops = aRuntime({ projectId: 'ops', name: 'of ops', image: 'ops:1' })
  const broken = aRuntime({ projectId: 'ops', name: 'broken', status: 'error' })
  for (const runtime of [own, open, ops, broken]) app.stores.runtimes.insert(runtime)
  app.stores.functions.insert(aFn({ name: 'user', runtimeId: open.id }))
  const made = { own: own.id, open: open.id, ops: ops.id, broken: broken.id }
  return { app, made }
}

const member = 'Operation not allowed'

describe('creating a runtime', () => {
  const ask = 'POST /v1/runtimes'
  const as = 'admin'
  testRows(
    [
      {
        name: 'is for holders of a token',
        ask,
        as: 'nobody',
        json: { image: 'a' },
        status: 401,
        shows: ['X-Auth-Token'],
      },
      { name: 'refuses an unknown token', ask, as: 'stranger', json: { image: 'a' }, status: 401, hides: ['token-of'] },
      { name: 'is for admins', ask, json: { image: 'a' }, status: 403, shows: [member] },
      { name: 'needs an image', ask, as, json: {}, status: 400, shows: ['image', 'required'] },
      { name: 'refuses a null image', ask, as, json: { image: null }, status: 400, shows: ['required'] },
      { name: 'refuses an empty image', ask, as, json: { image: '' }, status: 400, shows: ['empty'] },
      { name: 'refuses a number as a text', ask, as, json: { image: 7 }, status: 400, shows: ['must be a string'] },
      {
        name: 'refuses a long name',
        ask,
        as,
        json: { image: 'a', name: 'x'.repeat(256) },
        status: 400,
        shows: ['255'],
      },
      { name: 'refuses a word that is not a boolean', ask, as, json: { image: 'a', is_public: 'maybe' }, status: 400 },
      {
        name: 'refuses a read-only key',
        ask,
        as,
        json: { image: 'a', status: 'available' },
        status: 400,
        shows: ['status'],
      },
      { name: 'refuses an id of the caller', ask, as, json: { image: 'a', id: unknownId }, status: 400 },
      { name: 'refuses an unknown key', ask, as, json: { image: 'a', colour: 'red' }, status: 400, shows: ['colour'] },
      { name: 'refuses an array', ask, as, json: [], status: 400, shows: ['object'] },
      { name: 'refuses a string', ask, as, json: 'a', status: 400 },
      { name: 'refuses broken JSON', ask, as, body: '{', headers: { 'Content-Type': 'application/json' }, status: 400 },
      { name: 'refuses an empty body', ask, as, status: 400, shows: ['missing'] },
      { name: 'refuses a form', ask, as, form: { image: 'a' }, status: 400, shows: ['application/json'] },
      {
        name: 'refuses a body of another type',
        ask,
        as,
        body: 'a',
        headers: { 'Content-Type': 'text/csv' },
        status: 415,
      },
      { name: 'refuses a body that is too long', ask, as, json: { image: 'x'.repeat(300_000) }, status: 413 },
      { name: 'refuses a signature that nobody speaks', ask, as, json: { image: 'a', signature: 'soap' }, status: 400 },
      {
        name: 'answers before the image is there',
        ask,
        as,
        json: { image: 'a', name: null, description: 'd', is_public: 'no', trusted: 0, min_memory: '1000' },
        status: 201,
        has: { status: 'creating', name: null, is_public: false, trusted: false, min_memory: 1000, project_id: 'ops' },
      },
    ],
    prepare,
  )

  test('shows every field in the order of the contract, then ours', async () => {
    const { app } = prepare()
    const { json } = await app.request('POST', '/v1/runtimes', { as, json: { image: 'a' } })
    expect(Object.keys(json).join(' ')).toBe(
      'id name image description is_public trusted status project_id created_at updated_at signature min_memory languages language_version',
    )
    expect(json).toMatchObject({ created_at: '2030-01-02T03:04:05Z', updated_at: null, signature: 'event' })
  })

  test('makes the runtime available and gives it a pool when the image works', async () => {
    const { app } = prepare()
    const { json } = await app.request('POST', '/v1/runtimes', { as, json: { image: 'a' } })
    await app.runtimes.settled()
    expect(app.stores.runtimes.find(json.id)?.status).toBe('available')
    expect(app.pool.asked).toEqual([`addRuntime ${json.id} a`])
  })

  test('ends in error when the image does not work, or takes ten minutes', async () => {
    const { app } = prepare()
    app.pools.prepare = async () => Promise.reject(new Error('no such image'))
    const broken = await app.request('POST', '/v1/runtimes', { as, json: { image: 'a' } })
    await app.runtimes.settled()
    app.pools.prepare = () => new Promise(() => {})
    const slow = await app.request('POST', '/v1/runtimes', { as, json: { image: 'a' } })
    app.clock.advance(600_000)
    await app.runtimes.settled()
    expect([broken, slow].map(({ json }) => app.stores.runtimes.find(json.id)?.status)).toEqual(['error', 'error'])
    expect(app.pool.asked).toEqual([])
  })
})

describe('a server that stops while it tries the image of a runtime', () => {
  test.each([
    ['new', 'creating', (app: TestApp) => app.request('POST', '/v1/runtimes', { as: 'admin', json: { image: 'i:1' } })],
    [
      'upgraded',
      'upgrading',
      async (app: TestApp) => {
        const own = aRuntime({ projectId: 'ops', image: 'i:0' })
        app.stores.runtimes.insert(own)
        return app.request('PUT', `/v1/runtimes/${own.id}`, { as: 'admin', json: { image: 'i:1' } })
      },
    ],
  ])('leaves a %s one to its next start', async (_what, status, ask) => {
    const app = makeTestApp()
    const trial = Promise.withResolvers<void>()
    app.pools.prepare = () => trial.promise
    const { id } = (await ask(app)).json
    app.runtimes.close()
    trial.reject(new Error('Its worker ended with the engine.'))
    await app.runtimes.settled()
    expect(app.stores.runtimes.find(id)).toMatchObject({ status, image: 'i:1' })
  })
})

describe('reading runtimes', () => {
  testRows(
    [
      { name: 'needs a token', ask: 'GET /v1/runtimes', as: 'nobody', status: 401 },
      { name: 'refuses a filter', ask: 'GET /v1/runtimes?name=a', status: 400, shows: ['name', 'marker'] },
      { name: 'refuses all_projects', ask: 'GET /v1/runtimes?all_projects=true', as: 'admin', status: 400 },
      { name: 'refuses a limit of 0', ask: 'GET /v1/runtimes?limit=0', status: 400, shows: ['limit'] },
      { name: 'refuses a marker that is not in the list', ask: `GET /v1/runtimes?marker=${unknownId}`, status: 400 },
      { name: 'refuses a name in place of an id', ask: 'GET /v1/runtimes/nodejs', status: 400, shows: ['UUID'] },
      { name: 'does not know an unknown id', ask: `GET /v1/runtimes/${unknownId}`, status: 404, shows: [unknownId] },
      {
        name: 'hides a private runtime from others',
        ask: ({ own }) => `GET /v1/runtimes/${own}`,
        as: 'bob',
        status: 404,
      },
      { name: 'hides it from admins too', ask: ({ own }) => `GET /v1/runtimes/${own}`, as: 'admin', status: 404 },
      { name: 'shows it to its project', ask: ({ own }) => `GET /v1/runtimes/${own}`, status: 200, shows: ['of red'] },
      { name: 'shows public ones to all', ask: ({ open }) => `GET /v1/runtimes/${open}`, status: 200, shows: ['open'] },
      {
        name: 'takes an id in any spelling',
        ask: ({ own }) => `GET /v1/runtimes/${own?.replaceAll('-', '').toUpperCase()}`,
        status: 200,
      },
      { name: 'lists own and public ones', ask: 'GET /v1/runtimes', status: 200, shows: ['of red', 'open'] },
      { name: 'takes a slash at the end', ask: 'GET /v1/runtimes/', status: 200, shows: ['of red', 'open'] },
      { name: 'lists no private ones of others', ask: 'GET /v1/runtimes', as: 'bob', status: 200, hides: ['of red'] },
      {
        name: 'has pages',
        ask: ({ own }) => `GET /v1/runtimes?limit=1&marker=${own}`,
        status: 200,
        shows: ['"open"'],
        hides: ['of ops'],
      },
    ],
    prepare,
  )
})

describe('changing a runtime', () => {
  const as = 'admin'
  const ask = ({ ops }: Record<string, string>) => `PUT /v1/runtimes/${ops}`
  testRows(
    [
      { name: 'is for admins', ask, json: { name: 'n' }, status: 403, shows: [member] },
      { name: 'refuses a name in place of an id', ask: 'PUT /v1/runtimes/x', as, json: {}, status: 400 },
      { name: 'does not know an unknown id', ask: `PUT /v1/runtimes/${unknownId}`, as, json: {}, status: 404 },
      {
        name: "does not know another project's private runtime",
        ask: ({ own }) => `PUT /v1/runtimes/${own}`,
        as,
        json: {},
        status: 404,
      },
      {
        name: 'refuses an image while it is not available',
        ask: ({ broken }) => `PUT /v1/runtimes/${broken}`,
        as,
        json: { image: 'b' },
        status: 409,
      },
      { name: 'refuses a read-only key', ask, as, json: { status: 'error' }, status: 400 },
      {
        name: 'ignores is_public and trusted',
        ask,
        as,
        json: { is_public: false, trusted: false },
        status: 200,
        has: { is_public: true, trusted: true },
      },
      {
        name: 'changes name and description in any status',
        ask: ({ broken }) => `PUT /v1/runtimes/${broken}`,
        as,
        json: { name: 'n', description: null },
        status: 200,
        has: { name: 'n', status: 'error' },
      },
      {
        name: 'leaves the status with the same image',
        ask,
        as,
        json: { image: 'ops:1' },
        status: 200,
        has: { status: 'available' },
      },
      {
        name: 'shows the new image while upgrading',
        ask,
        as,
        json: { image: 'ops:2' },
        status: 200,
        has: { status: 'upgrading', image: 'ops:2' },
      },
    ],
    prepare,
  )

  test('an upgrade is refused while a function of the runtime has workers', async () => {
    const { app, made } = prepare()
    app.pool.running = [{ name: 'w', functionId: 'f', functionVersion: 0, runtimeId: made.ops, state: 'idle' }]
    const answer = await app.request('PUT', `/v1/runtimes/${made.ops}`, { as, json: { image: 'ops:2' } })
    expect(answer).toMatchObject({ status: 403, json: { code: 'in_use' } })
  })

  test('an upgrade replaces the pool', async () => {
    const { app, made } = prepare()
    await app.request('PUT', `/v1/runtimes/${made.ops}`, { as, json: { image: 'ops:2' } })
    await app.runtimes.settled()
    expect(app.stores.runtimes.find(made.ops)).toMatchObject({ status: 'available', image: 'ops:2' })
    expect(app.pool.asked).toEqual([`removeRuntime ${made.ops}`, `addRuntime ${made.ops} ops:2`])
  })

  test('a failed upgrade goes back to the old image', async () => {
    const { app, made } = prepare()
    app.pools.prepare = async () => Promise.reject(new Error('bad image'))
    await app.request('PUT', `/v1/runtimes/${made.ops}`, { as, json: { image: 'ops:2', name: 'kept' } })
    await app.runtimes.settled()
    expect(app.stores.runtimes.find(made.ops)).toMatchObject({ status: 'available', image: 'ops:1', name: 'kept' })
    expect(app.pool.asked).toEqual([])
  })
})

describe('removing a runtime', () => {
  const as = 'admin'
  testRows(
    [
      { name: 'is for admins', ask: ({ own }) => `DELETE /v1/runtimes/${own}`, status: 403, shows: [member] },
      { name: 'refuses what is not an id', ask: 'DELETE /v1/runtimes/x', as, status: 400 },
      { name: 'does not know an unknown id', ask: `DELETE /v1/runtimes/${unknownId}`, as, status: 404 },
      {
        name: 'is refused while any function uses it',
        ask: ({ open }) => `DELETE /v1/runtimes/${open}`,
        as,
        status: 403,
        has: { code: 'in_use', faultstring: expect.stringMatching(/has functions \(user \S+\); remove/) },
      },
      { name: 'works otherwise', ask: ({ ops }) => `DELETE /v1/runtimes/${ops}`, as, status: 204 },
    ],
    prepare,
  )

  test('while the image is still being tried leaves nothing behind', async () => {
    const { app } = prepare()
    const image = Promise.withResolvers<void>()
    app.pools.prepare = () => image.promise
    const { json } = await app.request('POST', '/v1/runtimes', { as, json: { image: 'a' } })
    await app.request('DELETE', `/v1/runtimes/${json.id}`, { as })
    image.resolve()
    await app.runtimes.settled()
    expect(app.stores.runtimes.find(json.id)).toBeNull()
    expect(app.pool.asked).toEqual([`removeRuntime ${json.id}`])
  })
})

describe('the pool of a runtime', () => {
  testRows(
    [
      { name: 'is for admins', ask: ({ own }) => `GET /v1/runtimes/${own}/pool`, status: 403, shows: [member] },
      { name: 'refuses what is not an id', ask: 'GET /v1/runtimes/x/pool', as: 'admin', status: 400 },
      { name: 'does not know an unknown id', ask: `GET /v1/runtimes/${unknownId}/pool`, as: 'admin', status: 404 },
      {
        name: 'shows how many workers are free',
        ask: ({ own }) => `GET /v1/runtimes/${own}/pool`,
        as: 'admin',
        status: 200,
        has: { capacity: { total: 3, available: 2 } },
      },
    ],
    prepare,
  )
})

describe('built-in runtimes', () => {
  const manifest: RuntimeManifest = {
    name: 'nodejs',
    description: 'Node.js',
    image: 'taibai/nodejs:1',
    repository: 'taibai/nodejs',
    command: ['node'],
    shimPath: '/shim',
    signature: 'event',
    signatures: ['event', 'http'],
    minMemoryBytes: 1000,
    defaultEntry: 'app.handler',
    languages: ['javascript'],
  }
  const id = idFrom('runtime', 'nodejs')

  test('are public rows that follow their manifest', async () => {
    const app = makeTestApp()
    app.runtimes.registerBuiltin([manifest])
    app.runtimes.registerBuiltin([manifest])
    expect(app.stores.runtimes.find(id)).toMatchObject({ builtin: true, isPublic: true, updatedAt: null })
    app.clock.advance(1000)
    app.runtimes.registerBuiltin([{ ...manifest, image: 'taibai/nodejs:2' }])
    app.runtimes.resume()
    const { json } = await app.request('GET', '/v1/runtimes')
    expect(json.runtimes).toMatchObject([{ id, image: 'taibai/nodejs:2', updated_at: '2030-01-02T03:04:06Z' }])
    expect(app.pool.asked).toEqual([`addRuntime ${id} taibai/nodejs:2`])
  })

  test('lend their signature and least memory to runtimes with the same image', async () => {
    const app = makeTestApp()
    app.runtimes.registerBuiltin([manifest])
    const json = { image: manifest.image, signature: 'http' }
    const made = await app.request('POST', '/v1/runtimes', { as: 'admin', json })
    expect(made.json).toMatchObject({ signature: 'http', min_memory: 1000, languages: ['javascript'] })
    const refused = await app.request('POST', '/v1/runtimes', { as: 'admin', json: { ...json, signature: 'qinling' } })
    expect(refused).toMatchObject({ status: 400 })
  })

  test('give their default entry to functions that name none', async () => {
    const app = makeTestApp()
    app.runtimes.registerBuiltin([manifest])
    const entryOf = async (code: object, entry?: string) => {
      const json = { runtime: 'nodejs', code, entry }
      return (await app.request('POST', '/v1/functions', { json })).json.entry
    }
    const inline = { source: 'inline', filename: 'hello.mjs', content: 'export const handler = () => 1' }
    expect(await entryOf(inline)).toBe('hello.handler')
    expect(await entryOf(inline, 'hello.run')).toBe('hello.run')
    const form = {
      code: '{"source": "package"}',
      runtime: 'nodejs',
      package: zipOf('app.mjs', 'export const handler = 1'),
    }
    expect((await app.request('POST', '/v1/functions', { form })).json.entry).toBe('app.handler')
  })

  test('whose manifest is gone cannot be used, until it is back', () => {
    const app = makeTestApp()
    const status = () => app.stores.runtimes.find(id)?.status
    app.runtimes.registerBuiltin([manifest])
    app.runtimes.registerBuiltin([])
    expect(status()).toBe('error')
    app.runtimes.registerBuiltin([manifest])
    expect(status()).toBe('available')
  })

  test('that an operator has not asked for are not found, and it is said how they are had', async () => {
    const app = makeTestApp()
    const asked = async () => {
      const json = { runtime: 'nodejs', code: { source: 'inline', filename: 'main.mjs', content: 'x' } }
      const { status, json: said } = await app.request('POST', '/v1/functions', { json })
      return [status, said.faultstring]
    }
    const further = new Map([['nodejs', 'nodejs99']])
    const text = 'Runtime nodejs was not found: the operator of this server adds it with TAIBAI_RUNTIMES=nodejs99.'
    app.runtimes.registerBuiltin([], further)
    expect(await asked()).toEqual([404, text])
    app.runtimes.registerBuiltin([manifest], further)
    app.runtimes.registerBuiltin([], further)
    expect(await asked()).toEqual([404, text])
  })

  test('go on with what an earlier process left half done', async () => {
    const app = makeTestApp()
    const of = (status: Runtime['status']) => aRuntime({ status, image: status })
    const [creating, upgrading, deleting, broken] = [of('creating'), of('upgrading'), of('deleting'), of('error')]
    for (const runtime of [creating, upgrading, deleting, broken]) app.stores.runtimes.insert(runtime)
    app.runtimes.resume()
    await app.runtimes.settled()
    const statuses = [creating, upgrading, deleting, broken].map(({ id }) => app.stores.runtimes.find(id)?.status)
    expect(statuses).toEqual(['available', 'available', undefined, 'error'])
    expect(app.pool.asked).toEqual([`addRuntime ${creating.id} creating`, `addRuntime ${upgrading.id} upgrading`])
  })
})
