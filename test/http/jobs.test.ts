import { describe, expect, test } from 'vitest'
import { timeOrderedId } from '../../src/domain/ids.ts'
import { aFn, aJob, anAlias, aRuntime, aVersion } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

/** The clock of the tests stands at 2030-01-02 03:04:05. */
const unknownId = '0190a000-0000-7000-8000-00000000dead'
const minutely = '* * * * *'

function prepare() {
  const app = makeTestApp()
  const { functions, runtimes, aliases, jobs } = app.stores
  const runtime = aRuntime({ projectId: 'ops', status: 'upgrading' })
  runtimes.insert(runtime)
  const own = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  const others = aFn({ projectId: 'blue', runtimeId: runtime.id })
  for (const fn of [own, others]) functions.insert(fn)
  functions.insertVersion(aVersion({ functionId: own.id, projectId: 'red', number: 2 }))
  aliases.insert(anAlias({ projectId: 'red', name: 'live', functionId: own.id, functionVersion: 2 }))
  aliases.insert(anAlias({ projectId: 'blue', name: 'theirs', functionId: others.id }))
  const mine = { projectId: 'red', functionId: own.id }
  const soon = Date.parse('2030-01-02T03:10:00Z')
  const rows = {
    cron: aJob({ ...mine, name: 'cron' }),
    once: aJob({ ...mine, pattern: null, count: 1, nextExecutionTime: soon }),
    paused: aJob({ ...mine, status: 'paused', nextExecutionTime: Date.parse('2030-01-01T00:00:00Z') }),
    pausedOnce: aJob({ ...mine, status: 'paused', pattern: null, count: 1, nextExecutionTime: soon }),
    late: aJob({ ...mine, status: 'paused', pattern: null, count: 1, nextExecutionTime: soon - 360_000 }),
    done: aJob({ ...mine, status: 'done' }),
    cancelled: aJob({ ...mine, status: 'cancelled' }),
    theirs: aJob({ projectId: 'blue', functionId: others.id }),
  }
  for (const job of Object.values(rows)) jobs.insert(job)
  const ids = Object.fromEntries(Object.entries(rows).map(([name, { id }]) => [name, id]))
  return { app, made: { own: own.id, others: others.id, ...ids } as Record<string, string> }
}

const job = (fields: object) => (made: Record<string, string>) => ({ function_id: made.own, ...fields })

