/** Functions of images that speak the Runtime API: through our own API and through that of AWS Lambda. */
import { beforeEach, describe, expect, test } from 'vitest'
import { makeRevision, runtimeApiHelperBytes } from '../../src/domain/functions/revision.ts'
import { makeTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
beforeEach(() => {
  app = makeTestApp()
})

const all = '/2015-03-31/functions'
const code = { source: 'image', image: 'repo/app:1', mode: 'lambda' }
const create = (more: object = {}) => app.request('POST', '/v1/functions', { json: { name: 'app', code, ...more } })
const change = (json: object) => app.request('PUT', '/v1/functions/app', { json })

describe('is refused:', () => {
  test.each([
    ['several calls at once', { concurrency: 2 }, 'concurrency'],
    ['a port', { code: { ...code, port: 9001 } }, 'code.port'],
    ['words that are none', { code: { ...code, command: 'app.handler' } }, 'code.command'],
    ['an entry point without a word', { code: { ...code, entry_point: [] } }, 'code.entry_point'],
    ['a folder that is no path', { code: { ...code, working_directory: 'task' } }, 'code.working_directory'],
    ['a secret, which the engine would show', { secrets: [{ name: 'KEY' }] }, 'secrets'],
  ])('%s', async (_what, more, named) => {
    const { status, json } = await create(more)
    expect([status, json.faultstring]).toEqual([400, expect.stringContaining(`"${named}"`)])
  })

  test('another mode for an existing function; an image of another mode stays unchanged', async () => {
    await create()
    expect((await change({ code: { ...code, mode: 'http' } })).status).toBe(400)
    await app.request('POST', '/v1/functions', { json: { name: 'box', code: { source: 'image', image: 'x' } } })
    const other = { json: { code: { source: 'image', image: 'y' } } }
    expect((await app.request('PUT', '/v1/functions/box', other)).status).toBe(400)
  })
})

test('its worker’s memory is the sum of the function’s and the helper’s', async () => {
  const { json } = await create({ memory_size: 256 * 1024 * 1024 })
  const fn = app.stores.functions.find(json.id)
  if (fn === null) throw new Error('there is no function')
  expect(makeRevision(fn, null, null)).toMatchObject({
    kind: 'lambda',
    signature: 'runtime-api',
    memoryBytes: 256 * 1024 * 1024 + runtimeApiHelperBytes,
  })
})

test('a new image or command replaces the old one and its workers', async () => {
  const { json } = await create({ env: { A: '1' } })
  const revision = () => {
    const fn = app.stores.functions.find(json.id)
    return fn && makeRevision(fn, null, null).key
  }
  const before = revision()
  const changed = await change({ code: { ...code, image: 'repo/app:2', command: ['b.handler'] }, memory_size: 2 ** 28 })
  expect([changed.status, changed.json.code]).toEqual([200, { ...code, image: 'repo/app:2', command: ['b.handler'] }])
  expect(revision()).not.toBe(before)
  expect(app.pool.asked).toContain(`retire ${json.id} all new_code`)
})

describe('clients of AWS Lambda', () => {
  const role = 'arn:aws:iam::000000000000:role/x'
  const made = (more: object = {}) =>
    app.request('POST', all, {
      json: { FunctionName: 'app', Role: role, PackageType: 'Image', Code: { ImageUri: 'repo/app:1' }, ...more },
    })

  test('create one, and get its image and command', async () => {
    const ImageConfig = { EntryPoint: ['/boot'], Command: ['app.handler'], WorkingDirectory: '/var/task' }
    const answer = await made({ ImageConfig, MemorySize: 512, Timeout: 9 })
    expect(answer.status).toBe(201)
    expect(answer.json).toMatchObject({
      ...{ PackageType: 'Image', State: 'Active', MemorySize: 512, ImageConfigResponse: { ImageConfig } },
      CodeSha256: expect.stringMatching(/=$/),
    })
    expect(answer.json).not.toHaveProperty('Runtime')
    const { json } = await app.request('GET', `${all}/app`)
    expect(json.Code).toEqual({ RepositoryType: 'ECR', ImageUri: 'repo/app:1', ResolvedImageUri: 'repo/app:1' })
    expect((await app.request('GET', '/v1/functions/app')).json.code).toEqual({
      ...code,
      ...{ entry_point: ['/boot'], command: ['app.handler'], working_directory: '/var/task' },
    })
  })

  test('change its image and its command', async () => {
    const { CodeSha256: before } = (await made({ ImageConfig: { Command: ['app.handler'] } })).json
    const image = await app.request('PUT', `${all}/app/code`, { json: { ImageUri: 'repo/app:2' } })
    expect([image.status, image.json.CodeSha256 === before]).toEqual([200, false])
    expect(image.json.ImageConfigResponse).toEqual({ ImageConfig: { Command: ['app.handler'] } })
    const start = await app.request('PUT', `${all}/app/configuration`, { json: { ImageConfig: {}, MemorySize: 256 } })
    expect([start.status, start.json.ImageConfigResponse, start.json.MemorySize]).toEqual([200, undefined, 256])
    expect((await app.request('GET', '/v1/functions/app')).json.code).toEqual({ ...code, image: 'repo/app:2' })
    expect((await app.request('PUT', `${all}/app/code`, { json: { ZipFile: 'UEs=' } })).status).toBe(400)
  })

  test.each([0, 1])('change both concurrently, and neither change is lost, in either order', async (at) => {
    await made()
    const image = () => app.request('PUT', `${all}/app/code`, { json: { ImageUri: 'repo/app:2' } })
    const start = () =>
      app.request('PUT', `${all}/app/configuration`, { json: { ImageConfig: { Command: ['b.handler'] } } })
    const both = at === 0 ? [image(), start()] : [start(), image()]
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200])
    const { json } = await app.request('GET', '/v1/functions/app')
    expect(json.code).toEqual({ ...code, image: 'repo/app:2', command: ['b.handler'] })
  })
})
