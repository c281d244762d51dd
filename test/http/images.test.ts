import { describe, expect, test } from 'vitest'
import { aFn } from '../support/builders.ts'
import { anImage } from '../support/fake-images.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

describe('images', () => {
  testRows(
    [
      { name: 'are not listed for strangers', ask: 'GET /v1/images', as: 'nobody', status: 401 },
      { name: 'are listed for admins only', ask: 'GET /v1/images', status: 403 },
      { name: 'are pulled for admins only', ask: 'POST /v1/images/pull', json: { image: 'alpine' }, status: 403 },
      { name: 'are pruned for admins only', ask: 'POST /v1/images/prune', status: 403 },
      { name: 'are pulled by their name', ask: 'POST /v1/images/pull', as: 'admin', json: {}, status: 400 },
      {
        name: 'are pulled by a name that is one',
        ask: 'POST /v1/images/pull',
        as: 'admin',
        json: { image: '../x' },
        status: 400,
      },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('that functions use are listed with them; unused pulled images are pruned, after a dry run', async () => {
    const app = makeTestApp()
    const ask = (method: string, path: string, json?: unknown) => app.request(method, path, { as: 'admin', json })
    expect((await ask('POST', '/v1/images/pull', { image: 'me/tool:1' })).json).toEqual({ image: 'me/tool:1' })
    await ask('POST', '/v1/images/pull', { image: 'me/tool:2' })
    const code = { source: 'image', image: 'docker.io/me/tool:2' } as const
    app.stores.functions.insert(aFn({ projectId: 'red', name: 'tool', code }))
    app.images.all.push(anImage({ names: ['taibai/nodejs:0'], isBuilt: true }))
    const rows = (await ask('GET', '/v1/images')).json.images
    expect(rows.map(({ names, used_by, unused }: never) => ({ names, used_by, unused }))).toEqual([
      { names: ['me/tool:1'], used_by: [], unused: true },
      { names: ['me/tool:2'], used_by: ['function tool'], unused: false },
      { names: ['taibai/nodejs:0'], used_by: [], unused: false },
    ])
    const dry = (await ask('POST', '/v1/images/prune?dry_run=true')).json
    expect(dry).toMatchObject({ dry_run: true, removed: [{ names: ['me/tool:1'] }], kept: [] })
    expect(app.images.all.length).toBe(3)
    const done = (await ask('POST', '/v1/images/prune')).json
    expect(done).toMatchObject({ dry_run: false, removed: dry.removed, freed_bytes: dry.freed_bytes })
    const all = (await ask('POST', '/v1/images/prune?other_releases=true')).json
    expect(all.removed).toMatchObject([{ names: ['taibai/nodejs:0'] }])
    expect(app.images.all.map(({ names }) => names)).toEqual([['me/tool:2']])
  })

  test('that a container uses stay, and are said to', async () => {
    const app = makeTestApp()
    await app.request('POST', '/v1/images/pull', { as: 'admin', json: { image: 'me/tool:1' } })
    app.images.held.add('me/tool:1')
    const { json } = await app.request('POST', '/v1/images/prune', { as: 'admin' })
    expect(json).toMatchObject({ removed: [], kept: [{ names: ['me/tool:1'] }], freed_bytes: 0 })
  })
})

describe('registries', () => {
  testRows(
    [
      { name: 'are listed for admins only', ask: 'GET /v1/registries', status: 403 },
      { name: 'are logged in to by admins only', ask: 'PUT /v1/registries/ghcr.io', json: {}, status: 403 },
      { name: 'are forgotten by admins only', ask: 'DELETE /v1/registries/ghcr.io', status: 403 },
      {
        name: 'need a password',
        ask: 'PUT /v1/registries/ghcr.io',
        as: 'admin',
        json: { username: 'me' },
        status: 400,
      },
      {
        name: 'are named by their host',
        ask: 'PUT /v1/registries/https%3A%2F%2Fghcr.io',
        as: 'admin',
        json: { username: 'me', password: 'x' },
        status: 400,
      },
      {
        name: 'that are not known cannot be forgotten',
        ask: 'DELETE /v1/registries/ghcr.io',
        as: 'admin',
        status: 404,
      },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('keep what they were given, show the user and never the password', async () => {
    const app = makeTestApp()
    const login = { username: 'me', password: 'a secret of mine' }
    const kept = await app.request('PUT', '/v1/registries/GHCR.io', { as: 'admin', json: login })
    const row = { registry: 'ghcr.io', username: 'me', created_at: '2030-01-02T03:04:05Z' }
    expect(kept.json).toEqual({ ...row, checked: false })
    const listed = await app.request('GET', '/v1/registries', { as: 'admin' })
    expect(listed.json).toEqual({ registries: [row] })
    expect(kept.text + listed.text).not.toContain('a secret')
    expect((await app.request('DELETE', '/v1/registries/ghcr.io', { as: 'admin' })).status).toBe(204)
    expect((await app.request('GET', '/v1/registries', { as: 'admin' })).json).toEqual({ registries: [] })
  })
})