describe('creating a job', () => {
  const ask = 'POST /v1/jobs'
  const time = '2030-01-02T03:05:05Z'
  testRows(
    [
      { name: 'is for holders of a token', ask, as: 'nobody', json: {}, status: 401 },
      { name: 'needs a function or an alias', ask, json: { pattern: minutely }, status: 400, shows: ['function_id'] },
      { name: 'needs a pattern or a time', ask, jsonOf: job({}), status: 400, shows: ['first_execution_time'] },
      { name: 'takes empty texts for nothing', ask, jsonOf: job({ pattern: '' }), status: 400 },
      {
        name: 'says what is wrong with the rules before it looks for the function',
        ask,
        json: { function_id: unknownId },
        status: 400,
      },
      { name: 'refuses a time that cannot be read', ask, jsonOf: job({ first_execution_time: 'soon' }), status: 400 },
      { name: 'refuses a time as a number', ask, jsonOf: job({ first_execution_time: 1893553505 }), status: 400 },
      {
        name: 'refuses a time in the past',
        ask,
        jsonOf: job({ first_execution_time: '2030-01-02 03:00' }),
        status: 400,
      },
      {
        name: 'refuses a time 59 s ahead',
        ask,
        jsonOf: job({ first_execution_time: '2030-01-02T03:05:04Z' }),
        status: 400,
        shows: ['60 seconds'],
      },
      {
        name: 'refuses a pattern that is none',
        ask,
        jsonOf: job({ pattern: 'every minute' }),
        status: 400,
        shows: ['every minute'],
      },
      {
        name: 'refuses a pattern that never matches',
        ask,
        jsonOf: job({ pattern: '0 0 31 2 *' }),
        status: 400,
        shows: ['never'],
      },
      { name: 'refuses a negative count', ask, jsonOf: job({ pattern: minutely, count: -1 }), status: 400 },
      {
        name: 'refuses a negative count for a time',
        ask,
        jsonOf: job({ first_execution_time: time, count: -1 }),
        status: 400,
      },
      {
        name: 'refuses several runs at one time',
        ask,
        jsonOf: job({ first_execution_time: time, count: 2 }),
        status: 400,
        shows: ['pattern'],
      },
      {
        name: 'refuses a zone that is none',
        ask,
        jsonOf: job({ pattern: minutely, timezone: 'Mars' }),
        status: 400,
        shows: ['Mars'],
      },
      {
        name: 'refuses a zone that is none for a time',
        ask,
        jsonOf: job({ first_execution_time: time, timezone: 'Mars' }),
        status: 400,
      },
      {
        name: 'refuses another overlap',
        ask,
        jsonOf: job({ pattern: minutely, overlap: 'often' }),
        status: 400,
        shows: ['allow, skip, queue'],
      },
      {
        name: 'refuses another rule for missed runs',
        ask,
        jsonOf: job({ pattern: minutely, missed: 'some' }),
        status: 400,
      },
      { name: 'refuses a limit of 0', ask, jsonOf: job({ pattern: minutely, missed_limit: 0 }), status: 400 },
      {
        name: 'refuses an input by two names',
        ask,
        jsonOf: job({ pattern: minutely, input: 'a', function_input: 'a' }),
        status: 400,
        shows: ['are the same'],
      },
      {
        name: 'takes input as executions do',
        ask,
        jsonOf: job({ pattern: minutely, input: '{"a":1}' }),
        status: 201,
        has: { function_input: '{"a":1}' },
      },
      {
        name: 'answers with the next three runs, which tell what each of six fields means',
        ask,
        jsonOf: job({ pattern: '0 12 * * * 30' }),
        status: 201,
        has: { next_runs: ['2030-01-02T12:00:30Z', '2030-01-03T12:00:30Z', '2030-01-04T12:00:30Z'] },
      },
      {
        name: 'takes six fields with seconds first, as elsewhere, and shows them last',
        ask,
        jsonOf: job({ pattern: '30 0 12 * * mon', seconds: 'first' }),
        status: 201,
        has: {
          pattern: '0 12 * * mon 30',
          next_runs: ['2030-01-07T12:00:30Z', '2030-01-14T12:00:30Z', '2030-01-21T12:00:30Z'],
        },
      },
      {
        name: 'knows five fields whichever is said',
        ask,
        jsonOf: job({ pattern: '0 12 * * mon', seconds: 'first' }),
        status: 201,
        has: { pattern: '0 12 * * mon' },
      },
      {
        name: 'refuses seconds elsewhere',
        ask,
        jsonOf: job({ pattern: minutely, seconds: 'middle' }),
        status: 400,
        shows: ['seconds'],
      },
      {
        name: 'answers with no more runs than are left',
        ask,
        jsonOf: job({ pattern: '0 12 * * *', count: 2 }),
        status: 201,
        has: { next_runs: ['2030-01-02T12:00:00Z', '2030-01-03T12:00:00Z'] },
      },
      { name: 'refuses a limit of 1001', ask, jsonOf: job({ pattern: minutely, missed_limit: 1001 }), status: 400 },
      { name: 'refuses an object as input', ask, jsonOf: job({ pattern: minutely, function_input: {} }), status: 400 },
      {
        name: 'refuses an unknown key',
        ask,
        jsonOf: job({ pattern: minutely, every: 5 }),
        status: 400,
        shows: ['every'],
      },
      { name: 'refuses a read-only key', ask, jsonOf: job({ pattern: minutely, project_id: 'blue' }), status: 400 },
      { name: 'refuses a form', ask, form: { pattern: minutely }, status: 400 },
      {
        name: 'refuses what is neither an id nor a name',
        ask,
        json: { function_id: 'x', pattern: minutely },
        status: 400,
      },
      {
        name: 'refuses a negative version',
        ask,
        jsonOf: job({ pattern: minutely, function_version: -1 }),
        status: 400,
      },
      { name: 'is 404 for an unknown function', ask, json: { function_id: unknownId, pattern: minutely }, status: 404 },
      {
        name: 'is 404 for a function of another project',
        ask,
        jsonOf: (made) => ({ function_id: made.others, pattern: minutely }),
        status: 404,
      },
      {
        name: 'is 404 for a version that was not published',
        ask,
        jsonOf: job({ pattern: minutely, function_version: 1 }),
        status: 404,
      },
      {
        name: 'is 404 for an alias of another project',
        ask,
        json: { function_alias: 'theirs', pattern: minutely },
        status: 404,
      },
      {
        name: 'with a time runs once',
        ask,
        jsonOf: job({ first_execution_time: time }),
        status: 201,
        has: { status: 'running', pattern: null, count: 1, first_execution_time: time, next_execution_time: time },
      },
      {
        name: 'with a time and count 0 runs once',
        ask,
        jsonOf: job({ first_execution_time: time, count: 0 }),
        status: 201,
        has: { count: 1 },
      },
      {
        name: 'drops the zone of a time and cuts its fraction',
        ask,
        jsonOf: job({ first_execution_time: '2030-01-02 03:06:07.89+05:00' }),
        status: 201,
        has: { first_execution_time: '2030-01-02T03:06:07Z' },
      },
      {
        name: 'with a pattern runs from the next match on, without end',
        ask,
        jsonOf: job({ pattern: '*/5 * * * *' }),
        status: 201,
        has: {
          pattern: '*/5 * * * *',
          count: null,
          first_execution_time: '2030-01-02T03:05:00Z',
          next_execution_time: '2030-01-02T03:05:00Z',
        },
      },
      {
        name: 'keeps the count of a pattern',
        ask,
        jsonOf: job({ pattern: '@hourly', count: '3' }),
        status: 201,
        has: { count: 3 },
      },
      {
        name: 'with both runs from the first match at or after a full minute',
        ask,
        jsonOf: job({ pattern: minutely, first_execution_time: '2030-01-02 04:00' }),
        status: 201,
        has: { first_execution_time: '2030-01-02T04:00:00Z', next_execution_time: '2030-01-02T04:00:00Z' },
      },
      {
        name: 'with both and seconds takes the match in the minute before',
        ask,
        jsonOf: job({ pattern: minutely, first_execution_time: '2030-01-02 04:00:30' }),
        status: 201,
        has: { first_execution_time: '2030-01-02T04:00:00Z' },
      },
      {
        name: 'reads the pattern in its zone',
        ask,
        jsonOf: job({ pattern: '0 9 * * *', timezone: 'Asia/Tokyo' }),
        status: 201,
        has: { next_execution_time: '2030-01-03T00:00:00Z', timezone: 'Asia/Tokyo' },
      },
      {
        name: 'ignores a status, and takes the nulls of the openstack command',
        ask,
        jsonOf: job({
          ...{ function_alias: null, function_version: 0, name: null, first_execution_time: null },
          ...{ pattern: minutely, function_input: null, count: null, status: 'paused' },
        }),
        status: 201,
        has: { status: 'running', overlap: 'allow', missed: 'once', missed_limit: 100, updated_at: null },
      },
      {
        name: 'keeps only the name of an alias',
        ask,
        json: { function_alias: 'live', function_version: null, pattern: minutely },
        status: 201,
        has: { function_alias: 'live', function_id: null, function_version: 0 },
      },
      {
        name: 'takes the name of a function',
        ask,
        json: { function_id: 'hello', function_version: '2', pattern: minutely },
        status: 201,
        has: { function_version: 2 },
      },
      {
        name: 'of an admin may run any function, in the project of the admin',
        ask,
        as: 'admin',
        jsonOf: job({ pattern: minutely }),
        status: 201,
        has: { project_id: 'ops' },
      },
    ],
    prepare,
  )

  test('shows every field, in the order of the contract, then ours', async () => {
    const { app, made } = prepare()
    const { json } = await app.request('POST', '/v1/jobs', { json: { function_id: made.own, pattern: minutely } })
    expect(Object.keys(json)).toEqual([
      ...['id', 'name', 'function_id', 'function_version', 'function_alias', 'function_input', 'status', 'pattern'],
      ...['count', 'first_execution_time', 'next_execution_time', 'project_id', 'created_at', 'updated_at'],
      ...['timezone', 'overlap', 'missed', 'missed_limit', 'next_runs', 'left_out'],
    ])
  })
})

