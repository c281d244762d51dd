import { describe, expect, test } from 'vitest'
import { aFn, aJob, anAlias, aRuntime, aVersion, aWebhook } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'

/** Functions of red (with version 1) and blue; aliases `live` in both and `only-blue` in blue. */
function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const red = aFn({ projectId: 'red', name: 'red-one', runtimeId: runtime.id })
  const spare = aFn({ projectId: 'red', name: 'spare', runtimeId: runtime.id })
  const blue = aFn({ projectId: 'blue', name: 'blue-one', runtimeId: runtime.id })
  for (const fn of [red, spare, blue]) app.stores.functions.insert(fn)
  app.stores.functions.insertVersion(aVersion({ functionId: red.id, projectId: 'red' }))
  const { aliases } = app.stores
  aliases.insert(anAlias({ projectId: 'red', name: 'live', functionId: red.id, description: 'of red' }))
  aliases.insert(anAlias({ projectId: 'blue', name: 'live', functionId: blue.id, description: 'of blue' }))
  aliases.insert(anAlias({ projectId: 'blue', name: 'only-blue', functionId: blue.id, functionVersion: 1 }))
  return { app, made: { red: red.id, spare: spare.id, blue: blue.id } }
}

describe('making an alias', () => {
  const ask = 'POST /v1/aliases'
  const to = (more: object) => (made: Record<string, string>) => ({ name: 'next', function_id: made.spare, ...more })
  testRows(
    [
      { name: 'needs a token', ask, as: 'nobody', json: {}, status: 401 },
      { name: 'needs a name', ask, jsonOf: to({ name: undefined }), status: 400, shows: ['name'] },
      { name: 'refuses an empty name', ask, jsonOf: to({ name: '' }), status: 400, shows: ['name'] },
      { name: 'refuses a null name', ask, jsonOf: to({ name: null }), status: 400 },
      { name: 'needs a function', ask, json: { name: 'next' }, status: 400, shows: ['function_id'] },
      {
        name: 'refuses a function id that is none',
        ask,
        jsonOf: to({ function_id: 'spare' }),
        status: 400,
        shows: ['UUID'],
      },
      { name: 'refuses a version that is not a number', ask, jsonOf: to({ function_version: 'two' }), status: 400 },
      { name: 'refuses a negative version', ask, jsonOf: to({ function_version: -1 }), status: 400 },
      { name: 'refuses a read-only key', ask, jsonOf: to({ project_id: 'blue' }), status: 400 },
      { name: 'does not know an unknown function', ask, jsonOf: to({ function_id: unknownId }), status: 404 },
      { name: "does not know another project's function", ask, as: 'bob', jsonOf: to({}), status: 404 },
      { name: 'does not know a version that there is not', ask, jsonOf: to({ function_version: 1 }), status: 404 },
      { name: 'refuses a name of the project', ask, jsonOf: to({ name: 'live' }), status: 400, shows: ['live'] },
      {
        name: 'refuses a second alias for the same',
        ask,
        jsonOf: ({ red }) => ({ name: 'next', function_id: red }),
        status: 400,
        shows: ['live'],
      },
      {
        name: 'takes what the CLI sends',
        ask,
        jsonOf: to({ function_version: 0, description: '' }),
        status: 201,
        has: { name: 'next', function_version: 0, description: '' },
      },
      {
        name: 'takes a version in a string',
        ask,
        jsonOf: ({ red }) => ({ name: 'one', function_id: red, function_version: '1' }),
        status: 201,
        has: { function_version: 1 },
      },
      {
        name: 'takes null for what is optional',
        ask,
        jsonOf: to({ function_version: null, description: null }),
        status: 201,
        has: { function_version: 0 },
      },
      {
        name: 'lets admins point anywhere, in their own project',
        ask,
        as: 'admin',
        jsonOf: to({}),
        status: 201,
        has: { project_id: 'ops' },
      },
    ],
    prepare,
  )

  test('shows every field in the order of the contract', async () => {
    const { app, made } = prepare()
    const { json } = await app.request('POST', '/v1/aliases', { json: { name: 'a', function_id: made.spare } })
    expect(Object.keys(json).join(' ')).toBe(
      'id name description function_id function_version project_id created_at updated_at',
    )
    expect(json).toMatchObject({ description: null, updated_at: null, project_id: 'red' })
  })
})

