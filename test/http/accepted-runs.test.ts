import { describe, expect, test, vi } from 'vitest'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { aFn, aRuntime, aWebhook } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'
import { returned } from '../support/fake-pool.ts'
import { makeTestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime({ projectId: 'ops' })
  app.stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const web = aFn({ projectId: 'red', name: 'web', runtimeId: runtime.id, signature: 'http' })
  for (const one of [fn, web]) app.stores.functions.insert(one)
  app.invocation.recover((projectId, ref) => app.targets.resolveIn(projectId, ref))
  const post = (fields: object, headers: Record<string, string> = {}) =>
    app.request('POST', '/v1/executions', { json: { function_id: fn.id, ...fields }, headers })
  const get = async (id: string) => (await app.request('GET', `/v1/executions/${id}`)).json
  return { app, fn, web, post, get }
}

const broken: Outcome = {
  kind: 'raised',
  error: { type: 'E', message: 'why', stack: null },
  runMs: 7,
  cpuMs: null,
  memoryPeakMb: null,
}

describe('terms of a run', () => {
  test.each([
    [{ retries: { max_attempts: 0 } }, '"retries"'],
    [{ retries: { often: 3 } }, '"retries"'],
    [{ retries: { on: ['sunday'] } }, '"retries"'],
    [{ delay: -1 }, '"delay"'],
    [{ delay: 40_000_000 }, '"delay"'],
    [{ run_at: 'tomorrow' }, '"run_at"'],
    [{ run_at: '2099-01-01T00:00:00Z' }, 'more than a year'],
    [{ priority: 101 }, '"priority"'],
    [{ idempotency_key: '' }, '"idempotency_key"'],
    [{ on_success: { mail: 'me' } }, '"on_success"'],
    [{ on_failure: { url: 'ftp://example.org' } }, '"on_failure"'],
    [{ on_failure: { url: 'http://me:secret@example.org' } }, 'password'],
    [{ on_success: { queue: 'no/slash' } }, 'must name a queue: 1 to 64 letters'],
    [{ on_success: { queue: 'q'.repeat(65) } }, 'must name a queue'],
    [{ on_success: { queue: 'q', ttl: 59 } }, '"ttl" from 60 to 1209600'],
    [{ on_success: { queue: 'q', url: 'https://example.org' } }, '"on_success"'],
    [{ on_success: { queue: 'q', ttl: null } }, '"on_success" must have whole seconds as "ttl"'],
    [{ on_success: { queue: 'q', ttl: 'abc' } }, '"on_success" must have whole seconds as "ttl"'],
    [{ on_success: { queue: 'q', ttl: 90.5 } }, '"on_success" must have whole seconds as "ttl"'],
    [{ on_success: { queue: 'q', project: 'red' } }, 'no other field'],
    [{ on_failure: { function: 'ftp://example.org' } }, '"on_failure" must name a function'],
    [{ on_success: { queue: 'q' } }, 'needs Keystone authentication, which this server does not use'],
    [{ delay: 1, sync: true }, 'Prefer'],
    [{ retries: { max_attempts: 2 }, sync: null }, 'Prefer'],
  ])('%j is refused', async (fields, says) => {
    const { post } = prepare()
    const { status, json } = await post({ sync: false, ...fields })
    expect(status).toBe(400)
    expect(json.faultstring).toContain(says)
  })

  test('of a function are shown as they were set, and null removes them', async () => {
    const { app } = prepare()
    const given = {
      retries: { max_attempts: 2, max_age: 60, on: ['error', 'timeout'], backoff: { first: 0.5, longest: 10 } },
      on_success: { function: 'next' },
      on_failure: { url: 'https://example.org/hook' },
    }
    const { status, json } = await app.request('PUT', '/v1/functions/hello', { json: given })
    expect(status).toBe(200)
    expect(json).toMatchObject(given)
    const none = { retries: null, on_success: null, on_failure: null }
    expect((await app.request('PUT', '/v1/functions/hello', { json: none })).json).toMatchObject(none)
  })

  test('with a delay shows its start time, and begins at that time', async () => {
    const { app, post, get } = prepare()
    const { json } = await post({ sync: false, delay: 60, priority: 3 })
    expect(json).toMatchObject({ status: 'running', attempt: 0, run_at: '2030-01-02T03:05:05Z', priority: 3 })
    await app.clock.pass(59_000)
    expect(await get(json.id)).toMatchObject({ status: 'running', attempt: 0 })
    await app.clock.pass(1000)
    expect(await get(json.id)).toMatchObject({ status: 'success', attempt: 1, run_at: null })
  })

  test('limit the number of attempts', async () => {
    const { app, post, get } = prepare()
    app.pool.behaviour = () => broken
    const { json } = await post({ sync: false, retries: { on: ['failed'], max_attempts: 2, backoff: { first: 1 } } })
    await app.clock.pass(1000)
    expect(await get(json.id)).toMatchObject({ status: 'failed', attempt: 2, dead_at: expect.any(String) })
  })
})