const one =
  (verb: string, which = 'cron') =>
  (made: Record<string, string>) =>
    `${verb} /v1/jobs/${made[which]}`

describe('changing a job', () => {
  const put = (which = 'cron') => one('PUT', which)
  testRows(
    [
      { name: 'is for holders of a token', ask: put(), as: 'nobody', json: {}, status: 401 },
      { name: 'refuses what is not a UUID', ask: 'PUT /v1/jobs/first', json: {}, status: 400 },
      { name: 'is 404 for an unknown id', ask: `PUT /v1/jobs/${unknownId}`, json: {}, status: 404 },
      { name: 'knows none of another project', ask: put('theirs'), json: {}, status: 404 },
      { name: 'is not possible when it is done', ask: put('done'), json: { name: 'x' }, status: 400, shows: ['done'] },
      { name: 'is not possible when it is cancelled', ask: put('cancelled'), json: {}, status: 400 },
      { name: 'gives no pattern to a job that runs once', ask: put('once'), json: { pattern: minutely }, status: 400 },
      { name: 'takes no pattern from a repeated job', ask: put(), json: { pattern: '' }, status: 400 },
      { name: 'refuses a pattern that is none', ask: put(), json: { pattern: 'x' }, status: 400 },
      { name: 'refuses the status done', ask: put(), json: { status: 'done' }, status: 400, shows: ['cancelled'] },
      { name: 'refuses an empty status', ask: put(), json: { status: '' }, status: 400 },
      {
        name: 'refuses a time 59 s ahead',
        ask: put(),
        json: { next_execution_time: '2030-01-02 03:05:04' },
        status: 400,
      },
      { name: 'refuses a zone that is none', ask: put(), json: { timezone: 'Mars' }, status: 400 },
      { name: 'refuses a limit of 0', ask: put(), json: { missed_limit: 0 }, status: 400 },
      { name: 'refuses an unknown key', ask: put(), json: { every: 1 }, status: 400 },
      { name: 'does not resume one whose time has passed', ask: put('late'), json: { status: 'running' }, status: 400 },
      {
        name: 'of nothing changes nothing',
        ask: put(),
        json: { name: null, count: 5, function_id: null },
        status: 200,
        has: { count: null, updated_at: null },
      },
      {
        name: 'of a pattern leaves the next time as it is',
        ask: put(),
        json: { pattern: '@daily' },
        status: 200,
        has: {
          pattern: '@daily',
          next_execution_time: '2030-01-02T03:05:00Z',
          updated_at: '2030-01-02T03:04:05Z',
        },
      },
      {
        name: 'of the zone computes the next time anew',
        ask: put(),
        json: { pattern: '0 9 * * *', timezone: 'Asia/Tokyo' },
        status: 200,
        has: { next_execution_time: '2030-01-03T00:00:00Z' },
      },
      {
        name: 'of the next time takes it as it is',
        ask: put(),
        json: { next_execution_time: '2030-01-02 05:00:01' },
        status: 200,
        has: { next_execution_time: '2030-01-02T05:00:01Z', first_execution_time: '2030-01-02T03:05:00Z' },
      },
      { name: 'pauses', ask: put(), json: { status: 'paused' }, status: 200, has: { status: 'paused' } },
      {
        name: 'resumes a repeated job from now on',
        ask: put('paused'),
        json: { status: 'running' },
        status: 200,
        has: { status: 'running', next_execution_time: '2030-01-02T03:05:00Z' },
      },
      {
        name: 'resumes with the new pattern',
        ask: put('paused'),
        json: { status: 'running', pattern: '@hourly' },
        status: 200,
        has: { next_execution_time: '2030-01-02T04:00:00Z' },
      },
      {
        name: 'resumes one that runs once, in time',
        ask: put('pausedOnce'),
        json: { status: 'running' },
        status: 200,
        has: { status: 'running', next_execution_time: '2030-01-02T03:10:00Z' },
      },
      {
        name: 'resumes one whose time has passed with a new time',
        ask: put('late'),
        json: { status: 'running', next_execution_time: '2030-01-02 04:00' },
        status: 200,
      },
      { name: 'cancels', ask: put(), json: { status: 'cancelled' }, status: 200, has: { status: 'cancelled' } },
      {
        name: 'of everything else',
        ask: put(),
        json: { name: 'n', function_input: '{"a":1}', overlap: 'queue', missed: 'all', missed_limit: 7 },
        status: 200,
        has: { name: 'n', function_input: '{"a":1}', overlap: 'queue', missed: 'all', missed_limit: 7 },
      },
    ],
    prepare,
  )

  test('arms and clears its timer', async () => {
    const { app, made } = prepare()
    const path = `/v1/jobs/${made.cron}`
    await app.request('PUT', path, { json: { name: 'x' } })
    expect(app.scheduler.size).toBe(1)
    await app.request('PUT', path, { json: { status: 'paused' } })
    expect(app.scheduler.size).toBe(0)
    await app.request('PUT', path, { json: { status: 'running' } })
    expect(app.scheduler.size).toBe(1)
    await app.request('DELETE', path)
    expect(app.scheduler.size).toBe(0)
  })
})