describe('reading aliases', () => {
  testRows(
    [
      { name: 'needs a token', ask: 'GET /v1/aliases', as: 'nobody', status: 401 },
      {
        name: 'refuses all projects to members',
        ask: 'GET /v1/aliases?all_projects=true',
        status: 403,
        shows: ['Operation not allowed'],
      },
      { name: 'refuses other filters', ask: 'GET /v1/aliases?function_id=x', status: 400 },
      {
        name: 'lists what the project has',
        ask: 'GET /v1/aliases',
        status: 200,
        shows: ['of red'],
        hides: ['of blue'],
      },
      {
        name: 'lists all to admins',
        ask: 'GET /v1/aliases?all_projects=yes',
        as: 'admin',
        status: 200,
        shows: ['of red', 'of blue'],
      },
      {
        name: 'shows the one of the project',
        ask: 'GET /v1/aliases/live',
        status: 200,
        has: { description: 'of red' },
      },
      { name: 'does not know that of another', ask: 'GET /v1/aliases/only-blue', status: 404 },
      { name: 'shows admins the only one of that name', ask: 'GET /v1/aliases/only-blue', as: 'admin', status: 200 },
      { name: 'shows admins none when there are several', ask: 'GET /v1/aliases/live', as: 'admin', status: 404 },
      { name: 'does not know an unknown one', ask: 'GET /v1/aliases/nothing', status: 404 },
    ],
    prepare,
  )
})

describe('moving an alias', () => {
  const ask = 'PUT /v1/aliases/live'
  testRows(
    [
      { name: 'needs a token', ask, as: 'nobody', json: {}, status: 401 },
      { name: 'does not know that of another project', ask: 'PUT /v1/aliases/only-blue', json: {}, status: 404 },
      { name: 'refuses an id that is none', ask, json: { function_id: 'spare' }, status: 400 },
      { name: 'refuses an unknown key', ask, json: { colour: 'red' }, status: 400 },
      {
        name: "does not know another project's function",
        ask,
        jsonOf: ({ blue }) => ({ function_id: blue }),
        status: 404,
      },
      { name: 'does not know a version that there is not', ask, json: { function_version: '7' }, status: 404 },
      {
        name: 'takes a version in a string',
        ask,
        json: { function_id: null, function_version: '1', description: null },
        status: 200,
        has: { function_version: 1, description: 'of red' },
      },
      {
        name: 'goes to another function',
        ask,
        jsonOf: ({ spare }) => ({ function_id: spare }),
        status: 200,
        has: { updated_at: '2030-01-02T03:04:05Z' },
      },
      {
        name: 'ignores a new name',
        ask,
        json: { name: 'other', description: 'd' },
        status: 200,
        has: { name: 'live', description: 'd' },
      },
      {
        name: 'to where it is changes nothing else',
        ask,
        jsonOf: ({ red }) => ({ function_id: red, function_version: 0 }),
        status: 200,
      },
      {
        name: 'is possible for admins',
        ask: 'PUT /v1/aliases/only-blue',
        as: 'admin',
        json: { description: 'd' },
        status: 200,
        has: { project_id: 'blue' },
      },
    ],
    prepare,
  )

  test('to the version of another alias is refused', async () => {
    const { app, made } = prepare()
    app.stores.aliases.insert(anAlias({ projectId: 'red', name: 'taken', functionId: made.spare }))
    const answer = await app.request('PUT', '/v1/aliases/live', { json: { function_id: made.spare } })
    expect(answer).toMatchObject({ status: 400 })
    expect(answer.json.faultstring).toContain('taken')
  })
})

