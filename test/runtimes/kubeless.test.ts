/** Functions written for Kubeless, most of them its own examples. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { BindOptions, BoundWorker, HttpRequest } from '../support/conformance-harness.ts'
import { packageFolders } from '../support/packages.ts'
import { processHarness } from '../support/shim-process.ts'

const folder = packageFolders()
const json: [string, string][] = [['content-type', 'application/json']]

async function answered(worker: BoundWorker, request: HttpRequest) {
  const outcome = await worker.fetch(request).outcome
  if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
  return { status: outcome.status, headers: Object.fromEntries(outcome.headers), body: outcome.body.toString() }
}

const sources = {
  nodejs: {
    'hello.js': `
      const seen = ({ data, 'event-id': id, 'event-time': time, 'event-type': type, 'event-namespace': from, extensions }, context) =>
        ({ data: data ?? null, id: id ?? null, time: time ?? null, type: type ?? null, from: from ?? null, method: extensions.request.method, context })
      module.exports = {
        foo: (event, context) => 'hello world!',
        seen: async (event, context) => seen(event, context),
        nothing: () => {},
        throws: () => { throw new Error('as asked') },
        direct: (event) => { event.extensions.response.status(202).end('direct') },
      }`,
  },
  python3: {
    'hello.py': `
import bottle

def foo(event, context): return "hello world!"

def seen(event, context):
    data = event['data'].decode() if isinstance(event['data'], bytes) else event['data']
    return {'data': data, 'id': event['event-id'], 'time': event['event-time'], 'type': event['event-type'], 'from': event['event-namespace'], 'method': event['extensions']['request'].method, 'context': context}

def nothing(event, context): pass
def throws(event, context): raise ValueError('as asked')
def direct(event, context): raise bottle.HTTPResponse(status=202, body='direct')
def number(event, context): return 5
async def awaited(event, context): return 'awaited'
`,
  },
}

describe.each(['nodejs', 'python3'] as const)('%s', (language) => {
  const bind = (handler: string, options: BindOptions = {}) => {
    const runtime = fileURLToPath(new URL(`../../runtimes/${language}`, import.meta.url))
    const code = folder(sources[language])
    return processHarness(runtime, code).bind({ signature: 'kubeless', entry: `hello.${handler}`, ...options })
  }

  test('text is answered as it is, nothing as nothing', async () => {
    await using foo = await bind('foo')
    expect(await answered(foo, { target: '/' })).toMatchObject({ status: 200, body: 'hello world!' })
    expect(await foo.call().outcome).toMatchObject({ state: 'value', value: 'hello world!' })
    await using nothing = await bind('nothing')
    expect(await answered(nothing, { target: '/' })).toMatchObject({ status: 200, body: '' })
  })

  test('event and context have the names of Kubeless', async () => {
    await using worker = await bind('seen')
    const headers: [string, string][] = [
      ...json,
      ['event-id', '7'],
      ['event-type', 'application/json'],
      ['event-namespace', 'kafkatriggers.kubeless.io'],
    ]
    const { body } = await answered(worker, { method: 'POST', target: '/any/path', headers, body: '{"n":1}' })
    expect(JSON.parse(body)).toEqual({
      data: { n: 1 },
      id: '7',
      time: null,
      type: 'application/json',
      from: 'kafkatriggers.kubeless.io',
      method: 'POST',
      context: {
        'function-name': 'seen',
        timeout: 60,
        runtime: expect.stringMatching(language === 'nodejs' ? /^nodejs\d+$/ : /^python3\.\d+$/),
        'memory-limit': '256Mi',
      },
    })
    const text = await answered(worker, {
      method: 'POST',
      target: '/',
      headers: [['content-type', 'text/plain']],
      body: 'abc',
    })
    expect(JSON.parse(text.body)).toMatchObject({ data: 'abc', id: null })
  })

  test('a job and an object are events of triggers', async () => {
    await using worker = await bind('seen')
    const executionId = '0192f5a0-0000-7000-8000-00000000abcd'
    expect(await worker.call({ n: 1 }, { trigger: 'job', executionId }).outcome).toMatchObject({
      value: {
        ...{ data: { n: 1 }, id: executionId, type: 'application/json', from: 'cronjobtrigger.kubeless.io' },
        ...{ method: 'POST', time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$/) },
      },
    })
    expect(await worker.call({ n: 1 }, { trigger: 'event' }).outcome).toMatchObject({
      value: { type: 'object.created', from: 'taibai.objects' },
    })
  })

  test('what is thrown is 500, and fails a call; an answer of its own is left alone', async () => {
    await using throws = await bind('throws')
    expect(await answered(throws, { target: '/' })).toMatchObject({
      status: 500,
      body: expect.stringMatching(/Internal Server Error/),
    })
    expect(await throws.call().outcome).toMatchObject({ state: 'failed', type: 'ServerError' })
    await using direct = await bind('direct')
    expect(await answered(direct, { target: '/' })).toMatchObject({ status: 202, body: 'direct' })
  })

  test('methods are those of the runtime', async () => {
    await using worker = await bind('foo')
    const { status, headers } = await answered(worker, { method: 'OPTIONS', target: '/' })
    if (language === 'nodejs') expect([status, headers['access-control-allow-origin']]).toEqual([200, '*'])
    else expect(status).toBe(405)
  })

  test('a handler that is not there is refused', async () => {
    await expect(bind('nowhere')).rejects.toThrow(/nowhere/)
    await expect(bind('', { entry: 'hello' })).rejects.toThrow(/hello/)
  })
})

test('an async function is awaited, and what Bottle does not take fails', async () => {
  const runtime = fileURLToPath(new URL('../../runtimes/python3', import.meta.url))
  const harness = processHarness(runtime, folder(sources.python3))
  await using awaited = await harness.bind({ signature: 'kubeless', entry: 'hello.awaited' })
  expect(await awaited.call().outcome).toMatchObject({ value: 'awaited' })
  await using number = await harness.bind({ signature: 'kubeless', entry: 'hello.number' })
  expect((await answered(number, { target: '/' })).status).toBe(500)
})