describe('an idempotency key', () => {
  test.each(['the field', 'the header'])('%s: the same again is the first run, once', async (how) => {
    const { app, post } = prepare()
    const [fields, headers] =
      how === 'the field' ? [{ idempotency_key: 'k1' }, {}] : [{}, { 'Idempotency-Key': '"k1"' }]
    const ask = () => post({ input: '{"a":1}', ...fields }, headers as Record<string, string>)
    const [first, second] = [await ask(), await ask()]
    expect(first).toMatchObject({ status: 201, json: { status: 'success', output: { a: 1 } } })
    expect(second).toMatchObject({ status: 201, json: first.json })
    expect(app.pool.calls).toHaveLength(1)
  })

  test('in two simultaneous requests causes one run, and both wait for it', async () => {
    const { app, post } = prepare()
    const answers = await Promise.all([post({ idempotency_key: 'k' }), post({ idempotency_key: 'k' })])
    expect(answers.map(({ status, json }) => [status, json.status])).toEqual([
      [201, 'success'],
      [201, 'success'],
    ])
    expect(app.pool.calls).toHaveLength(1)
  })

  test('with another input is a conflict; each function has its own keys', async () => {
    const { app, post, web } = prepare()
    const { status } = await post({ input: 'a', idempotency_key: 'k' })
    expect(status).toBe(201)
    const other = await post({ input: 'b', idempotency_key: 'k' })
    expect(other).toMatchObject({ status: 409, json: { code: 'conflict' } })
    expect((await post({ function_id: web.id, input: 'b', idempotency_key: 'k' })).status).toBe(201)
    expect(app.pool.calls).toHaveLength(2)
  })

  test('returns the first response over /fn, whatever it was', async () => {
    const { app } = prepare()
    const answers: Outcome[] = [
      returned({ n: 1 }),
      { ...returned(0), kind: 'returned', value: { kind: 'text', body: Buffer.from('grüße') } },
      { ...returned(0), kind: 'returned', value: { kind: 'bytes', body: Buffer.from([0, 255]) } },
      {
        ...returned(0),
        kind: 'returned',
        value: { kind: 'text', body: Buffer.from('tea'), http: { status: 418, headers: [['x-pot', 'brown']] } },
      },
      broken,
    ]
    for (const [n, outcome] of answers.entries()) {
      app.pool.behaviour = () => outcome
      const headers = { 'Idempotency-Key': `k${n}` }
      const first = await app.request('POST', '/fn/hello', { headers, json: { n } })
      app.pool.behaviour = () => returned('never')
      const second = await app.request('POST', '/fn/hello', { headers, json: { n } })
      const seen = (answer: typeof first) => ({
        ...{ status: answer.status, text: answer.text, id: answer.headers.get('x-execution-id') },
        ...{ type: answer.headers.get('content-type'), pot: answer.headers.get('x-pot') },
      })
      expect(seen(second)).toEqual(seen(first))
    }
    expect(app.pool.calls).toHaveLength(answers.length)
  })

  test('makes a repeated webhook call run once', async () => {
    const { app, fn } = prepare()
    const hook = aWebhook({ projectId: 'red', functionId: fn.id })
    app.stores.webhooks.insert(hook)
    const call = () =>
      app.request('POST', `/v1/webhooks/${hook.id}/invoke`, {
        as: 'nobody',
        headers: { 'Idempotency-Key': 'd1' },
        json: {},
      })
    const [first, second] = [await call(), await call()]
    expect(second).toMatchObject({ status: 202, json: first.json })
    expect(app.pool.calls).toHaveLength(1)
  })
})