describe('removing an alias', () => {
  testRows(
    [
      { name: 'needs a token', ask: 'DELETE /v1/aliases/live', as: 'nobody', status: 401 },
      { name: 'does not know that of another project', ask: 'DELETE /v1/aliases/only-blue', status: 404 },
      { name: 'works', ask: 'DELETE /v1/aliases/live', status: 204 },
      { name: 'works for admins', ask: 'DELETE /v1/aliases/only-blue', as: 'admin', status: 204 },
    ],
    prepare,
  )

  test('is refused while an unfinished job or a webhook of the project uses it', async () => {
    const { app } = prepare()
    const of = { projectId: 'red', functionId: null, functionAlias: 'live' }
    const [job, webhook] = [aJob(of), aWebhook(of)]
    const status = async () => (await app.request('DELETE', '/v1/aliases/live')).status
    app.stores.jobs.insert(job)
    expect(await status()).toBe(403)
    app.stores.jobs.update({ ...job, status: 'cancelled' })
    app.stores.webhooks.insert(webhook)
    expect(await status()).toBe(403)
    app.stores.webhooks.delete(webhook.id)
    app.stores.webhooks.insert(aWebhook({ ...of, projectId: 'blue' }))
    expect(await status()).toBe(204)
  })
})

describe('weights', () => {
  const ask = 'PUT /v1/aliases/live'
  testRows(
    [
      { name: 'must be an object', ask, json: { weights: 0.1 }, status: 400, shows: ['weights', 'object'] },
      { name: 'must be numbers', ask, json: { weights: { 1: 'half' } }, status: 400, shows: ['must be a number'] },
      { name: 'must be shares', ask, json: { weights: { 1: 2 } }, status: 400, shows: ['from 0 to 1'] },
      { name: 'are of other versions', ask, json: { weights: { 0: 0.1 } }, status: 400, shows: ['points at'] },
      { name: 'are of versions that there are', ask, json: { weights: { 7: 0.1 } }, status: 404, shows: ['Version 7'] },
      {
        name: 'come with a new alias, too',
        ask: 'POST /v1/aliases',
        jsonOf: ({ red }) => ({ name: 'canary', function_id: red, function_version: 1, weights: { 0: 0.1 } }),
        status: 201,
        has: { function_version: 1, weights: { 0: 0.1 } },
      },
      { name: 'are kept and shown', ask, json: { weights: { 1: 0.25 } }, status: 200, has: { weights: { 1: 0.25 } } },
    ],
    prepare,
  )

  const moved = async (...changes: object[]) => {
    const { app } = prepare()
    let json: { weights?: object } = {}
    for (const change of [{ weights: { 1: 0.25 } }, ...changes]) {
      json = (await app.request('PUT', '/v1/aliases/live', { json: change })).json
    }
    return json.weights
  }
  test('stay until they are removed, or the alias points to another version', async () => {
    expect(await moved({ description: 'd' })).toEqual({ 1: 0.25 })
    expect(await moved({ function_version: 0, description: 'd' })).toEqual({ 1: 0.25 })
    expect(await moved({ weights: null })).toBeUndefined()
    expect(await moved({ weights: {} })).toBeUndefined()
    expect(await moved({ function_version: 1 })).toBeUndefined()
    expect(await moved({ function_version: 1, weights: { 0: 0.5 } })).toEqual({ 0: 0.5 })
  })

  test('send calls to the other version, whose executions say so, and keep it from being removed', async () => {
    const { app, made } = prepare()
    await app.request('PUT', '/v1/aliases/live', { json: { weights: { 1: 1 } } })
    const json = { function_alias: 'live', input: '{}' }
    expect((await app.request('POST', '/v1/executions', { json })).json).toMatchObject({
      ...{ function_version: 1, function_alias: 'live', function_id: made.red },
    })
    const remove = async () => (await app.request('DELETE', `/v1/functions/${made.red}/versions/1`)).status
    expect(await remove()).toBe(403)
    await app.request('PUT', '/v1/aliases/live', { json: { weights: null } })
    expect((await app.request('POST', '/v1/executions', { json })).json.function_version).toBe(0)
    expect(await remove()).toBe(204)
  })
})