describe('listing, showing and deleting jobs', () => {
  testRows(
    [
      { name: 'list: is for holders of a token', ask: 'GET /v1/jobs', as: 'nobody', status: 401 },
      { name: 'list: refuses a parameter that it does not have', ask: 'GET /v1/jobs?status=done', status: 400 },
      { name: 'list: refuses all projects to members', ask: 'GET /v1/jobs?all_projects=1', status: 403 },
      { name: 'show: refuses what is not a UUID', ask: 'GET /v1/jobs/first', status: 400 },
      { name: 'show: is 404 for an unknown id', ask: `GET /v1/jobs/${unknownId}`, status: 404 },
      { name: 'show: knows none of another project', ask: one('GET', 'theirs'), status: 404 },
      { name: 'show', ask: one('GET'), status: 200, has: { name: 'cron' } },
      { name: 'show: another project, to an admin', ask: one('GET', 'theirs'), as: 'admin', status: 200 },
      { name: 'delete: refuses what is not a UUID', ask: 'DELETE /v1/jobs/first', status: 400 },
      { name: 'delete: is 404 for an unknown id', ask: `DELETE /v1/jobs/${unknownId}`, status: 404 },
      { name: 'delete: knows none of another project', ask: one('DELETE', 'theirs'), status: 404 },
      { name: 'delete', ask: one('DELETE'), status: 204 },
      { name: 'delete: another project, by an admin', ask: one('DELETE', 'theirs'), as: 'admin', status: 204 },
    ],
    prepare,
  )

  test.each([
    ['', 'alice', 7],
    ['?project_id=blue', 'alice', 7],
    ['?limit=2', 'alice', 2],
    ['', 'bob', 1],
    ['', 'admin', 0],
    ['?all_projects=true', 'admin', 8],
    ['?all_projects=false', 'admin', 0],
    ['?project_id=neq:red', 'admin', 1],
  ] as const)('GET /v1/jobs%s of %s has %i', async (query, as, count) => {
    const { app } = prepare()
    expect((await app.request('GET', `/v1/jobs${query}`, { as })).json.jobs).toHaveLength(count)
  })
})

