import { describe, expect, test } from 'vitest'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

const as = 'admin'
const entries = async (app: TestApp, query = '') => (await app.request('GET', `/v1/audit${query}`, { as })).json.audit
const image = { source: 'image', image: 'busybox' }

describe('the audit log', () => {
  testRows(
    [
      { name: 'is not shown to strangers', ask: 'GET /v1/audit', as: 'nobody', status: 401 },
      { name: 'is not shown to members', ask: 'GET /v1/audit', status: 403 },
      { name: 'has pages of 1000 at most', ask: 'GET /v1/audit?limit=1001', as, status: 400, shows: ['1000'] },
      { name: 'is empty at first', ask: 'GET /v1/audit', as, status: 200, has: { audit: [] } },
    ],
    () => ({ app: makeTestApp(), made: {} }),
  )

  test('shows who changed what, when and from where, the newest first', async () => {
    const app = makeTestApp()
    const made = await app.request('POST', '/v1/functions', { json: { name: 'hello', code: image } })
    await app.request('PUT', '/v1/functions/hello', { json: { timeout: 9 } })
    await app.request('DELETE', '/v1/functions/hello')
    const [removed, changed, created] = await entries(app)
    const { id } = made.json
    expect(created).toMatchObject({
      at: '2030-01-02T03:04:05Z',
      who: { kind: 'token', name: 'alice', id: expect.any(String) },
      project_id: 'red',
      action: 'Create a function from a package, a single file or an image',
      method: 'POST',
      path: '/v1/functions',
      subject_id: id,
      subject_name: 'hello',
      status: 201,
    })
    expect(changed).toMatchObject({ method: 'PUT', path: '/v1/functions/hello', subject_id: id, status: 200 })
    expect(removed).toMatchObject({ method: 'DELETE', path: '/v1/functions/hello', subject_id: null, status: 204 })
  })

  test('contains no request or response bodies', async () => {
    const app = makeTestApp()
    await app.request('POST', '/v1/functions?check=', { json: { code: image, name: 'x', env: { PASSWORD: 'hidden' } } })
    const { token } = (await app.request('POST', '/v1/tokens', { as, json: { name: 'ci' } })).json
    const text = JSON.stringify([await entries(app), app.stores.audit.list(10, null)])
    expect(text).toContain('ci')
    expect(text).not.toContain(token)
    expect(text).not.toContain('hidden')
    expect(text).not.toContain('?')
  })

  test('contains no runs, no reads and no refused requests', async () => {
    const app = makeTestApp()
    await app.request('POST', '/v1/functions', { json: { name: 'hello', code: image } })
    for (const [method, path, json] of [
      ['GET', '/v1/functions', undefined],
      ['POST', '/v1/functions', { name: 'hello', code: image }],
      ['POST', '/v1/executions', { function_id: 'hello' }],
      ['DELETE', '/v1/functions/nobody', undefined],
    ] as const) {
      await app.request(method, path, { json })
    }
    expect(await entries(app)).toHaveLength(1)
  })

  test('continues from a marker', async () => {
    const app = makeTestApp()
    for (const name of ['a', 'b', 'c']) await app.request('POST', '/v1/functions', { json: { name, code: image } })
    const [first] = await entries(app, '?limit=1')
    expect(first.subject_name).toBe('c')
    const rest = await entries(app, `?limit=5&marker=${first.id}`)
    expect(rest.map((entry: { subject_name: string }) => entry.subject_name)).toEqual(['b', 'a'])
  })

  test('names the Keystone user, and the address that a trusted proxy reports', async () => {
    const app = makeTestApp({ settings: { trustProxy: true } })
    const headers = { 'X-Forwarded-For': '203.0.113.9, 198.51.100.7' }
    await app.request('POST', '/v1/functions', { json: { name: 'a', code: image }, headers })
    expect(await entries(app)).toMatchObject([{ address: '198.51.100.7' }])
    const plain = makeTestApp()
    await plain.request('POST', '/v1/functions', { json: { name: 'a', code: image }, headers })
    expect((await entries(plain))[0].address).not.toBe('198.51.100.7')
  })

  test('does not fail a change when it cannot be written', async () => {
    const app = makeTestApp()
    app.stores.audit.insert = () => {
      throw new Error('disk full')
    }
    expect((await app.request('POST', '/v1/functions', { json: { name: 'a', code: image } })).status).toBe(201)
  })

  test('is limited by age and by number', async () => {
    const app = makeTestApp()
    const add = (name: string) => app.request('POST', '/v1/functions', { json: { name, code: image } })
    await add('old')
    app.clock.advance(366 * 86_400_000)
    for (const name of ['a', 'b', 'c']) await add(name)
    app.parts.audit.prune()
    const names = async () => (await entries(app)).map((entry: { subject_name: string }) => entry.subject_name)
    expect(await names()).toEqual(['c', 'b', 'a'])
    app.stores.audit.prune(0, 2)
    expect(await names()).toEqual(['c', 'b'])
  })
})
