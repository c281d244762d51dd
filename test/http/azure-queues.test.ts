/** What functions of apps put into queues starts the functions that read them. */
import { describe, expect, test } from 'vitest'
import type { AppOutput, Outcome } from '../../src/domain/runs/outcome.ts'
import { zipOf } from '../../src/store/zip-of.ts'
import { aRuntime } from '../support/builders.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp } from '../support/test-app.ts'

const orders = { name: 'orders', trigger: 'queueTrigger', queueName: 'orders' }
const hello = { name: 'hello', trigger: 'httpTrigger', route: '/api/hello', methods: [], auth_level: 'anonymous' }
const out = (to: string, ...messages: string[]): AppOutput => ({ name: 'out', type: 'queue', to, messages })

async function deployed(names = ['shop']) {
  const app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs', projectId: 'ops' }))
  for (const name of names) {
    app.pool.functions = name === 'shop' ? [hello, orders] : [{ ...orders, name: 'read', queueName: 'later' }]
    const form = { code: '{"source":"package"}', runtime: 'nodejs', name, signature: 'azure' }
    const package_ = zipOf('host.json', JSON.stringify({ name }))
    expect((await app.request('POST', '/v1/functions', { form: { ...form, package: package_ } })).status).toBe(201)
  }
  const puts = (...outputs: AppOutput[]) => {
    app.pool.behaviour = (call) =>
      call.http === undefined ? returned('read') : ({ ...returned('put'), outputs } as Outcome)
  }
  const read = () => app.pool.calls.filter(({ call }) => call.http === undefined)
  const executions = async (as: 'alice' | 'bob' = 'alice') =>
    (await app.request('GET', '/v1/executions', { as })).json.executions as Record<string, unknown>[]
  return { app, puts, read, executions }
}

describe('a message for a queue', () => {
  test('is an accepted run of the function that reads it, durable before the caller is answered', async () => {
    const { app, puts, read, executions } = await deployed()
    puts(out('orders', '{"n":1}', 'two'))
    expect((await app.request('GET', '/fn/shop/api/hello')).status).toBe(200)
    const [caller, ...made] = await executions()
    expect(caller).toMatchObject({ trigger: 'http', outputs: null })
    for (const run of made) expect(run).toMatchObject({ trigger: 'async', trigger_id: caller?.id })
    expect(new Set(made.map(({ input }) => input))).toEqual(
      new Set(['{"target":"orders","input":"{\\"n\\":1}"}', '{"target":"orders","input":"two"}']),
    )
    await expect.poll(() => read().length).toBe(2)
  })

  test('that another app of the project reads is its run', async () => {
    const { app, puts, executions } = await deployed(['shop', 'store'])
    puts(out('later', 'x'))
    await app.request('GET', '/fn/shop/api/hello')
    const store = (await app.request('GET', '/v1/functions/store')).json.id
    expect((await executions())[1]).toMatchObject({ function_id: store, input: '{"target":"read","input":"x"}' })
  })

  test('belongs to the project of the app, whoever called it', async () => {
    const { app, puts, executions } = await deployed()
    await app.request('PUT', '/v1/functions/shop', { json: { access: 'public' } })
    puts(out('orders', 'x'))
    await app.request('GET', '/fn/shop/api/hello', { as: 'bob' })
    expect((await executions('bob')).every(({ trigger }) => trigger === 'http')).toBe(true)
    expect((await executions()).filter(({ trigger }) => trigger === 'async')).toHaveLength(1)
  })

  test('that nobody reads is kept in the execution, and its log says so once', async () => {
    const { app, puts, executions } = await deployed()
    const kept = { name: 'photo', type: 'blob', to: 'photos/1', messages: ['x'] }
    puts(kept, out('orders', 'y'))
    await app.request('GET', '/fn/shop/api/hello')
    await app.request('GET', '/fn/shop/api/hello')
    const calls = (await executions()).filter(({ trigger }) => trigger === 'http')
    expect(calls.map(({ outputs }) => outputs)).toEqual([[kept], [kept]])
    const logs = await Promise.all(calls.map(({ id }) => app.request('GET', `/v1/executions/${id}/log`)))
    expect(logs.map(({ text }) => text.includes('"photo" (blob photos/1) is read by nothing here'))).toEqual([
      true,
      false,
    ])
  })

  test('that cannot be accepted fails the run, as a failure of the platform', async () => {
    const { app, puts, executions } = await deployed()
    puts(out('orders', 'x'))
    app.ledger.accept = () => Promise.reject(new Error('the disk is full'))
    expect((await app.request('GET', '/fn/shop/api/hello')).status).toBe(503)
    expect((await executions())[0]).toMatchObject({ status: 'error' })
  })
})
