/** Access keys: who may make them, what they stand for, and that their secrets are seen once. */
import { beforeEach, expect, test } from 'vitest'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
})

const path = '/v1/access-keys'
const tokenIdOf = (name: string): string => app.stores.tokens.list().find((token) => token.name === name)?.id as string

test('a key needs a name, and a token that the caller may use', async () => {
  expect((await app.request('POST', path, { as: 'nobody', json: { name: 'x' } })).status).toBe(401)
  expect((await app.request('POST', path, { json: {} })).status).toBe(400)
  expect((await app.request('POST', path, { json: { name: 'x', token_id: tokenIdOf('bob') } })).status).toBe(403)
  const nothing = '00000000-0000-4000-8000-000000000000'
  expect((await app.request('POST', path, { as: 'admin', json: { name: 'x', token_id: nothing } })).status).toBe(404)
})

test('open mode has no token that a key could represent', async () => {
  const open = makeTestApp({ auth: 'none' })
  const { status, json } = await open.request('POST', path, { as: 'nobody', json: { name: 'x' } })
  expect([status, json.faultstring]).toEqual([400, expect.stringMatching(/token_id/)])
})

test('the secret is in the response that created it, and nowhere else', async () => {
  const { status, json } = await app.request('POST', path, { json: { name: 'ci' } })
  expect(status).toBe(201)
  expect(json).toMatchObject({
    access_key_id: expect.stringMatching(/^TBAK[A-Z2-7]{16}$/),
    secret_access_key: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
    name: 'ci',
    token_id: tokenIdOf('alice'),
    project_id: 'red',
  })
  const { secret_access_key: secret, ...shown } = json
  expect((await app.request('GET', path)).json).toEqual({ access_keys: [shown] })
  expect(JSON.stringify(app.stores.accessKeys.list())).not.toContain(secret)
  expect((await app.request('GET', path, { as: 'bob' })).json).toEqual({ access_keys: [] })
})

test('a key is invalid when its project revokes it, or when its token is removed', async () => {
  const make = async () => (await app.request('POST', path, { json: { name: 'ci' } })).json.access_key_id as string
  const id = await make()
  expect((await app.request('DELETE', `${path}/${id}`, { as: 'bob' })).status).toBe(404)
  expect((await app.request('DELETE', `${path}/${id}`)).status).toBe(204)
  const other = await make()
  expect(app.parts.accessKeys.signer(other)?.who.projectId).toBe('red')
  await app.request('DELETE', `/v1/tokens/${tokenIdOf('alice')}`, { as: 'admin' })
  expect(app.parts.accessKeys.signer(other)).toBeNull()
  expect(app.stores.accessKeys.list()).toEqual([])
  expect((await app.request('GET', path, { as: 'admin' })).json).toEqual({ access_keys: [] })
})
