import { describe, expect, test } from 'vitest'
import { zipOf } from '../../src/store/zip-of.ts'
import { aFn, aJob, anAlias, anExecution, aRuntime, aVersion, aWebhook } from '../support/builders.ts'
import { testRows } from '../support/request-rows.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

const unknownId = '0190a000-0000-7000-8000-00000000dead'
const zip = (text: string): Buffer => zipOf('main.py', text)

/** A package function of red without versions, one of blue, an image function of red. */
function prepare() {
  const app = makeTestApp()
  const runtime = aRuntime()
  app.stores.runtimes.insert(runtime)
  const red = aFn({ projectId: 'red', name: 'red-one', runtimeId: runtime.id })
  const blue = aFn({ projectId: 'blue', name: 'blue-one', runtimeId: runtime.id })
  const image = aFn({ projectId: 'red', code: { source: 'image', image: 'a' }, packageHash: null })
  for (const fn of [red, blue, image]) app.stores.functions.insert(fn)
  app.stores.functions.insertVersion(
    aVersion({ functionId: blue.id, projectId: 'blue', packageHash: blue.packageHash as string }),
  )
  return { app, made: { red: red.id, blue: blue.id, image: image.id } }
}

const publish = (app: TestApp, id: string, json: unknown = {}) =>
  app.request('POST', `/v1/functions/${id}/versions`, { json })
const upload = (app: TestApp, id: string, text: string) =>
  app.request('PUT', `/v1/functions/${id}`, { form: { package: zip(text) } })

describe('publishing a version', () => {
  const ask = ({ red }: Record<string, string>) => `POST /v1/functions/${red}/versions`
  testRows(
    [
      { name: 'needs a token', ask, as: 'nobody', json: {}, status: 401 },
      { name: 'needs a body', ask, status: 400, shows: ['missing'] },
      {
        name: 'refuses to be told the number',
        ask,
        json: { version_number: 3 },
        status: 400,
        shows: ['version_number'],
      },
      { name: 'refuses a number as the description', ask, json: { description: 3 }, status: 400 },
      {
        name: 'refuses what is neither id nor name',
        ask: 'POST /v1/functions/nothing/versions',
        json: {},
        status: 400,
      },
      {
        name: 'does not know an unknown function',
        ask: `POST /v1/functions/${unknownId}/versions`,
        json: {},
        status: 404,
      },
      { name: "does not know another project's function", ask, as: 'bob', json: {}, status: 404 },
      { name: "does not know another project's function, for admins too", ask, as: 'admin', json: {}, status: 404 },
      {
        name: 'is refused for images',
        ask: ({ image }) => `POST /v1/functions/${image}/versions`,
        json: {},
        status: 403,
        shows: ['package'],
      },
      {
        name: 'is refused while the package is that of the newest version',
        ask: ({ blue }) => `POST /v1/functions/${blue}/versions`,
        as: 'bob',
        json: {},
        status: 403,
        shows: ['not changed'],
      },
      {
        name: 'takes an explicit null',
        ask,
        json: { description: null },
        status: 201,
        has: { version_number: 1, description: null },
      },
      {
        name: 'takes a name',
        ask: 'POST /v1/functions/red-one/versions',
        json: { description: 'first' },
        status: 201,
        has: { description: 'first' },
      },
    ],
    prepare,
  )

  test('shows every field in the order of the contract', async () => {
    const { app, made } = prepare()
    const { json } = await publish(app, made.red)
    expect(json).toEqual({
      id: expect.any(String),
      description: null,
      function_id: made.red,
      version_number: 1,
      count: 0,
      project_id: 'red',
      created_at: '2030-01-02T03:04:05Z',
      updated_at: null,
    })
    expect(Object.keys(json).join(' ')).toBe(
      'id description function_id version_number count project_id created_at updated_at',
    )
  })

  test('counts up with every new package, and shows the newest with the function', async () => {
    const { app, made } = prepare()
    for (const text of ['a', 'b', 'c']) {
      await upload(app, made.red, text)
      await publish(app, made.red)
    }
    const { json } = await app.request('GET', `/v1/functions/${made.red}/versions`)
    expect(json.function_versions.map((one: { version_number: number }) => one.version_number)).toEqual([1, 2, 3])
    expect((await app.request('GET', `/v1/functions/${made.red}`)).json.latest_version).toBe(3)
  })

  test('ends at ten versions', async () => {
    const { app, made } = prepare()
    for (let n = 1; n <= 10; n++) {
      await upload(app, made.red, String(n))
      expect((await publish(app, made.red)).status).toBe(201)
    }
    await upload(app, made.red, 'one more')
    expect(await publish(app, made.red)).toMatchObject({ status: 403 })
  })
})

