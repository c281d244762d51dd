/** Functions written for Google's Functions Framework, with the real framework in their package, and without it. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { BindOptions, BoundWorker, HttpRequest, Outcome } from '../support/conformance-harness.ts'
import { packageFolders } from '../support/packages.ts'
import { processHarness } from '../support/shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const folder = packageFolders()
const framework = '@google-cloud/functions-framework'

function bind(files: Record<string, string>, options: BindOptions, packages = [framework]): Promise<BoundWorker> {
  return processHarness(runtime, folder(files, packages)).bind({ signature: 'gcf', ...options })
}

const answered = async (worker: BoundWorker, request: HttpRequest) => {
  const outcome = await worker.fetch(request).outcome
  if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
  return { status: outcome.status, headers: Object.fromEntries(outcome.headers), body: outcome.body.toString() }
}

const json: [string, string][] = [['content-type', 'application/json']]
const binaryEvent: [string, string][] = [
  ['ce-id', '1'],
  ['ce-source', '/s'],
  ['ce-specversion', '1.0'],
  ['ce-type', 'a.b'],
  ['content-type', 'application/json'],
]

/** As in the framework's own documentation. */
const hello = `
const functions = require('@google-cloud/functions-framework')
functions.http('helloHttp', (req, res) => {
  res.send(\`Hello \${req.query.name || req.body?.name || 'World'}!\`)
})
functions.http('all', async (req, res) => {
  res.set('x-id', req.executionId).status(201).json({ method: req.method, path: req.path, body: req.body, raw: req.rawBody?.toString() })
})
functions.http('throws', () => { throw new TypeError('as asked') })
functions.http('rejects', async () => { throw new TypeError('later') })
functions.cloudEvent('events', async (event) => {
  console.log(JSON.stringify(event))
  if (event.data?.fail) throw new Error('no')
})
`

describe.each([
  ['with the framework in the package', [framework]],
  ['without it', []],
])('registered functions %s', (_name, packages) => {
  const registered = (entry: string) =>
    bind({ 'index.js': hello, 'package.json': '{"main": "index.js"}' }, { entry }, packages)

  test('an HTTP function has Express, parsed bodies and their bytes', async () => {
    await using worker = await registered('helloHttp')
    expect(await answered(worker, { target: '/?name=Ada' })).toMatchObject({ status: 200, body: 'Hello Ada!' })
    expect(
      await answered(worker, { method: 'POST', target: '/', headers: json, body: '{"name":"Bob"}' }),
    ).toMatchObject({
      body: 'Hello Bob!',
    })
    expect(await answered(worker, { target: '/favicon.ico' })).toMatchObject({ status: 404 })
  })

  test('the function sees the whole request', async () => {
    await using worker = await registered('all')
    const { status, headers, body } = await answered(worker, {
      method: 'PUT',
      target: '/a/b?c=1',
      headers: json,
      body: '{ "n": 1 }',
    })
    expect(status).toBe(201)
    expect(JSON.parse(body)).toEqual({ method: 'PUT', path: '/a/b', body: { n: 1 }, raw: '{ "n": 1 }' })
    expect(headers['x-id']).toMatch(/./)
  })

  test('a call without HTTP posts its input, and its value is the body', async () => {
    await using worker = await registered('all')
    expect(await worker.call({ n: 1 }).outcome).toMatchObject({
      state: 'value',
      kind: 'json',
      value: { body: { n: 1 } },
    })
  })

  test.each([
    ['throws', 'as asked'],
    ['rejects', 'later'],
  ])('a function that %s answers 500 as the framework does, and fails a call', async (entry, message) => {
    await using worker = await registered(entry)
    const { status, headers, body } = await answered(worker, { target: '/' })
    expect([status, headers['x-google-status'], body]).toEqual([500, 'crash', message])
    expect(await worker.call({}).outcome).toMatchObject({ state: 'failed', type: 'ServerError', message })
  })

  test('a CloudEvent function takes events in each mode', async () => {
    await using worker = await registered('events')
    const event = { specversion: '1.0', id: '1', source: '/s', type: 'a.b', data: { n: 1 } }
    const structured: [string, string][] = [['content-type', 'application/cloudevents+json']]
    for (const request of [
      { headers: binaryEvent, body: '{"n":1}' },
      { headers: structured, body: JSON.stringify(event) },
    ]) {
      const call = worker.fetch({ method: 'POST', target: '/', ...request })
      expect(await call.outcome).toMatchObject({ state: 'answer', status: 204 })
      expect(JSON.parse(call.output.stdout)).toMatchObject(event)
    }
    const posted = worker.call(event)
    expect(await posted.outcome).toMatchObject({ state: 'value', value: null })
    expect(JSON.parse(posted.output.stdout)).toMatchObject(event)
    expect(await worker.call({ ...event, data: { fail: true } }).outcome).toMatchObject({
      state: 'failed',
      message: 'no',
    })
  })
})