describe('a pattern that is being written', () => {
  const ask = (pattern: string, zone = 'UTC') =>
    `GET /v1/jobs/preview?pattern=${encodeURIComponent(pattern)}&timezone=${encodeURIComponent(zone)}`
  testRows(
    [
      { name: 'is for holders of a token', ask: ask(minutely), as: 'nobody', status: 401 },
      { name: 'is said to be wrong', ask: ask('0 25 * * *'), status: 400, shows: ['its hour is'] },
      { name: 'is said to be missing', ask: 'GET /v1/jobs/preview', status: 400, shows: ['The pattern'] },
      { name: 'has its seconds last or first', ask: `${ask(minutely)}&seconds=no`, status: 400, shows: ['seconds'] },
      {
        name: 'may have its seconds first',
        ask: `${ask('30 0 9 * * *')}&seconds=first`,
        status: 200,
        shows: ['"next_runs":["2030-01-02T09:00:30Z"'],
      },
      { name: 'has a zone that is known', ask: ask(minutely, 'Mars/Base'), status: 400, shows: ['Mars/Base'] },
      {
        name: 'is put in words, with the next times',
        ask: ask('0 9 * * *', 'Europe/Berlin'),
        status: 200,
        has: { words: 'at 09:00' },
        shows: ['"next_runs":["2030-01-02T08:00:00Z","2030-01-03T08:00:00Z"'],
      },
    ],
    prepare,
  )
})

describe('the calendar of the coming day', () => {
  test('has the times of the running jobs of the own project', async () => {
    const { app, made } = prepare()
    const runs = aJob({
      ...{ projectId: 'red', functionId: made.own as string, name: 'thrice', count: 3 },
      ...{ pattern: '0 */6 * * *', nextExecutionTime: Date.parse('2030-01-02T06:00:00Z') },
    })
    app.stores.jobs.insert(runs)
    const often = aJob({ ...runs, id: timeOrderedId(), name: 'often', pattern: minutely, count: null })
    app.stores.jobs.insert(often)
    const { json } = await app.request('GET', '/v1/jobs/calendar')
    expect(json).toMatchObject({ from: '2030-01-02T03:04:05Z', until: '2030-01-03T03:04:05Z' })
    const of = (id: string) => json.jobs.find((row: { id: string }) => row.id === id)
    expect(of(runs.id)).toEqual({
      ...{ id: runs.id, name: 'thrice', more: false },
      times: ['2030-01-02T06:00:00Z', '2030-01-02T12:00:00Z', '2030-01-02T18:00:00Z'],
    })
    expect(of(often.id)).toMatchObject({ more: true, times: expect.objectContaining({ length: 100 }) })
    for (const name of ['theirs', 'paused', 'done', 'cancelled']) expect(of(made[name] as string)).toBeUndefined()
    const all = await app.request('GET', '/v1/jobs/calendar?all_projects=true', { as: 'admin' })
    expect(all.json.jobs.length).toBeGreaterThanOrEqual(json.jobs.length)
    expect((await app.request('GET', '/v1/jobs/calendar?all_projects=true')).status).toBe(403)
  })
})