describe('reading versions', () => {
  const path = ({ blue }: Record<string, string>, rest = '') => `GET /v1/functions/${blue}/versions${rest}`
  testRows(
    [
      { name: 'needs a token', ask: (made) => path(made), as: 'nobody', status: 401 },
      { name: 'refuses filters', ask: (made) => path(made, '?project_id=blue'), as: 'bob', status: 400 },
      { name: "does not know another project's function", ask: (made) => path(made), status: 404 },
      { name: 'answers 400 to what is neither id nor name', ask: 'GET /v1/functions/nothing/versions', status: 400 },
      { name: 'lists to the owner', ask: (made) => path(made), as: 'bob', status: 200, shows: ['"version_number":1'] },
      { name: 'lists to admins', ask: (made) => path(made), as: 'admin', status: 200, shows: ['"version_number":1'] },
      { name: 'lists by name', ask: 'GET /v1/functions/blue-one/versions', as: 'bob', status: 200 },
      {
        name: 'gives an empty list when there is none',
        ask: 'GET /v1/functions/red-one/versions',
        status: 200,
        has: { function_versions: [] },
      },
      { name: 'shows one', ask: (made) => path(made, '/1'), as: 'bob', status: 200, has: { version_number: 1 } },
      {
        name: 'ignores unknown parameters of show',
        ask: (made) => path(made, '/1?colour=red'),
        as: 'bob',
        status: 200,
      },
      { name: 'does not know version 0', ask: (made) => path(made, '/0'), as: 'bob', status: 404 },
      { name: 'does not know a version that there is not', ask: (made) => path(made, '/10'), as: 'bob', status: 404 },
      {
        name: 'refuses what is not a number',
        ask: (made) => path(made, '/one'),
        as: 'bob',
        status: 400,
        shows: ['version'],
      },
      { name: 'does not show it to others', ask: (made) => path(made, '/1'), status: 404 },
    ],
    prepare,
  )

  test('counts the executions of a version', async () => {
    const { app, made } = prepare()
    app.ledger.open(anExecution({ functionId: made.blue, functionVersion: 1 }))
    const { json } = await app.request('GET', `/v1/functions/${made.blue}/versions/1`, { as: 'bob' })
    expect(json).toMatchObject({ count: 1, updated_at: '2030-01-02T03:04:05Z' })
  })

  test('does not support updates (405)', async () => {
    const { app, made } = prepare()
    const answer = await app.request('PUT', `/v1/functions/${made.blue}/versions/1`, { as: 'bob', json: {} })
    expect([answer.status, answer.headers.get('Allow')]).toEqual([405, 'DELETE, GET'])
  })

  test('downloads the published bytes', async () => {
    const { app, made } = prepare()
    await upload(app, made.red, 'old')
    await publish(app, made.red)
    await upload(app, made.red, 'new')
    const { bytes, headers } = await app.request('GET', `/v1/functions/${made.red}/versions/1?download=true`)
    expect(bytes.equals(zip('old'))).toBe(true)
    expect(headers.get('Content-Type')).toBe('application/zip')
    expect(headers.get('Content-Disposition')).toBe(`attachment; filename="${made.red}_1"`)
  })
})

