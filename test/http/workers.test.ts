import { describe, expect, onTestFinished, test } from 'vitest'
import { aFn, anExecution, aRuntime, aVersion } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

/** A function of red with version 1 and workers of both. */
function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'red-one', runtimeId: runtime.id })
  app.stores.functions.insert(fn)
  app.stores.functions.insertVersion(aVersion({ functionId: fn.id, projectId: 'red' }))
  const of = { functionId: fn.id, runtimeId: runtime.id, state: 'idle' }
  app.pool.running = [
    { ...of, name: 'w0', functionVersion: 0 },
    { ...of, name: 'w1', functionVersion: 1 },
    { ...of, name: 'generic', functionId: null, functionVersion: null },
  ]
  return { app, made: { fn: fn.id } }
}

const as = 'admin'

describe('listing workers', () => {
  const ask = ({ fn }: Record<string, string>) => `GET /v1/functions/${fn}/workers`
  testRows(
    [
      { name: 'needs a token', ask, as: 'nobody', status: 401 },
      { name: 'is for admins', ask, status: 403, shows: ['Operation not allowed'] },
      {
        name: 'refuses a version that is not a number',
        ask: (made) => `${ask(made)}?function_version=x`,
        as,
        status: 400,
      },
      {
        name: 'refuses another parameter',
        ask: (made) => `${ask(made)}?version=1`,
        as,
        status: 400,
        shows: ['function_version'],
      },
      { name: 'shows those of the current version', ask, as, status: 200, shows: ['w0'], hides: ['w1', 'generic'] },
      {
        name: 'shows those of a version',
        ask: (made) => `${ask(made)}?function_version=1`,
        as,
        status: 200,
        shows: ['w1'],
        hides: ['w0'],
      },
      {
        name: 'gives an empty list for an unknown function',
        ask: `GET /v1/functions/${unknownId}/workers`,
        as,
        status: 200,
        has: { workers: [] },
      },
      {
        name: 'gives an empty list for what is not an id',
        ask: 'GET /v1/functions/nothing/workers',
        as,
        status: 200,
        has: { workers: [] },
      },
    ],
    prepare,
  )

  test('shows the fields of the contract', async () => {
    const { app, made } = prepare()
    const { json } = await app.request('GET', `/v1/functions/${made.fn}/workers`, { as })
    expect(json).toEqual({ workers: [{ function_id: made.fn, function_version: 0, worker_name: 'w0' }] })
  })
})

describe.each([
  ['a function', ''],
  ['a version', '/versions/1'],
])('the workers of %s', (_what, below) => {
  for (const action of ['scale_up', 'scale_down']) {
    describe(action, () => {
      const ask = ({ fn }: Record<string, string>) => `POST /v1/functions/${fn}${below}/${action}`
      testRows(
        [
          { name: 'needs a token', ask, as: 'nobody', json: { count: 1 }, status: 401 },
          { name: 'is for admins', ask, json: { count: 1 }, status: 403, shows: ['Operation not allowed'] },
          { name: 'refuses 0', ask, as, json: { count: 0 }, status: 400, shows: ['count'] },
          { name: 'refuses what is not a number', ask, as, json: { count: 'two' }, status: 400 },
          { name: 'refuses an unknown key', ask, as, json: { amount: 1 }, status: 400 },
          { name: 'needs a body', ask, as, status: 400 },
          {
            name: 'does not know an unknown function',
            ask: `POST /v1/functions/${unknownId}${below}/${action}`,
            as,
            json: { count: 1 },
            status: 404,
          },
          {
            name: 'refuses what is neither id nor name',
            ask: `POST /v1/functions/nothing${below}/${action}`,
            as,
            json: { count: 1 },
            status: 400,
          },
          {
            name: 'is not there for GET',
            ask: ({ fn }) => `GET /v1/functions/${fn}${below}/${action}`,
            as,
            status: 404,
          },
          { name: 'takes a number in a string', ask, as, json: { count: '2' }, status: 202 },
          { name: 'takes nothing as one', ask, as, json: {}, status: 202 },
        ],
        prepare,
      )
    })
  }

  test('are scaled up, down, or to zero in the background', async () => {
    const { app, made } = prepare()
    const path = `/v1/functions/${made.fn}${below}`
    const up = await app.request('POST', `${path}/scale_up`, { as, json: { count: 2 } })
    const down = await app.request('POST', `${path}/scale_down`, { as, json: {} })
    const detach = await app.request('POST', `${path}/detach`, { as })
    for (const answer of [up, down, detach]) {
      expect([answer.status, answer.text, answer.headers.get('Content-Type')]).toEqual([202, '', null])
    }
    const version = below === '' ? 0 : 1
    expect(app.pool.asked).toEqual([
      `scaleUp ${made.fn} ${version} 2`,
      `scaleDown ${made.fn} ${version} 1`,
      `retire ${made.fn} ${version} evicted`,
    ])
  })
})

