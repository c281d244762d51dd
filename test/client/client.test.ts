import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Client, makeClient } from '../../src/client/client.ts'
import { listen } from '../../src/http/connection/listen.ts'
import { makeListener } from '../../src/http/connection/request-listener.ts'
import { aRuntime } from '../support/builders.ts'
import { makeTestApp } from '../support/test-app.ts'

/** The client against the real routes over a port. */

let server: Server
let url: string
let client: Client
const clients: Client[] = []
/** Methods and paths that were asked for, as `GET /v1/functions`. */
let asked: string[] = []

beforeEach(async () => {
  const app = makeTestApp()
  app.stores.runtimes.insert(aRuntime({ name: 'nodejs' }))
  const listener = makeListener(app.app, app.parts)
  const noted: RequestListener = (incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url?.split('?')[0]}`)
    listener(incoming, outgoing)
  }
  server = await listen('127.0.0.1', 0, noted, { bodyTimeoutMs: 60_000 })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  asked = []
  client = clientOf('token-of-admin')
})
afterEach(() => {
  for (const each of clients.splice(0)) each.close()
  server.closeAllConnections()
  server.close()
})

function clientOf(token: string | null | (() => string | null)): Client {
  const made = makeClient({ url, token })
  clients.push(made)
  return made
}

const source = { source: 'inline', filename: 'main.mjs', content: 'export const main = () => 1' }

describe('what cannot be done is an error with a sentence', () => {
  test('when the server refuses, with its status and code', async () => {
    await expect(client.functions.get('nobody')).rejects.toMatchObject({
      name: 'ApiError',
      status: 404,
      code: 'not_found',
      message: expect.stringContaining('nobody'),
    })
  })

  test('when what is typed as an id is none: it stays one part of the path', async () => {
    const odd = '../../functions'
    for (const ask of [
      () => client.runtimes.capacity(odd),
      () => client.webhooks.deliveries(odd),
      () => client.webhooks.redeliver('a b', odd),
    ]) {
      await expect(ask()).rejects.toMatchObject({ name: 'ApiError' })
    }
    expect(asked).toEqual([
      'GET /v1/runtimes/..%2F..%2Ffunctions/pool',
      'GET /v1/webhooks/..%2F..%2Ffunctions/deliveries',
      'POST /v1/webhooks/a%20b/deliveries/..%2F..%2Ffunctions/redeliver',
    ])
  })

  test('for a token that is not known', async () => {
    const stranger = clientOf('someone else')
    await expect(stranger.functions.list()).rejects.toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(await stranger.knowsUs()).toBe(false)
    expect(await stranger.isReady()).toBe(true)
  })

  test('when nobody answers', async () => {
    const lonely = makeClient({ url: 'http://127.0.0.1:9', token: null })
    await expect(lonely.runtimes.list()).rejects.toThrow(
      'No Taibai server answers at http://127.0.0.1:9 (ECONNREFUSED).',
    )
    expect(await lonely.isReady()).toBe(false)
    expect(await lonely.knowsUs()).toBe(false)
  })

  test('when who answers is no Taibai', async () => {
    server.removeAllListeners('request').on('request', (_incoming, outgoing) => {
      outgoing.writeHead(418, { 'content-type': 'application/json' }).end('<no json>')
    })
    await expect(client.jobs.list()).rejects.toMatchObject({ status: 418, code: undefined, message: /no json/ })
    expect(await client.isReady()).toBe(false)
  })

  test('when the caller gives up', async () => {
    const signal = AbortSignal.abort()
    await expect(client.connection.request('GET', '/healthz', { signal })).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('what can be done', () => {
  test('functions from one file and from a ZIP, changed, read back, removed', async () => {
    const made = await client.functions.create({ name: 'hello', runtime: 'nodejs', code: source })
    expect(made).toMatchObject({ name: 'hello', code: { source: 'package' } })
    const zip = zipSync({ 'main.mjs': Buffer.from(source.content) })
    const zipped = await client.functions.createFromZip(
      { name: 'zipped', runtime: 'nodejs', timeout: 7, env: { A: 'b c' } },
      zip,
    )
    expect(zipped).toMatchObject({ name: 'zipped', timeout: 7, env: { A: 'b c' } })
    expect((await client.functions.list()).map(({ name, code }) => [name, code.source])).toEqual([
      ['hello', 'package'],
      ['zipped', 'package'],
    ])
    expect(await client.functions.list({ limit: 1, marker: made.id })).toMatchObject([{ name: 'zipped' }])
    expect(await client.functions.update('hello', { network: 'none' })).toMatchObject({ network: 'none' })
    await client.functions.updateWithZip('hello', { description: 'new' }, zip)
    expect(await client.functions.get('hello')).toMatchObject({ description: 'new' })
    expect((await client.functions.download('zipped')).subarray(0, 2).toString()).toBe('PK')
    await client.functions.detach('hello')
    expect(await client.functions.workers('hello')).toEqual([])
    await client.functions.delete('hello')
    await expect(client.functions.get('hello')).rejects.toMatchObject({ status: 404 })
  })

  test('a function is called by its address, whatever it answers', async () => {
    await client.functions.create({ name: 'hello', runtime: 'nodejs', code: source })
    const answer = await client.invoke('hello', { json: { a: 1 } })
    expect(answer.headers['x-execution-id']).toBeDefined()
    expect(answer.tookMs).toBeGreaterThan(0)
    expect((await client.invoke('nobody')).status).toBe(404)
    expect((await client.openInvoke('hello', { path: 'deeper', method: 'PUT' })).statusCode).toBeDefined()
    expect(asked.slice(-1)).toEqual(['PUT /fn/hello/deeper'])
  })

  test('executions, versions, aliases, jobs, webhooks and tokens', async () => {
    const { id } = await client.functions.create({ name: 'hello', runtime: 'nodejs', code: source })
    const run = await client.executions.create({ function_id: 'hello', input: '{}' })
    expect(await client.executions.get(run.id)).toMatchObject({ function_id: id, sync: true })
    expect(await client.executions.list({ function_id: id })).toHaveLength(1)
    expect(await client.executions.log(run.id)).toSatisfy((log) => log === null || typeof log === 'string')
    const version = await client.versions.create('hello', { description: 'first' })
    expect(version).toMatchObject({ version_number: 1 })
    expect(await client.versions.list('hello')).toHaveLength(1)
    await client.aliases.create({ name: 'live', function_id: id, function_version: 1 })
    expect(await client.aliases.update('live', { function_id: id, function_version: 0 })).toMatchObject({
      function_version: 0,
    })
    expect(await client.aliases.list()).toHaveLength(1)
    const job = await client.jobs.create({ function_id: 'hello', pattern: '0 9 * * *', timezone: 'Europe/Berlin' })
    expect(await client.jobs.update(job.id, { status: 'paused' })).toMatchObject({ status: 'paused' })
    const webhook = await client.webhooks.create({ function_id: 'hello', sync: true })
    expect((await client.webhooks.get(webhook.id)).sync).toBe(true)
    expect(webhook.webhook_url).toBe(`${url}/v1/webhooks/${webhook.id}/invoke`)
    const token = await client.tokens.create({ name: 'ci', roles: ['member'] })
    expect(await clientOf(token.token).functions.list()).toHaveLength(1)
    expect((await client.tokens.list()).map(({ name }) => name)).toContain('ci')
    await client.tokens.delete(token.id)
    await client.jobs.delete(job.id)
    await client.webhooks.delete(webhook.id)
    await client.aliases.delete('live')
    await client.versions.delete('hello', 1)
    await client.executions.delete(run.id)
  })

  test('runtimes, numbers and the document of the API', async () => {
    const [runtime] = await client.runtimes.list()
    expect(await client.runtimes.get(String(runtime?.id))).toMatchObject({ name: 'nodejs' })
    expect(await client.runtimes.capacity(String(runtime?.id))).toEqual({
      total: expect.any(Number),
      available: expect.any(Number),
    })
    expect(await client.stats()).toMatchObject({ executions: 0 })
    expect(await client.metrics()).toContain('# TYPE')
    expect(await client.openapi()).toMatchObject({ openapi: '3.1.0' })
  })

  test('a token that is made later is read when it is needed', async () => {
    let token: string | null = null
    const late = clientOf(() => token)
    expect(await late.knowsUs()).toBe(false)
    token = 'token-of-alice'
    expect(await late.knowsUs()).toBe(true)
  })
})

test('every call has a route', async () => {
  const { paths } = (await client.openapi()) as { paths: Record<string, Record<string, unknown>> }
  const routes = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path.replace(/\{\w+\}/g, 'x')}`),
  )
  asked = []
  await callEverything(client)
  expect(asked.length).toBeGreaterThan(50)
  expect(asked.filter((route) => !routes.includes(route))).toEqual([])
})