describe('waiting', () => {
  const slow = (app: ReturnType<typeof prepare>['app']) => {
    const end = Promise.withResolvers<Outcome>()
    app.pool.behaviour = () => end.promise
    return end
  }

  test('ends after the time that the caller prefers: 202, and the run continues under the same id', async () => {
    const { app, post, get } = prepare()
    const end = slow(app)
    const { status, json, headers } = await post({}, { Prefer: 'wait=0' })
    expect(status).toBe(202)
    expect(json).toMatchObject({ status: 'running', sync: false })
    expect(headers.get('preference-applied')).toBe('wait=0')
    end.resolve(returned(1))
    await settled()
    expect(await get(json.id)).toMatchObject({ status: 'success', output: 1 })
  })

  test('over /fn answers with the function’s response if it comes in time, otherwise with the URL of the run', async () => {
    const { app, get } = prepare()
    const end = slow(app)
    const late = await app.request('POST', '/fn/hello', { headers: { Prefer: 'respond-async' } })
    expect(late.status).toBe(202)
    expect(late.headers.get('location')).toBe(`/v1/executions/${late.json.execution_id}`)
    end.resolve(returned('at last'))
    await settled()
    expect(await get(late.json.execution_id)).toMatchObject({ output: 'at last' })
    const inTime = await app.request('POST', '/fn/hello', { headers: { Prefer: 'respond-async, wait=30' } })
    expect(inTime).toMatchObject({ status: 200, json: 'at last' })
    expect(inTime.headers.get('preference-applied')).toBe('wait=30')
  })

  test('lasts until an accepted run has ended', async () => {
    const { app, post } = prepare()
    const end = slow(app)
    const { json } = await post({ sync: false })
    const waited = app.request('GET', `/v1/executions/${json.id}?wait=30`)
    await settled()
    end.resolve(returned(7))
    expect((await waited).json).toMatchObject({ status: 'success', output: 7 })
    expect((await app.request('GET', `/v1/executions/${json.id}?wait=soon`)).status).toBe(200)
    expect((await app.request('GET', `/v1/executions/${unknownId}?wait=1`)).status).toBe(404)
  })

  test('has an upper limit', async () => {
    const { app, post } = prepare()
    slow(app)
    const { json } = await post({ sync: false })
    expect((await app.request('GET', `/v1/executions/${json.id}?wait=0.05`)).json.status).toBe('running')
  })
})

describe('cancelling', () => {
  test('is allowed to callers who may see the run', async () => {
    const { app, post } = prepare()
    const { json } = await post({ sync: false, delay: 60 })
    const path = `/v1/executions/${json.id}/cancel`
    expect((await app.request('POST', path, { as: 'nobody' })).status).toBe(401)
    expect((await app.request('POST', path, { as: 'bob' })).status).toBe(404)
    expect((await app.request('POST', `/v1/executions/${unknownId}/cancel`)).status).toBe(404)
    expect((await app.request('POST', '/v1/executions/x/cancel')).status).toBe(400)
  })

  test('ends a waiting run, with the contract’s status', async () => {
    const { app, post, get } = prepare()
    const { json } = await post({ sync: false, delay: 60 })
    const { status, json: shown } = await app.request('POST', `/v1/executions/${json.id}/cancel`)
    expect(status).toBe(200)
    expect(shown).toMatchObject({ status: 'failed', attempt: 0, dead_at: null, error: { type: 'Cancelled' } })
    expect(JSON.parse(shown.result)).toMatchObject({ output: 'The run was cancelled before it began.' })
    expect(await get(json.id)).toEqual(shown)
    expect(app.pool.calls).toHaveLength(0)
  })

  test('notifies an active run, and does not change a finished one', async () => {
    const { app, post, get } = prepare()
    app.pool.behaviour = () => new Promise(() => {})
    const { json } = await post({ sync: false })
    await settled()
    await app.request('POST', `/v1/executions/${json.id}/cancel`)
    await settled()
    const over = await get(json.id)
    expect(over).toMatchObject({ status: 'failed', attempt: 1, error: { type: 'Cancelled' } })
    expect((await app.request('POST', `/v1/executions/${json.id}/cancel`)).json).toEqual(over)
  })
})

