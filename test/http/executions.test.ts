import { describe, expect, test } from 'vitest'
import { errorTypes } from '../../src/domain/runs/outcome.ts'
import { aFinishedExecution, aFn, anAlias, anExecution, aRuntime, aVersion } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'
import { returned } from '../support/fake-pool.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

function prepare() {
  const app = makeTestApp()
  const { functions, runtimes, aliases } = app.stores
  const runtime = aRuntime({ projectId: 'ops' })
  const upgrading = aRuntime({ projectId: 'ops', status: 'upgrading' })
  runtimes.insert(runtime)
  runtimes.insert(upgrading)
  const own = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const qinling = aFn({ projectId: 'red', name: 'old', runtimeId: runtime.id, signature: 'qinling' })
  const waiting = aFn({ projectId: 'red', name: 'waiting', runtimeId: upgrading.id })
  const others = aFn({ projectId: 'blue', name: 'theirs', runtimeId: runtime.id })
  const image = aFn({ projectId: 'red', name: 'image', runtimeId: null, code: { source: 'image', image: 'a:1' } })
  for (const fn of [own, qinling, waiting, others, image]) functions.insert(fn)
  functions.insertVersion(aVersion({ functionId: own.id, projectId: 'red', number: 2 }))
  aliases.insert(anAlias({ projectId: 'red', name: 'live', functionId: own.id, functionVersion: 2 }))
  aliases.insert(anAlias({ projectId: 'blue', name: 'theirs', functionId: others.id }))
  const made = {
    own: own.id,
    qinling: qinling.id,
    waiting: waiting.id,
    others: others.id,
    image: image.id,
  }
  return { app, made }
}

type Made = ReturnType<typeof prepare>['made']
const withId =
  (fields: object, which: keyof Made = 'own') =>
  (made: Record<string, string>) => ({
    function_id: made[which],
    ...fields,
  })