describe('removing a version', () => {
  const remove = (app: TestApp, path: string, as: 'alice' | 'bob' | 'admin' | 'nobody' = 'bob') =>
    app.request('DELETE', `/v1/functions/${path}`, { as })

  test('is refused to strangers, and the version does not exist for others and admins', async () => {
    const { app, made } = prepare()
    const path = `${made.blue}/versions/1`
    const answers = await Promise.all((['nobody', 'alice', 'admin'] as const).map((as) => remove(app, path, as)))
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 404])
  })

  test('refuses values that are not numbers; version 0 and unknown versions are not found', async () => {
    const { app, made } = prepare()
    const answers = await Promise.all(['x', '0', '2'].map((n) => remove(app, `${made.blue}/versions/${n}`)))
    expect(answers.map(({ status }) => status)).toEqual([400, 404, 404])
  })

  test('is refused while an unfinished job, a webhook or an alias points at it', async () => {
    const { app, made } = prepare()
    const of = { projectId: 'blue', functionId: made.blue, functionVersion: 1 }
    const [job, webhook, alias] = [aJob(of), aWebhook(of), anAlias(of)]
    app.stores.jobs.insert(job)
    app.stores.webhooks.insert(webhook)
    app.stores.aliases.insert(alias)
    const refusal = await remove(app, `${made.blue}/versions/1`)
    expect(refusal).toMatchObject({ status: 403, json: { code: 'in_use' } })
    for (const what of ['jobs', 'webhooks', 'aliases']) expect(refusal.json.faultstring).toContain(what)
    app.stores.jobs.update({ ...job, status: 'done' })
    app.stores.webhooks.delete(webhook.id)
    app.stores.aliases.delete(alias.id)
    expect((await remove(app, `${made.blue}/versions/1`)).status).toBe(204)
  })

  test('drops its workers, and the same package can be published again', async () => {
    const { app, made } = prepare()
    await remove(app, `${made.blue}/versions/1`)
    expect(app.pool.asked).toEqual([`retire ${made.blue} 1 new_code`])
    expect(app.stores.functions.find(made.blue)?.latestVersion).toBe(0)
    const again = await app.request('POST', `/v1/functions/${made.blue}/versions`, { as: 'bob', json: {} })
    expect(again).toMatchObject({ status: 201, json: { version_number: 1 } })
  })

  test('in the middle leaves a gap, and the newest that exists is shown', async () => {
    const { app, made } = prepare()
    for (const text of ['a', 'b', 'c']) {
      await upload(app, made.red, text)
      await publish(app, made.red)
    }
    await remove(app, `${made.red}/versions/2`, 'alice')
    await remove(app, `${made.red}/versions/3`, 'alice')
    expect((await app.request('GET', `/v1/functions/${made.red}`)).json.latest_version).toBe(1)
  })
})

describe('rolling back to a version', () => {
  const back = (id: string, number: number | string) => `POST /v1/functions/${id}/versions/${number}/rollback`
  testRows(
    [
      { name: 'needs a token', ask: ({ red }) => back(red as string, 1), as: 'nobody', status: 401 },
      { name: 'refuses a number that is none', ask: ({ red }) => back(red as string, 'one'), status: 400 },
      { name: 'does not know a version that there is not', ask: ({ red }) => back(red as string, 1), status: 404 },
      { name: 'does not know versions of others', ask: ({ blue }) => back(blue as string, 1), status: 404 },
      {
        name: 'does not know them for admins either',
        ask: ({ blue }) => back(blue as string, 1),
        as: 'admin',
        status: 404,
      },
    ],
    prepare,
  )

  test("makes the version's code that of the function again, and new workers for it", async () => {
    const { app, made } = prepare()
    await upload(app, made.red, 'good')
    await publish(app, made.red)
    const good = app.stores.functions.find(made.red)
    await upload(app, made.red, 'bad')
    app.stores.jobs.insert(aJob({ projectId: 'red', functionId: made.red }))
    app.stores.functions.update({ ...(app.stores.functions.find(made.red) as NonNullable<typeof good>), minWorkers: 1 })
    app.pool.asked.length = 0
    const { status, json } = await app.request('POST', `/v1/functions/red-one/versions/1/rollback`)
    expect(status).toBe(200)
    expect(json).toMatchObject({ id: made.red, code: good?.code, latest_version: 1 })
    expect(app.stores.functions.find(made.red)?.packageHash).toBe(good?.packageHash)
    expect(app.pool.asked[0]).toBe(`retire ${made.red} 0 new_code`)
    expect(app.pool.asked).toHaveLength(2)
    const again = await app.request('POST', `/v1/functions/${made.red}/versions/1/rollback`)
    expect([again.status, app.pool.asked.length]).toEqual([200, 2])
  })
})