describe('dead letters', () => {
  const withDead = async (count = 1) => {
    const prepared = prepare()
    prepared.app.pool.behaviour = () => broken
    const ids: string[] = []
    for (let n = 0; n < count; n++) {
      prepared.app.clock.advance(1)
      ids.push((await prepared.post({ sync: false, input: `{"n":${n}}` })).json.id)
    }
    await settled()
    prepared.app.pool.behaviour = (call) => returned(JSON.parse(call.input.body.toString()))
    const list = async (query = '') => (await prepared.app.request('GET', `/v1/dead-letters${query}`)).json.dead_letters
    return { ...prepared, ids, list }
  }
  const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id)

  test('belong to their project, and are found only as dead letters', async () => {
    const { app, ids, post } = await withDead()
    const fine = (await post({ sync: false, input: '{}' })).json.id
    await settled()
    const path = `/v1/dead-letters/${ids[0]}`
    for (const [method, below] of [
      ['GET', ''],
      ['PUT', ''],
      ['DELETE', ''],
      ['POST', '/redrive'],
    ] as const) {
      const json = method === 'PUT' ? { input: '{}' } : undefined
      expect((await app.request(method, path + below, { as: 'nobody' })).status).toBe(401)
      expect((await app.request(method, path + below, { as: 'bob', json })).status).toBe(404)
      expect((await app.request(method, `/v1/dead-letters/${fine}${below}`, { json })).status).toBe(404)
    }
    expect((await app.request('GET', '/v1/dead-letters', { as: 'bob' })).json).toEqual({ dead_letters: [] })
    expect((await app.request('GET', '/v1/dead-letters?colour=red')).status).toBe(400)
    expect((await app.request('PUT', path, { json: { input: 7 } })).status).toBe(400)
    expect((await app.request('PUT', path, { json: {} })).status).toBe(400)
  })

  test('are shown, and listed with filters and pages', async () => {
    const { app, ids, list } = await withDead(3)
    expect(idsOf(await list())).toEqual(ids)
    expect(idsOf(await list('?order=newest&limit=2'))).toEqual([ids[2], ids[1]])
    expect(idsOf(await list('?function_id=hello&status=failed'))).toEqual(ids)
    expect(await list('?function_id=web')).toEqual([])
    const { json } = await app.request('GET', `/v1/dead-letters/${ids[0]}`)
    expect(json).toMatchObject({ id: ids[0], status: 'failed', input: '{"n":0}', error: { message: 'why' } })
  })

  test('run again under their id, with a corrected input if one is given', async () => {
    const { app, ids, list, get } = await withDead(3)
    const [first, second] = ids as [string, string]
    const again = await app.request('POST', `/v1/dead-letters/${first}/redrive`)
    expect(again).toMatchObject({ status: 202, json: { id: first, dead_at: null, error: null } })
    await app.request('PUT', `/v1/dead-letters/${second}`, { json: { input: '{"n":"mended"}' } })
    expect((await app.request('GET', `/v1/dead-letters/${second}`)).json.input).toBe('{"n":"mended"}')
    await app.request('POST', `/v1/dead-letters/${second}/redrive`)
    await app.request('POST', `/v1/dead-letters/${ids[2]}/redrive`, { json: { input: '{"n":"new"}' } })
    await settled()
    expect(await get(first)).toMatchObject({ status: 'success', output: { n: 0 }, attempt: 1 })
    expect(await get(second)).toMatchObject({ status: 'success', output: { n: 'mended' } })
    expect(await get(ids[2] as string)).toMatchObject({ status: 'success', output: { n: 'new' }, input: '{"n":"new"}' })
    expect(await list()).toEqual([])
  })

  test('are redriven and dropped by filter, and never without one', async () => {
    const { app, ids, list, get } = await withDead(4)
    for (const verb of ['redrive', 'drop']) {
      const { status, json } = await app.request('POST', `/v1/dead-letters/${verb}`)
      expect(status).toBe(400)
      expect(json.faultstring).toContain('Choose the dead letters')
    }
    const some = await app.request('POST', '/v1/dead-letters/redrive?function_id=hello&limit=1')
    expect(some.json).toEqual({ done: 1, left: 0 })
    await settled()
    expect(idsOf(await list())).toEqual(ids.slice(1))
    expect((await app.request('DELETE', `/v1/dead-letters/${ids[1]}`)).status).toBe(204)
    expect((await app.request('POST', '/v1/dead-letters/drop?status=failed')).json).toEqual({ done: 2, left: 0 })
    expect(await list()).toEqual([])
    expect(await get(ids[1] as string)).toMatchObject({ status: 'failed', dead_at: null })
  })

  test('stay while the queue is full', async () => {
    const { app, list } = await withDead(3)
    vi.spyOn(app.invocation, 'redrive').mockRejectedValueOnce(
      Object.assign(new (await import('../../src/domain/errors.ts')).FaasError('queue_full', 'full')),
    )
    expect((await app.request('POST', '/v1/dead-letters/redrive?status=failed')).json).toEqual({ done: 0, left: 3 })
    expect(await list()).toHaveLength(3)
  })
})