describe('exports that are not registered', () => {
  const exported = `
    exports.hello = (req, res) => res.send('export ' + (req.body?.n ?? ''))
    exports.v1 = { pubsub: (data, context) => console.log(JSON.stringify({ data, type: context.eventType, id: context.eventId })) }
    exports.called = (data, context, callback) => callback(null, 'done')
    exports.events = (event) => console.log(event.type)
    exports.number = 5`

  test('the export of the target is an HTTP function', async () => {
    await using worker = await bind({ 'function.js': exported }, { entry: 'hello' }, [])
    expect(await answered(worker, { method: 'POST', target: '/', headers: json, body: '{"n":7}' })).toMatchObject({
      body: 'export 7',
    })
  })

  test('dots go into objects; functions of the first generation get data and context', async () => {
    const env = { FUNCTION_SIGNATURE_TYPE: 'event' }
    await using worker = await bind({ 'index.js': exported }, { entry: 'v1.pubsub', env }, [])
    const call = worker.call({ context: { eventId: '9', eventType: 'x' }, data: { a: 1 } })
    expect(await call.outcome).toMatchObject({ state: 'value' })
    expect(JSON.parse(call.output.stdout)).toEqual({ data: { a: 1 }, type: 'x', id: '9' })
    await using withCallback = await bind({ 'index.js': exported }, { entry: 'called', env }, [])
    expect(await withCallback.call({ context: {}, data: 1 }).outcome).toMatchObject({ value: 'done' })
  })

  test('FUNCTION_SIGNATURE_TYPE says what it is', async () => {
    await using worker = await bind(
      { 'index.js': exported },
      { entry: 'events', env: { FUNCTION_SIGNATURE_TYPE: 'cloudevent' } },
    )
    const call = worker.fetch({ method: 'POST', target: '/', headers: binaryEvent, body: '{}' })
    await call.outcome
    expect(call.output.stdout).toBe('a.b\n')
  })

  test('modules of ECMAScript import the framework by name', async () => {
    const code = `import { http } from '@google-cloud/functions-framework'
      http('function', (req, res) => res.json({ target: process.env.FUNCTION_TARGET, service: process.env.K_SERVICE }))`
    for (const packages of [[framework], []]) {
      await using worker = await bind(
        { 'index.mjs': code, 'package.json': '{"main":"index.mjs"}' },
        { entry: 'function' },
        packages,
      )
      expect(JSON.parse((await answered(worker, { target: '/' })).body)).toEqual({
        target: 'function',
        service: 'conformance',
      })
    }
  })

  test.each<[string, Record<string, string>, BindOptions, RegExp]>([
    [
      'a target that is not there',
      { 'index.js': exported },
      { entry: 'nothing' },
      /'nothing' is not defined.*exports called.*hello/,
    ],
    [
      'a target that is not a function',
      { 'index.js': exported },
      { entry: 'number' },
      /'number' needs to be of type function. Got: number/,
    ],
    ['no file', { 'README.md': '' }, { entry: 'x' }, /is not a loadable module/],
    [
      'a kind that does not exist',
      { 'index.js': exported },
      { entry: 'hello', env: { FUNCTION_SIGNATURE_TYPE: 'grpc' } },
      /"grpc" is none of http/,
    ],
  ])('%s is refused in the words of the framework', async (_name, files, options, message) => {
    await expect(bind(files, options, [])).rejects.toThrow(message)
  })
})

test('what the platform supplies is there for nobody else', async () => {
  const code = `export async function main() { try { await import('express'); return 'there' } catch (error) { return error.code } }`
  await using worker = await processHarness(runtime, folder({ 'main.mjs': code })).bind()
  expect(await worker.call().outcome).toMatchObject({
    state: 'value',
    value: 'ERR_MODULE_NOT_FOUND',
  } satisfies Partial<Outcome>)
})
