import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { maxDepth } from '../../src/domain/runs/run-options.ts'
import { aFn, aRuntime, aWebhook } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp } from '../support/test-app.ts'

function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime({ projectId: 'ops' })
  app.stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const next = aFn({ projectId: 'red', name: 'next', runtimeId: runtime.id })
  const hook = aWebhook({ projectId: 'red', functionId: fn.id })
  for (const one of [fn, next]) app.stores.functions.insert(one)
  app.stores.webhooks.insert(hook)
  app.invocation.recover((projectId, ref) => app.targets.resolveIn(projectId, ref))
  return { app, fn, next, hook }
}

const attributes = { 'ce-id': 'e1', 'ce-source': '/shop', 'ce-type': 'shop.sold', 'ce-specversion': '1.0' }
const event = { id: 'e1', source: '/shop', type: 'shop.sold', specversion: '1.0' }
const asEvent = { 'Content-Type': 'application/cloudevents+json; charset=utf-8' }
const asBatch = { 'Content-Type': 'application/cloudevents-batch+json' }

describe('a received event', () => {
  const refused: [what: string, headers: Record<string, string>, body: string, says: string][] = [
    ['of another version', { ...attributes, 'ce-specversion': '2.0' }, '{}', 'specversion'],
    ['without an id', { ...attributes, 'ce-id': '' }, '{}', 'no id'],
    ['that is not JSON', asEvent, '{', 'not valid JSON'],
    ['that is not an object', asEvent, '[]', 'JSON object'],
    ['without a version', asEvent, JSON.stringify({ ...event, specversion: undefined }), 'specversion'],
    ['with an attribute that is an object', asEvent, JSON.stringify({ ...event, odd: {} }), 'odd'],
    ['with a name that is none', asEvent, JSON.stringify({ ...event, Odd_Name: 1 }), 'Odd_Name'],
    ['as a batch that is no array', asBatch, JSON.stringify(event), 'array'],
    ['in a format that is not known', { 'Content-Type': 'application/cloudevents+avro' }, 'x', 'binary mode'],
  ]
  test.each(refused)('%s is refused', async (_what, headers, body, says) => {
    const { app } = prepare()
    const { status, json } = await app.request('POST', '/fn/hello', { headers, body })
    expect(status).toBe(400)
    expect(json.faultstring).toContain(says)
    expect(app.pool.calls).toHaveLength(0)
  })

  test.each([
    ['binary', { ...attributes, 'ce-subject': '%E4%B9%A6', 'Content-Type': 'application/json' }, '{"n":1}'],
    [
      'structured',
      asEvent,
      JSON.stringify({ ...event, subject: '书', datacontenttype: 'application/json', data: { n: 1 } }),
    ],
  ])('in the %s mode: the data is the input, and its attributes are told', async (_mode, headers, body) => {
    const { app } = prepare()
    const { status, json } = await app.request('POST', '/fn/hello', { headers, body })
    expect({ status, json }).toEqual({ status: 200, json: { n: 1 } })
    const told = Object.fromEntries(app.pool.calls[0]?.call.http?.headers ?? [])
    expect(told).toMatchObject({
      'ce-id': 'e1',
      'ce-type': 'shop.sold',
      'ce-subject': '书',
      'content-type': 'application/json',
    })
  })

  test('has its data as bytes, as text, or none', async () => {
    const { app } = prepare()
    const send = (more: object) =>
      app.request('POST', '/fn/hello', { headers: asEvent, body: JSON.stringify({ ...event, ...more }) })
    await send({ datacontenttype: 'image/png', data_base64: 'AP8=' })
    await send({ datacontenttype: 'text/plain', data: 'hello' })
    await send({})
    await send({ specversion: '0.3', datacontentencoding: 'base64', data: 'AP8=', datacontenttype: 'image/png' })
    expect(app.pool.calls.map(({ call }) => [call.input.kind, call.input.body.toString('latin1')])).toEqual([
      ['bytes', '\0ÿ'],
      ['text', 'hello'],
      ['none', ''],
      ['bytes', '\0ÿ'],
    ])
  })

  test.each(['/fn/hello', 'a webhook'])('in a batch is a run each, accepted: %s', async (where) => {
    const { app, hook } = prepare()
    const path = where === '/fn/hello' ? where : `/v1/webhooks/${hook.id}/invoke`
    const body = JSON.stringify([1, 2].map((n) => ({ ...event, id: `e${n}`, data: n })))
    const { status, json } = await app.request('POST', path, { headers: asBatch, body })
    expect(status).toBe(202)
    expect(json.executions).toHaveLength(2)
    await settled()
    expect(app.pool.calls.map(({ call }) => call.input.body.toString())).toEqual(['1', '2'])
    expect((await app.request('POST', path, { headers: asBatch, body: '[]' })).json).toEqual({ executions: [] })
  })

  test.each(['/fn/hello', 'a webhook'])('in a batch that is too long is refused whole: %s', async (where) => {
    const { app, hook } = prepare()
    const path = where === '/fn/hello' ? where : `/v1/webhooks/${hook.id}/invoke`
    const body = JSON.stringify(Array.from({ length: 101 }, (_, n) => ({ ...event, id: `e${n}` })))
    const { status, json } = await app.request('POST', path, { headers: asBatch, body })
    expect([status, json.faultstring]).toEqual([400, expect.stringContaining('at most 100')])
    await settled()
    expect(app.pool.calls).toEqual([])
  })

  test('that a webhook received is redelivered unchanged: its data, and a single event of a batch', async () => {
    const { app, hook } = prepare()
    const path = `/v1/webhooks/${hook.id}`
    const take = (headers: Record<string, string>, body: unknown) =>
      app.request('POST', `${path}/invoke`, { as: 'nobody', headers, body: JSON.stringify(body) })
    await take(asEvent, { ...event, data: { n: 1 } })
    await take(
      asBatch,
      [2, 3].map((n) => ({ ...event, id: `e${n}`, data: { n } })),
    )
    await settled()
    const first = app.pool.calls.map(({ call }) => call.input.body.toString())
    const { deliveries } = (await app.request('GET', `${path}/deliveries`)).json
    for (const { id } of deliveries.reverse()) {
      expect((await app.request('POST', `${path}/deliveries/${id}/redeliver`)).status).toBe(202)
      await settled()
    }
    expect(first).toEqual(['{"n":1}', '{"n":2}', '{"n":3}'])
    expect(app.pool.calls.slice(3).map(({ call }) => call.input.body.toString())).toEqual(first)
    expect(app.pool.calls[3]?.call.http?.headers).toContainEqual(['ce-id', event.id])
  })

  test('to a webhook is its data', async () => {
    const { app, hook } = prepare()
    const body = JSON.stringify({ ...event, data: { n: 1 } })
    const path = `/v1/webhooks/${hook.id}/invoke`
    expect((await app.request('POST', path, { as: 'nobody', headers: asEvent, body })).status).toBe(202)
    await settled()
    expect(app.pool.calls[0]?.call.input.body.toString()).toBe('{"n":1}')
  })
})