describe('running a function', () => {
  const ask = 'POST /v1/executions'
  testRows(
    [
      { name: 'is for holders of a token', ask, as: 'nobody', json: {}, status: 401 },
      { name: 'needs a function or an alias', ask, json: {}, status: 400, shows: ['function_id', 'function_alias'] },
      { name: 'takes nulls for nothing', ask, json: { function_id: null, function_alias: null }, status: 400 },
      { name: 'refuses a missing body', ask, headers: { 'Content-Type': 'application/json' }, status: 400 },
      { name: 'refuses a list', ask, json: [], status: 400, shows: ['JSON object'] },
      {
        name: 'refuses broken JSON',
        ask,
        body: '{"function_id"',
        headers: { 'Content-Type': 'application/json' },
        status: 400,
      },
      { name: 'refuses a form', ask, form: { function_id: unknownId }, status: 400, shows: ['form'] },
      { name: 'refuses another media type', ask, body: 'x', headers: { 'Content-Type': 'text/plain' }, status: 415 },
      { name: 'refuses a body that is too large', ask, json: { input: 'x'.repeat(300_000) }, status: 413 },
      { name: 'refuses what is neither an id nor a name', ask, json: { function_id: 'nobody' }, status: 400 },
      { name: 'refuses a number as an id', ask, json: { function_id: 7 }, status: 400 },
      { name: 'refuses an unknown key', ask, jsonOf: withId({ wait: true }), status: 400, shows: ['wait'] },
      { name: 'refuses an unknown key that is null', ask, jsonOf: withId({ wait: null }), status: 400 },
      { name: 'refuses a long description', ask, jsonOf: withId({ description: 'x'.repeat(256) }), status: 400 },
      { name: 'refuses a version with a fraction', ask, jsonOf: withId({ function_version: 1.5 }), status: 400 },
      { name: 'refuses a read-only key', ask, jsonOf: withId({ status: 'success' }), status: 400 },
      { name: 'refuses an id of the caller', ask, jsonOf: withId({ id: unknownId }), status: 400 },
      { name: 'refuses an object as input', ask, jsonOf: withId({ input: { a: 1 } }), status: 400, shows: ['input'] },
      { name: 'refuses a word that is not a boolean', ask, jsonOf: withId({ sync: 'maybe' }), status: 400 },
      { name: 'refuses a version that is not a number', ask, jsonOf: withId({ function_version: 'two' }), status: 400 },
      { name: 'refuses a negative version', ask, jsonOf: withId({ function_version: -1 }), status: 400 },
      { name: 'refuses a version of an image', ask, jsonOf: withId({ function_version: 1 }, 'image'), status: 400 },
      { name: 'is 404 for an unknown function', ask, json: { function_id: unknownId }, status: 404 },
      { name: 'is 404 for a function of another project', ask, jsonOf: withId({}, 'others'), status: 404 },
      {
        name: 'is 404 for a version that was not published',
        ask,
        jsonOf: withId({ function_version: 1 }),
        status: 404,
      },
      { name: 'is 404 for an alias of another project', ask, json: { function_alias: 'theirs' }, status: 404 },
      { name: 'waits for a runtime to be available', ask, jsonOf: withId({}, 'waiting'), status: 409 },
      {
        name: 'answers when it is over',
        ask,
        jsonOf: withId({ input: '{"name": "world"}', description: 'a test' }),
        status: 201,
        has: {
          status: 'success',
          sync: true,
          function_version: 0,
          function_alias: null,
          description: 'a test',
          input: '{"name": "world"}',
          result: '{"duration": 0.005, "output": {"name":"world"}}',
          project_id: 'red',
          output: { name: 'world' },
          error: null,
          attempt: 1,
          trigger: 'api',
          start_kind: 'warm',
          cold_reason: null,
          phases: { queue: 0, acquire: 0, load: 0, resume: 0, run: 0, total: 0 },
          worker: 'worker-1',
          memory_peak_mb: 20,
          cpu_ms: 1,
        },
      },
      { name: 'takes a name', ask, json: { function_id: 'hello' }, status: 201, has: { status: 'success' } },
      {
        name: 'takes the id in another spelling',
        ask,
        jsonOf: (made) => ({ function_id: made.own?.replaceAll('-', '').toUpperCase() }),
        status: 201,
      },
      {
        name: 'takes what the openstack command sends',
        ask,
        jsonOf: withId({ function_version: 0, function_alias: null, sync: true, input: null }),
        status: 201,
        has: { input: null, output: null, result: '{"duration": 0.005, "output": null}' },
      },
      {
        name: 'takes an alias, which wins over id and version',
        ask,
        json: { function_id: unknownId, function_version: null, function_alias: 'live' },
        status: 201,
        has: { function_alias: 'live', function_version: 2 },
      },
      {
        name: 'takes a version as a text',
        ask,
        jsonOf: withId({ function_version: '2' }),
        status: 201,
        has: { function_version: 2 },
      },
      { name: 'reads a null version as 0', ask, jsonOf: withId({ function_version: null }), status: 201 },
      {
        name: 'waits for sync null',
        ask,
        jsonOf: withId({ sync: null }),
        status: 201,
        has: { status: 'success' },
      },
      {
        name: 'keeps plain text as it is',
        ask,
        jsonOf: withId({ input: 'hello there' }, 'qinling'),
        status: 201,
        has: { input: 'hello there', output: 'hello there' },
      },
      {
        name: 'keeps a bare number as text for qinling functions',
        ask,
        jsonOf: withId({ input: '6' }, 'qinling'),
        status: 201,
        has: { input: '6', output: '6' },
      },
      {
        name: 'has no input when the text is empty or null',
        ask,
        jsonOf: withId({ input: '' }),
        status: 201,
        has: { input: null },
      },
      {
        name: 'gives admins the execution of any function, in their own project',
        ask,
        as: 'admin',
        jsonOf: withId({}),
        status: 201,
        has: { project_id: 'ops' },
      },
      {
        name: 'takes an alias that only one other project has, from an admin',
        ask,
        as: 'admin',
        json: { function_alias: 'theirs' },
        status: 201,
      },
      {
        name: 'answers at once when it need not be waited for',
        ask,
        jsonOf: withId({ sync: false }),
        status: 201,
        has: { status: 'running', sync: false, result: null, output: null, trigger: 'async', phases: null },
      },
      {
        name: 'has no output when a container is run',
        ask,
        jsonOf: withId({}, 'image'),
        status: 201,
        has: { status: 'success', result: '{"duration": 0.005}', start_kind: 'cold' },
      },
    ],
    prepare,
  )

  const failure = (kind: 'raised' | 'timeout' | 'killed' | 'platform', type: string, message: string) =>
    ({ kind, error: { type, message, stack: 'at x' }, runMs: 1234.5, cpuMs: null, memoryPeakMb: null }) as const

  test.each([
    [failure('raised', 'ValueError', 'no such thing'), 'failed', 'no such thing'],
    [failure('timeout', errorTypes.timeout, 'longer than 1 s'), 'failed', 'Function execution timeout'],
    [failure('killed', errorTypes.memory, 'over 64 MiB'), 'failed', 'too much resource consumption'],
    [failure('platform', errorTypes.platform, 'no worker'), 'error', 'no worker'],
  ])('is 201 whatever happens: $kind', async (outcome, status, output) => {
    const { app, made } = prepare()
    app.pool.behaviour = () => outcome
    const answer = await app.request('POST', '/v1/executions', { json: { function_id: made.own } })
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({ status, output: null, error: outcome.error })
    expect(JSON.parse(answer.json.result)).toEqual({ duration: 1.235, output: expect.stringContaining(output) })
  })

  test('is 201 with an error when there is no worker', async () => {
    const { app, made } = prepare()
    app.pool.refusal = new Error('boom')
    const answer = await app.request('POST', '/v1/executions', { json: { function_id: made.own } })
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({ status: 'error', error: { type: errorTypes.platform } })
    expect(answer.text).not.toContain('boom')
  })

  test('is refused while too many calls wait, and says when to retry', async () => {
    const { app, made } = prepare()
    app.pool.behaviour = () => new Promise(() => {})
    const ask = () => app.request('POST', '/v1/executions', { json: { function_id: made.own, sync: false } })
    for (let n = 0; n < 105; n++) expect((await ask()).status).toBe(201)
    const refused = await ask()
    expect(refused.status).toBe(503)
    expect(refused.headers.get('Retry-After')).toBe('1')
  })

  test('a function whose result is not JSON does not break lists', async () => {
    const { app, made } = prepare()
    const broken = returned(null)
    if (broken.kind === 'returned') broken.value.body = Buffer.from('{"a":')
    app.pool.behaviour = () => broken
    const answer = await app.request('POST', '/v1/executions', { json: { function_id: made.own } })
    expect(answer.json).toMatchObject({ status: 'success', output: '{"a":' })
    expect((await app.request('GET', '/v1/executions')).json.executions).toHaveLength(1)
  })

  test('shows every field, in the order of the contract, then ours', async () => {
    const { app, made } = prepare()
    const answer = await app.request('POST', '/v1/executions', { json: { function_id: made.own } })
    expect(Object.keys(answer.json)).toEqual([
      ...['id', 'function_id', 'function_version', 'function_alias', 'description', 'status', 'sync', 'input'],
      ...['result', 'project_id', 'created_at', 'updated_at', 'output', 'error', 'attempt', 'trigger'],
      ...['trigger_id', 'start_kind', 'cold_reason', 'phases', 'worker', 'memory_peak_mb', 'cpu_ms'],
      ...['run_at', 'dead_at', 'priority', 'delivery', 'outputs'],
    ])
    expect(answer.json.created_at).toBe('2030-01-02T03:04:05Z')
  })
})