describe('detaching', () => {
  const ask = ({ fn }: Record<string, string>) => `POST /v1/functions/${fn}/detach`
  testRows(
    [
      { name: 'needs a token', ask, as: 'nobody', status: 401 },
      { name: 'is for admins', ask, status: 403 },
      { name: 'does not know an unknown function', ask: `POST /v1/functions/${unknownId}/detach`, as, status: 404 },
      { name: 'refuses what is neither id nor name', ask: 'POST /v1/functions/nothing/detach', as, status: 400 },
      {
        name: 'refuses a version that is not a number',
        ask: ({ fn }) => `POST /v1/functions/${fn}/versions/x/detach`,
        as,
        status: 400,
      },
      {
        name: 'does not know a version that there is not',
        ask: ({ fn }) => `POST /v1/functions/${fn}/versions/7/detach`,
        as,
        status: 404,
      },
      {
        name: 'takes version 0 as the function',
        ask: ({ fn }) => `POST /v1/functions/${fn}/versions/0/detach`,
        as,
        status: 202,
      },
      { name: 'takes a body of any type', ask, as, body: 'x', headers: { 'Content-Type': 'text/plain' }, status: 202 },
      { name: 'is not there for GET', ask: ({ fn }) => `GET /v1/functions/${fn}/detach`, as, status: 404 },
    ],
    prepare,
  )
})

test('All workers are listed to admins, in the order of eviction and with the value of keeping them', async () => {
  const app = makeTestApp()
  const fn = aFn({ projectId: 'red', name: 'greet' })
  app.stores.functions.insert(fn)
  const about = { functionVersion: 0, runtimeId: null, image: 'taibai/nodejs', calls: 3, memoryBytes: 64 * 1024 ** 2 }
  app.pool.kept = [
    { ...about, name: 'w1', functionId: fn.id, state: 'idle', idleMs: 1500, worth: 0.5 },
    { ...about, name: 'w2', functionId: null, functionVersion: null, state: 'generic', idleMs: null, worth: 1 },
    { ...about, name: 'w3', functionId: fn.id, state: 'busy', idleMs: null, worth: null },
  ]
  app.pool.used = new Map([
    ['w1', 40 * 1024 ** 2],
    ['w3', 50 * 1024 ** 2],
  ])
  expect((await app.request('GET', '/v1/workers')).status).toBe(403)
  const { json } = await app.request('GET', '/v1/workers', { as: 'admin' })
  expect(json.memory).toEqual({ budget: 1024 ** 3, reserved: 256 * 1024 ** 2, used: 90 * 1024 ** 2 })
  expect(json.workers).toMatchObject([
    { worker_name: 'w1', function_name: 'greet', eviction: 1, worth: 0.5, saves: 115_200, idle_seconds: 2 },
    { worker_name: 'w2', memory_used: null, function_id: null, function_name: null, state: 'generic', eviction: 2 },
    { worker_name: 'w3', memory_used: 50 * 1024 ** 2, state: 'busy', eviction: null, worth: null, saves: null },
  ])
})

test('Admins see the memory of the workers and the starts of calls over time', async () => {
  const clock = new FakeClock()
  const app = makeTestApp({ clock })
  const fn = aFn({ projectId: 'red', name: 'greet' })
  app.stores.functions.insert(fn)
  const mib = 1024 ** 2
  const worker = { functionVersion: 0, runtimeId: null, image: 'taibai/nodejs', calls: 3, idleMs: null, worth: null }
  app.workerHistory.start()
  onTestFinished(() => app.workerHistory.close())
  app.pool.kept = [
    { ...worker, name: 'w1', functionId: fn.id, state: 'busy', memoryBytes: 64 * mib },
    { ...worker, name: 'w2', functionId: fn.id, state: 'idle', memoryBytes: 64 * mib },
    { ...worker, name: 'w3', functionId: null, state: 'generic', memoryBytes: 32 * mib },
  ]
  const call = anExecution({ functionId: fn.id, status: 'success', startKind: 'cold' })
  app.stats.record(call, null)
  app.stats.record({ ...call, startKind: 'warm' }, null)
  clock.advance(5000)
  expect((await app.request('GET', '/v1/workers/history')).status).toBe(403)
  const { json } = await app.request('GET', '/v1/workers/history', { as: 'admin' })
  expect(json).toMatchObject({
    every_seconds: 5,
    budget: 1024 * mib,
    reserved: [256 * mib, 256 * mib],
    states: { busy: [0, 64 * mib], idle: [0, 64 * mib], generic: [0, 32 * mib], paused: [0, 0] },
    functions: [{ function_id: fn.id, function_name: 'greet', memory: [0, 128 * mib] }],
    starts: { warm: [0, 1], prewarmed: [0, 0], cold: [0, 1] },
  })
  expect(Date.parse(json.times[1]) - Date.parse(json.times[0])).toBe(5000)
  clock.advance(3600_000)
  expect((await app.request('GET', '/v1/workers/history', { as: 'admin' })).json.times).toHaveLength(180)
})