describe('the result of an accepted run', () => {
  const broken: Outcome = {
    kind: 'raised',
    error: { type: 'E', message: 'why', stack: null },
    ...{ runMs: 7, cpuMs: null, memoryPeakMb: null },
  }
  const url = 'https://example.org/hook'
  const run = async ({ app, fn }: ReturnType<typeof prepare>, fields: object) => {
    const { json } = await app.request('POST', '/v1/executions', {
      json: { function_id: fn.id, sync: false, input: '{"n":1}', ...fields },
    })
    await settled()
    return async () => (await app.request('GET', `/v1/executions/${json.id}`)).json
  }

  test('goes to a URL as a CloudEvent', async () => {
    const prepared = prepare()
    const shown = await run(prepared, { on_success: { url }, on_failure: { function: 'next' } })
    const [sent] = prepared.app.sender.sent
    const { id, function_id } = await shown()
    expect(sent?.url).toBe(url)
    expect(sent?.event.attributes).toMatchObject({
      ...{ specversion: '1.0', type: 'io.taibai.execution.succeeded', source: `/v1/functions/${function_id}` },
      ...{ subject: id, datacontenttype: 'application/json', taibaidepth: '1' },
    })
    const data = sent?.event.data
    expect(JSON.parse(data !== null && data !== undefined && 'json' in data ? data.json : '')).toMatchObject({
      ...{ execution_id: id, status: 'success', input: { n: 1 }, output: { n: 1 }, error: null },
    })
    expect(await shown()).toMatchObject({ delivery: { to: { url }, state: 'delivered', attempts: 1, error: null } })
  })

  test('goes to a function as an accepted run, by the rule of its function', async () => {
    const prepared = prepare()
    const { app, next } = prepared
    await app.request('PUT', '/v1/functions/hello', { json: { on_failure: { function: 'next' } } })
    app.pool.behaviour = (call, revision) =>
      revision.functionId === next.id
        ? { ...broken, kind: 'returned', value: { kind: 'json', body: call.input.body } }
        : broken
    const shown = await run(prepared, {})
    await settled()
    const made = [...app.ledger.rows.values()].find(({ functionId }) => functionId === next.id)
    expect(made).toMatchObject({ status: 'success', sync: false, trigger: 'event', terms: { depth: 1 } })
    expect(JSON.parse(made?.output ?? '')).toMatchObject({
      ...{
        type: 'io.taibai.execution.failed',
        specversion: '1.0',
        data: { status: 'failed', error: { message: 'why' } },
      },
    })
    expect(await shown()).toMatchObject({ status: 'failed', delivery: { state: 'delivered' } })
  })

  test('is retried until it is accepted, except after permanent refusals', async () => {
    const prepared = prepare()
    const { app } = prepared
    app.sender.answer = { kind: 'refused', reason: 'The destination answered 503.' }
    const shown = await run(prepared, { on_success: { url } })
    expect((await shown()).delivery).toMatchObject({
      state: 'pending',
      attempts: 1,
      error: 'The destination answered 503.',
    })
    await app.clock.pass(150)
    app.sender.answer = { kind: 'taken' }
    await app.clock.pass(60_000)
    expect((await shown()).delivery).toMatchObject({ state: 'delivered', attempts: 3, error: null })
    app.sender.answer = { kind: 'gone', reason: 'The destination answered 410.' }
    const gone = await run(prepared, { on_success: { url } })
    expect((await gone()).delivery).toMatchObject({ state: 'failed', attempts: 1 })
  })

  test('that no receiver accepts is dropped at its maximum age', async () => {
    const prepared = prepare()
    prepared.app.sender.answer = { kind: 'refused', reason: 'no' }
    const shown = await run(prepared, { on_success: { url } })
    await prepared.app.clock.pass(3_700_000)
    expect((await shown()).delivery).toMatchObject({ state: 'failed', error: 'no' })
  })

  test('continues after a restart', async () => {
    const { app } = prepare()
    const { anExecution } = await import('../support/builders.ts')
    const delivery = { to: { url }, projectId: 'red', state: 'pending' as const, attempts: 2, error: 'no' }
    const left = anExecution({
      status: 'success',
      sync: false,
      durationMs: 1,
      updatedAt: app.clock.now(),
      delivery,
      deliverAt: 1,
    })
    app.ledger.rows.set(left.id, left)
    app.deliveries.start()
    await settled()
    expect(app.ledger.rows.get(left.id)).toMatchObject({
      deliverAt: null,
      delivery: { state: 'delivered', attempts: 3 },
    })
  })

  test('of a function that is its own destination ends: loops are detected', async () => {
    const prepared = prepare()
    const { app } = prepared
    await app.request('PUT', '/v1/functions/hello', { json: { on_success: { function: 'hello' } } })
    app.pool.behaviour = () => returned(1)
    await run(prepared, {})
    for (let n = 0; n < 4 * maxDepth; n++) await settled()
    const rows = [...app.ledger.rows.values()]
    expect(rows).toHaveLength(maxDepth + 1)
    expect(rows.filter(({ delivery }) => delivery?.state === 'failed')).toMatchObject([
      { delivery: { error: expect.stringContaining('loop') } },
    ])
  })

  test('of a cancelled run is not delivered', async () => {
    const prepared = prepare()
    const shown = await run(prepared, { delay: 60, on_failure: { url } })
    await prepared.app.request('POST', `/v1/executions/${(await shown()).id}/cancel`)
    expect(await shown()).toMatchObject({ status: 'failed', delivery: null })
  })

  test('to an unknown function is marked as undeliverable', async () => {
    const prepared = prepare()
    const shown = await run(prepared, { on_success: { function: 'nobody' } })
    expect((await shown()).delivery).toMatchObject({ state: 'failed', error: expect.stringContaining('nobody') })
  })
})