function prepareRows() {
  const { app, made } = prepare()
  const rows = {
    done: aFinishedExecution({
      projectId: 'red',
      functionId: made.own,
      createdAt: 1000,
      description: 'Created by Job 1',
    }),
    failed: aFinishedExecution({ projectId: 'red', status: 'failed', createdAt: 2000, log: '' }),
    running: anExecution({ projectId: 'red', createdAt: 3000, sync: false }),
    others: aFinishedExecution({ projectId: 'blue', createdAt: 4000 }),
  }
  for (const row of Object.values(rows)) app.ledger.rows.set(row.id, row)
  return { app, made: { ...made, ...Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.id])) } }
}

const one =
  (verb: string, path = '', which = 'done') =>
  (made: Record<string, string>) =>
    `${verb} /v1/executions/${made[which]}${path}`

describe('listing executions', () => {
  testRows(
    [
      { name: 'is for holders of a token', ask: 'GET /v1/executions', as: 'nobody', status: 401 },
      { name: 'refuses a parameter that it does not have', ask: 'GET /v1/executions?sort_keys=id', status: 400 },
      { name: 'refuses all projects to members', ask: 'GET /v1/executions?all_projects=true', status: 403 },
      { name: 'refuses a limit of 0', ask: 'GET /v1/executions?limit=0', status: 400 },
      { name: 'refuses a marker that is not there', ask: `GET /v1/executions?marker=${unknownId}`, status: 400 },
    ],
    prepareRows,
  )

  test.each([
    ['', 'alice', ['done', 'failed', 'running']],
    ['?all_projects=false', 'alice', ['done', 'failed', 'running']],
    ['?status=success', 'alice', ['done']],
    ['?status=in:failed,running', 'alice', ['failed', 'running']],
    ['?description=has:Job', 'alice', ['done']],
    ['?function_id=OWN&status=success', 'alice', ['done']],
    ['?function_id=hello', 'alice', ['done']],
    ['?function_id=nobody', 'alice', []],
    ['?status=nothing', 'alice', []],
    ['?project_id=blue', 'alice', ['done', 'failed', 'running']],
    ['?limit=1', 'alice', ['done']],
    ['?limit=1&marker=DONE', 'alice', ['failed']],
    ['', 'admin', []],
    ['?all_projects=true', 'admin', ['done', 'failed', 'running', 'others']],
    ['?project_id=neq:red', 'admin', ['others']],
  ] as const)('GET /v1/executions%s of %s', async (query, as, names) => {
    const { app, made } = prepareRows()
    const ids: Record<string, string | undefined> = made
    const path = `/v1/executions${query.replace('OWN', made.own).replace('DONE', ids.done as string)}`
    const answer = await app.request('GET', path, { as })
    expect(answer.json.executions.map((row: { id: string }) => row.id)).toEqual(names.map((name) => ids[name]))
  })

  test('is one JSON object, regardless of the number of slices', async () => {
    const { app } = prepareRows()
    const rows = [...app.ledger.rows.values()]
    app.ledger.list = async function* () {
      for (const row of rows) yield [row]
    }
    const answer = await app.request('GET', '/v1/executions')
    expect(answer.headers.get('Content-Type')).toBe('application/json')
    expect(answer.json.executions).toHaveLength(4)
  })
})