/** Each function of the client with arguments that lead to a path of `x`. */
async function callEverything(of: Client): Promise<void> {
  const { versions, functions, invoke, openInvoke, ...rest } = of
  const x = 'x' as never
  const zip = new Uint8Array() as never
  const none = {} as never
  const calls: (() => Promise<unknown>)[] = [
    () => versions.list(x),
    () => versions.get(x, x),
    () => versions.create(x),
    () => versions.delete(x, x),
    () => functions.list(),
    () => functions.get(x),
    () => functions.create(none),
    () => functions.createFromZip(none, zip),
    () => functions.update(x, none),
    () => functions.updateWithZip(x, none, zip),
    () => functions.delete(x),
    () => functions.download(x, x),
    () => functions.stats(x),
    () => functions.workers(x),
    ...[undefined, x].flatMap((version) => [
      () => functions.scaleUp(x, 1, version),
      () => functions.scaleDown(x, 1, version),
      () => functions.detach(x, version),
    ]),
    () => rest.stats(),
    () => rest.metrics(),
    () => rest.openapi(),
    ...[
      rest.runtimes,
      rest.aliases,
      rest.executions,
      rest.jobs,
      rest.webhooks,
      rest.sources,
      rest.tokens,
      rest.secrets,
    ].flatMap((noun) =>
      Object.entries(noun).map(
        ([verb, call]) =>
          () =>
            (call as (...args: unknown[]) => Promise<unknown>)(
              ...(verb === 'list' || verb === 'create' ? [{}] : ['x', verb === 'redeliver' ? 'x' : {}]),
            ),
      ),
    ),
  ]
  for (const call of calls) await call().catch(() => {})
}
