import { beforeEach, describe, expect, test } from 'vitest'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

/** The engine of these tests has runc; the operator allows runc and runsc. */
describe('The OCI runtime that a function asks for', () => {
  let app: TestApp
  beforeEach(() => {
    app = makeTestApp()
    app.stores.runtimes.insert(aRuntime({ name: 'nodejs', isPublic: true }))
  })
  const code = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }
  const create = (sandbox: unknown) =>
    app.request('POST', '/v1/functions', { json: { name: 'hello', runtime: 'nodejs', code, sandbox } })

  test.each([
    ['kata', /"sandbox" is "kata", and the operator allows runsc, runc \(TAIBAI_SANDBOXES\)\./],
    ['', /"sandbox" is "", and the operator allows/],
    ['runsc', /"sandbox" is "runsc", and the engine has no such OCI runtime: it has runc\. Install it/],
    [7, /sandbox/],
  ])('is refused, and nothing is made: %j', async (sandbox, message) => {
    const { status, json } = await create(sandbox)
    expect([status, json.faultstring]).toEqual([400, expect.stringMatching(message)])
    expect((await app.request('GET', '/v1/functions/hello')).status).toBe(404)
  })

  test('is shown, is what its workers are made with, and is changed and taken back', async () => {
    const made = await create('runc')
    expect([made.status, made.json.sandbox]).toEqual([201, 'runc'])
    const revision = () => app.targets.resolveIn('red', { functionId: made.json.id }).revision
    const first = revision()
    expect(first.sandbox).toBe('runc')
    const update = (sandbox: unknown) => app.request('PUT', '/v1/functions/hello', { json: { sandbox } })
    expect((await update('runsc')).status).toBe(400)
    expect((await update(null)).json.sandbox).toBeNull()
    expect(revision().key).not.toBe(first.key)
  })

  test('does not restore the previous image when another was set while the engine was asked', async () => {
    const box = { source: 'image', image: 'box:1', mode: 'lambda' }
    expect((await app.request('POST', '/v1/functions', { json: { name: 'box', code: box } })).status).toBe(201)
    const change = (json: object) => app.request('PUT', '/v1/functions/box', { json })
    const both = await Promise.all([change({ sandbox: 'runc' }), change({ image: 'box:2' })])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    const { json } = await app.request('GET', '/v1/functions/box')
    expect(json).toMatchObject({ sandbox: 'runc', code: { image: 'box:2' } })
  })
})
