import { describe, expect, test } from 'vitest'
import type { JobRow } from '../../src/client/resources/jobs.ts'
import { jobChange, newJobFields, textsOfJob } from '../../src/console/pages/job-fields.ts'
import { targetChoices, targetFields } from '../../src/console/pages/target-choice.ts'
import { aFn, anAlias, aRuntime, aVersion } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

/** The form of jobs, against the API that takes it. The clock of the tests stands at 2030-01-02 03:04:05. */

const localTime = (at: Date) => at.toISOString().slice(0, 16)
const empty = textsOfJob(undefined, 'UTC', localTime)

function prepare() {
  const app = makeTestApp()
  const { functions, runtimes, aliases } = app.stores
  const runtime = aRuntime({ projectId: 'ops' })
  runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', name: 'hello', runtimeId: runtime.id })
  functions.insert(fn)
  functions.insertVersion(aVersion({ functionId: fn.id, projectId: 'red', number: 2 }))
  aliases.insert(anAlias({ projectId: 'red', name: 'live', functionId: fn.id, functionVersion: 2 }))
  const rows = {
    functions: [{ id: fn.id, name: 'hello' }],
    aliases: [{ name: 'live', function_id: fn.id, function_version: 2 }],
  }
  const create = async (texts: Partial<typeof empty>) => {
    const all = { ...empty, ...texts }
    return app.request('POST', '/v1/jobs', { json: newJobFields(all, targetFields(all.target, rows)) })
  }
  return { app, rows, fn, create }
}

async function changed(texts: Partial<typeof empty>, given: Partial<typeof empty>) {
  const { app, create } = prepare()
  const job = (await create(given)).json as unknown as JobRow
  const before = textsOfJob(job, 'UTC', localTime)
  return app.request('PUT', `/v1/jobs/${job.id}`, { json: jobChange({ ...before, ...texts }, before) })
}

describe('what a job runs', () => {
  test('is the first function unless something is chosen', async () => {
    const { create, fn } = prepare()
    expect((await create({})).json).toMatchObject({ function_id: fn.id, function_alias: null })
  })

  test('can be an alias, which is offered with its function and version', async () => {
    const { create, rows } = prepare()
    expect(targetChoices(rows).at(-1)).toEqual(['alias:live', 'alias live (hello:2)'])
    const { status, json } = await create({ target: 'alias:live' })
    expect(status).toBe(201)
    expect(json).toMatchObject({ function_id: null, function_alias: 'live' })
  })

  test('has to be there', () => {
    expect(() => targetFields('', { functions: [], aliases: [] })).toThrow('Create a function first')
  })
})

describe('a job that runs once', () => {
  test('has a time in place of a pattern, with seconds and zone of UTC', async () => {
    const { create } = prepare()
    const { status, json } = await create({ when: 'once', at: '2030-01-02T09:00Z' })
    expect(status).toBe(201)
    expect(json).toMatchObject({ pattern: null, count: 1, next_execution_time: '2030-01-02T09:00:00Z' })
  })

  test.each(['', 'soon'])('is refused without a time: %j', (at) => {
    expect(() => newJobFields({ ...empty, when: 'once', at }, {})).toThrow('Choose the time of the run')
  })

  test('is moved, and keeps its time when only its name changes', async () => {
    const once = { when: 'once', at: '2030-01-02T09:00Z' }
    const moved = await changed({ at: '2030-01-02T10:30Z' }, once)
    expect(moved.json).toMatchObject({ pattern: null, next_execution_time: '2030-01-02T10:30:00Z' })
    const named = await changed({ name: 'later' }, once)
    expect(named.json).toMatchObject({ name: 'later', next_execution_time: '2030-01-02T09:00:00Z' })
  })
})

describe('the input of a job', () => {
  test('is removed when it is emptied', async () => {
    const { status, json } = await changed({ function_input: '' }, { function_input: '{"a":1}' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ function_input: '' })
  })

  test('stays when it is not touched', async () => {
    const { json } = await changed({ name: 'other' }, { function_input: '{"a":1}' })
    expect(json).toMatchObject({ name: 'other', function_input: '{"a":1}' })
  })
})

test('an emptied pattern of a repeated job is refused, not ignored', async () => {
  const { status, text } = await changed({ pattern: '' }, {})
  expect(status).toBe(400)
  expect(text).toContain('its pattern cannot be empty')
})

test('a number of runs that is not a number is refused', () => {
  expect(() => newJobFields({ ...empty, count: 'many' }, {})).toThrow('"many" is not a number')
})