describe('one execution', () => {
  testRows(
    [
      { name: 'show: is for holders of a token', ask: one('GET'), as: 'nobody', status: 401 },
      { name: 'show: refuses what is not a UUID', ask: 'GET /v1/executions/first', status: 400 },
      { name: 'show: is 404 for an unknown id', ask: `GET /v1/executions/${unknownId}`, status: 404 },
      { name: 'show: knows none of another project', ask: one('GET', '', 'others'), status: 404 },
      { name: 'show', ask: one('GET'), status: 200, has: { status: 'success', output: 'hello, world' } },
      { name: 'show: another project, to an admin', ask: one('GET', '', 'others'), as: 'admin', status: 200 },
      {
        name: 'show: one that runs has no result',
        ask: one('GET', '', 'running'),
        status: 200,
        has: { status: 'running', result: null, updated_at: null },
      },
      { name: 'cannot be changed', ask: one('PUT'), json: {}, status: 405 },
      { name: 'log: refuses what is not a UUID', ask: 'GET /v1/executions/first/log', status: 400 },
      { name: 'log: is 404 for an unknown id', ask: `GET /v1/executions/${unknownId}/log`, status: 404 },
      { name: 'log: knows none of another project', ask: one('GET', '/log', 'others'), status: 404 },
      { name: 'log: nothing yet', ask: one('GET', '/log', 'running'), status: 204 },
      {
        name: 'log: ignores what it is asked to be and unknown parameters',
        ask: one('GET', '/log?x=1'),
        headers: { Accept: 'application/json' },
        status: 200,
        shows: ['hello\n'],
      },
      {
        name: 'log: a silent run has the line with its id',
        ask: one('GET', '/log', 'failed'),
        status: 200,
        shows: ['Ex'],
      },
      { name: 'delete: refuses what is not a UUID', ask: 'DELETE /v1/executions/first', status: 400 },
      { name: 'delete: is 404 for an unknown id', ask: `DELETE /v1/executions/${unknownId}`, status: 404 },
      { name: 'delete: knows none of another project', ask: one('DELETE', '', 'others'), status: 404 },
      { name: 'delete', ask: one('DELETE'), status: 204 },
      { name: 'delete: one that runs', ask: one('DELETE', '', 'running'), status: 204 },
      { name: 'delete: another project, by an admin', ask: one('DELETE', '', 'others'), as: 'admin', status: 204 },
    ],
    prepareRows,
  )

  test('its log begins with a line that is not JSON', async () => {
    const { app, made } = prepareRows()
    const { text, headers } = await app.request('GET', one('GET', '/log')(made).split(' ')[1] as string)
    expect(text).toMatch(/^Execution [0-9a-f-]{36}\n/)
    expect(headers.get('Content-Type')).toMatch(/^text\/plain; charset=utf-8$/i)
  })

  test('its log can be read while it runs', async () => {
    const { app, made } = prepare()
    let end = () => {}
    app.pool.behaviour = (call) => {
      call.onLog('stdout', 'so far\n')
      return new Promise((resolve) => {
        end = () => resolve(returned(1))
      })
    }
    const { json } = await app.request('POST', '/v1/executions', { json: { function_id: made.own, sync: false } })
    await settled()
    expect((await app.request('GET', `/v1/executions/${json.id}/log`)).text).toContain('so far\n')
    end()
    await settled()
    expect((await app.request('GET', `/v1/executions/${json.id}`)).json.status).toBe('success')
  })

  test('a run that is deleted while it waits does not begin, and one that is deleted while it runs leaves no record', async () => {
    const { app, made } = prepare()
    const ends: (() => void)[] = []
    app.pool.behaviour = () => new Promise((resolve) => ends.push(() => resolve(returned(1))))
    const ids: string[] = []
    for (let n = 0; n < 6; n++) {
      const { json } = await app.request('POST', '/v1/executions', { json: { function_id: made.own, sync: false } })
      ids.push(json.id)
    }
    await settled()
    expect(app.pool.calls).toHaveLength(5)
    for (const id of [ids[0], ids[5]]) {
      expect((await app.request('DELETE', `/v1/executions/${id}`)).status).toBe(204)
    }
    for (const end of ends.splice(0)) end()
    await settled()
    expect(app.pool.calls).toHaveLength(5)
    expect([...app.ledger.rows.keys()]).toEqual(ids.slice(1, 5))
  })
})
