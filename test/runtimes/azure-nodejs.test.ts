/** Apps of Azure Functions for Node.js, with the real library in their package. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { eventGridAnswers } from '../support/azure-event-grid.ts'
import type { BindOptions, BoundWorker, HttpRequest } from '../support/conformance-harness.ts'
import { packageFolders } from '../support/packages.ts'
import { processHarness } from '../support/shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const folder = packageFolders()
const json: [string, string][] = [['content-type', 'application/json']]

const bind = (files: Record<string, string>, options: BindOptions = {}, packages = ['@azure/functions']) =>
  processHarness(runtime, folder({ 'host.json': '{"version": "2.0"}', ...files }, packages)).bind({
    signature: 'azure',
    entry: 'app',
    ...options,
  })

async function answered(worker: BoundWorker, request: HttpRequest) {
  const outcome = await worker.fetch(request).outcome
  if (outcome.state !== 'answer') throw new Error(JSON.stringify(outcome))
  return { status: outcome.status, headers: Object.fromEntries(outcome.headers), body: outcome.body.toString() }
}

const v4 = {
  'package.json': '{"main": "src/{index.js,functions/*.js}"}',
  'local.settings.json': '{"IsEncrypted": false, "Values": {"SCHEDULE": "0 */5 * * * *", "GREETING": "hi"}}',
  'src/functions/hello.js': `
    const { app } = require('@azure/functions')
    app.http('hello', {
      methods: ['GET', 'POST'], authLevel: 'anonymous',
      handler: async (request, context) => {
        context.log('called', context.functionName)
        const name = request.query.get('name') || (await request.text()) || 'world'
        return { body: \`Hello, \${name}!\` }
      },
    })
    app.get('item', { route: 'items/{id:int}/{*rest}', handler: async (request) => ({
      status: 201, jsonBody: { params: request.params, url: request.url, greeting: process.env.GREETING },
      headers: { 'x-a': '1' }, cookies: [{ name: 'c', value: '1', path: '/', httpOnly: true }] }) })
    app.get('literal', { route: 'items/7', handler: async () => ({ body: 'literal' }) })
    app.http('nothing', { handler: async () => {} })
    app.http('throws', { handler: async () => { throw new Error('secret') } })
    app.http('owned', { authLevel: 'admin', handler: async () => ({ body: 'in' }) })
    app.http('keyed', { authLevel: 'function', handler: async () => ({ body: 'in' }) })`,
  'src/functions/timer.js': `
    const { app, output } = require('@azure/functions')
    const out = output.storageQueue({ queueName: 'later', connection: 'C' })
    app.timer('nightly', { schedule: '%SCHEDULE%', return: out, handler: async (timer, context) => {
      context.log('late', timer.isPastDue, typeof timer.scheduleStatus.last)
      return { done: true }
    } })
    app.storageQueue('orders', { queueName: 'orders', connection: 'C', handler: async (message, context) => {
      if (message === 'bad') throw new RangeError('bad order')
      return { message, id: context.triggerMetadata.id, count: context.triggerMetadata.dequeueCount }
    } })`,
}

describe('an app of version 4', () => {
  test('its HTTP functions answer at their routes below the prefix', async () => {
    await using worker = await bind(v4)
    expect(await answered(worker, { target: '/api/hello?name=Ada' })).toMatchObject({
      status: 200,
      body: 'Hello, Ada!',
    })
    expect(await answered(worker, { method: 'POST', target: '/api/HELLO', body: 'Bob' })).toMatchObject({
      body: 'Hello, Bob!',
    })
    const url = 'https://h/fn/app/api/items/9/a/b'
    const item = await answered(worker, { target: '/api/items/9/a/b', url, prefix: '/fn/app' })
    expect([item.status, item.headers['x-a'], item.headers['set-cookie']]).toEqual([201, '1', 'c=1; Path=/; HttpOnly'])
    expect(JSON.parse(item.body)).toEqual({ params: { id: '9', rest: 'a/b' }, url, greeting: 'hi' })
    expect((await answered(worker, { target: '/api/items/7' })).body).toBe('literal')
    for (const [method, target] of [
      ['GET', '/api/items/x'],
      ['PUT', '/api/hello'],
      ['GET', '/hello'],
      ['GET', '/api/none'],
    ]) {
      expect((await answered(worker, { method: `${method}`, target: `${target}` })).status).toBe(404)
    }
    expect(await answered(worker, { target: '/api/nothing' })).toMatchObject({ status: 204, body: '' })
    expect(await answered(worker, { target: '/api/throws' })).toMatchObject({ status: 500, body: '' })
    for (const [target, key, status] of [
      ['keyed', undefined, 401],
      ['keyed', 'function', 200],
      ['owned', 'function', 401],
      ['owned', 'admin', 200],
    ] as const) {
      const request = { target: `/api/${target}`, ...(key !== undefined && { key }) }
      expect((await answered(worker, request)).status).toBe(status)
    }
  })

  test('a request without a body has none for the library, some versions of which refuse an empty one', async () => {
    const recorder = `
      const core = require('@azure/functions-core')
      core.setProgrammingModel({ name: 'recorder', version: '1', getCapabilities: (one) => one,
        getInvocationModel: ({ request }) => ({
          getArguments: () => ({ context: {}, inputs: [] }),
          invokeFunction: () => Object.keys(request.inputData[0].data.http).sort().join(),
          getResponse: (_context, text) => ({ returnValue: { http: { body: { string: text } } } }),
        }) })
      core.registerFunction({ name: 'told', bindings: {
        req: { type: 'httpTrigger', direction: 'in', name: 'req', authLevel: 'anonymous' },
        $return: { type: 'http', direction: 'out', name: '$return' } } }, () => {})`
    await using worker = await bind({ 'package.json': '{"main": "told.js"}', 'told.js': recorder }, {}, [])
    expect(await answered(worker, { target: '/api/told' })).toMatchObject({ body: 'headers,method,params,query,url' })
    const posted = await answered(worker, { method: 'POST', target: '/api/told', body: 'x' })
    expect(posted).toMatchObject({ body: 'body,headers,method,params,query,url' })
  })

  test('timers and queues are called by name', async () => {
    await using worker = await bind(v4)
    const timer = worker.call({ target: 'nightly' })
    expect(await timer.outcome).toMatchObject({
      ...{ state: 'value', value: { done: true } },
      outputs: [{ name: '$return', type: 'queue', to: 'later', messages: ['{"done":true}'] }],
    })
    expect(timer.output.stdout).toBe('late false string\n')
    const due = { Schedule: { AdjustForDST: true }, ScheduleStatus: { Last: null, Next: 'x' }, IsPastDue: true }
    const late = worker.call({ target: 'nightly', input: due })
    await late.outcome
    expect(late.output.stdout).toBe('late true object\n')
    const executionId = '0192f5a0-0000-7000-8000-00000000abcd'
    const queue = await worker.call({ target: 'orders', input: { n: 1 } }, { executionId }).outcome
    expect(queue).toMatchObject({ value: { message: { n: 1 }, id: executionId, count: 1 } })
    const again = await worker.call({ target: 'orders', input: {} }, { attempt: 3 }).outcome
    expect(again).toMatchObject({ value: { count: 3 } })
    expect(await worker.call({ target: 'orders', input: 'bad' }).outcome).toMatchObject({
      state: 'failed',
      type: 'RangeError',
    })
    expect(await worker.call({ target: 'hello', input: 'Eve' }).outcome).toMatchObject({ value: 'Hello, Eve!' })
    expect(await worker.call({ target: 'nobody' }).outcome).toMatchObject({
      state: 'failed',
      type: 'NoSuchFunction',
      message: expect.stringMatching(/no function "nobody".*hello, item/),
    })
  })

  test('what is put into outputs is handed over as messages, beside the answer', async () => {
    await using worker = await bind({
      'package.json': '{"main": "app.js"}',
      'app.js': `
        const { app, output } = require('@azure/functions')
        const orders = output.storageQueue({ queueName: '%QUEUE%', connection: 'C' })
        const topic = output.serviceBusTopic({ topicName: 'news', connection: 'C' })
        app.post('order', { extraOutputs: [orders, topic], handler: async (request, context) => {
          const count = Number(await request.text())
          context.extraOutputs.set(orders, count === 1 ? 'one' : Array.from({ length: count }, (_, n) => ({ n })))
          if (count === 1) context.extraOutputs.set(topic, Buffer.from('bytes'))
          return { status: 202, body: 'taken' }
        } })`,
      'local.settings.json': '{"Values": {"QUEUE": "orders"}}',
    })
    const order = (body: string) => worker.fetch({ method: 'POST', target: '/api/order', body }).outcome
    const queue = { name: expect.any(String), type: 'queue', to: 'orders' }
    expect(await order('1')).toMatchObject({
      status: 202,
      outputs: [
        { ...queue, messages: ['one'] },
        { type: 'serviceBus', to: 'news', messages: ['bytes'] },
      ],
    })
    expect(await order('2')).toMatchObject({ outputs: [{ ...queue, messages: ['{"n":0}', '{"n":1}'] }] })
    const none = await order('0')
    expect(none).toMatchObject({ status: 202 })
    expect(none).not.toHaveProperty('outputs')
    expect(await order('1001')).toMatchObject({ status: 500 })
    const many = await worker.call({ target: 'order', input: '1001' }).outcome
    expect(many).toMatchObject({ type: 'TooManyMessages', message: expect.stringContaining('at most 1000') })
  })

  test('HTTP streams: bodies are streams, and what is written arrives before the function ends', async () => {
    await using worker = await bind({
      'package.json': '{"main": "app.js"}',
      'app.js': `
        const { app, output } = require('@azure/functions')
        const { Readable } = require('node:stream')
        const { once, EventEmitter } = require('node:events')
        app.setup({ enableHttpStream: true })
        const orders = output.storageQueue({ queueName: 'orders', connection: 'C' })
        const gate = new EventEmitter()
        async function* pieces() { yield 'first,'; await once(gate, 'open'); yield 'last' }
        app.get('slow/{id}', { extraOutputs: [orders], handler: async (request, context) => {
          context.extraOutputs.set(orders, 'done')
          return { status: 201, headers: { 'x-id': request.params.id }, body: Readable.from(pieces()) }
        } })
        app.get('open', async () => { gate.emit('open'); return { body: 'opened' } })
        app.post('count', async (request) => {
          let bytes = 0
          for await (const chunk of request.body) bytes += chunk.length
          return { jsonBody: { bytes, url: request.url, type: request.headers.get('x-type') }, cookies: [{ name: 'c', value: '1' }] }
        })
        app.get('nothing', async () => {})
        app.get('throws', async () => { throw new Error('secret') })
        app.timer('tick', { schedule: '0 0 3 * * *', handler: async () => 'ticked' })`,
    })
    const slow = worker.fetch({ target: '/api/slow/9' })
    expect(await slow.head).toEqual({ status: 201, headers: [['x-id', '9']] })
    await slow.received(6)
    expect((await answered(worker, { target: '/api/open' })).body).toBe('opened')
    expect(await slow.outcome).toMatchObject({ streamed: true, outputs: [{ to: 'orders', messages: ['done'] }] })
    const url = 'https://h/fn/app/api/count?a=1'
    const body = 'x'.repeat(3_000_000)
    const headers: [string, string][] = [['x-type', 'seen']]
    const count = await answered(worker, { method: 'POST', target: '/api/count?a=1', url, headers, body })
    expect(JSON.parse(count.body)).toEqual({ bytes: body.length, url, type: 'seen' })
    expect(count.headers['set-cookie']).toBe('c=1')
    expect(await answered(worker, { target: '/api/nothing' })).toMatchObject({ status: 204, body: '' })
    expect(await answered(worker, { target: '/api/throws' })).toMatchObject({ status: 500, body: '' })
    expect(await worker.call({ target: 'tick' }).outcome).toMatchObject({ value: 'ticked' })
    const named = await worker.call({ target: 'count', input: 'four' }).outcome
    expect(named).toMatchObject({ value: { bytes: 4 } })
    expect(await worker.call({ target: 'throws' }).outcome).toMatchObject({ state: 'failed', message: 'secret' })
  })

  test('events of Event Grid come by its webhook, in its schema or as CloudEvents, after the handshake', async () => {
    await using worker = await bind({
      'package.json': '{"main": "app.js"}',
      'app.js': `
        const { app, output } = require('@azure/functions')
        const seen = output.storageQueue({ queueName: 'seen', connection: 'C' })
        app.eventGrid('photos', { return: seen, handler: async (event) => {
          if (event.subject === 'bad') throw new Error('bad event')
          return event
        } })
        app.timer('tick', { schedule: '0 0 3 * * *', handler: async () => {} })
        app.http('all', { route: '{*rest}', methods: ['GET', 'POST'], handler: async () => ({ body: 'caught' }) })`,
      'host.json': '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}',
    })
    await eventGridAnswers(worker)
  })

  test('modules of ECMAScript, hooks, and another prefix', async () => {
    const code = `import { app } from '@azure/functions'
      app.hook.preInvocation((context) => { context.inputs[0].headers.set('x-hook', 'seen') })
      app.get('hook', async (request) => ({ body: request.headers.get('x-hook') }))`
    const host = { 'host.json': '{"version":"2.0","extensions":{"http":{"routePrefix":""}}}' }
    await using worker = await bind({ 'index.mjs': code, 'package.json': '{"main":"index.mjs"}', ...host })
    expect((await answered(worker, { target: '/hook' })).body).toBe('seen')
  })
})

describe('an app of version 3', () => {
  const trigger = (more: object = {}) => ({ type: 'httpTrigger', direction: 'in', name: 'req', ...more })
  const v3 = {
    'package.json': '{}',
    'hello/function.json': JSON.stringify({
      bindings: [
        trigger({ authLevel: 'anonymous', route: 'hello/{id?}' }),
        { type: 'http', direction: 'out', name: 'res' },
      ],
    }),
    'hello/index.js': `module.exports = async function (context, req) {
      context.log('seen', req.method)
      context.res = { status: 202, headers: { 'x-a': '1' }, body: { id: context.bindingData.id ?? null, body: req.body ?? null, query: req.query } }
    }`,
    'done/function.json': JSON.stringify({
      scriptFile: '../dist/done.js',
      entryPoint: 'start',
      bindings: [trigger({ authLevel: 'anonymous' }), { type: 'http', direction: 'out', name: '$return' }],
    }),
    'dist/done.js': `exports.start = async () => ({ body: 'returned' }); exports.other = () => {}`,
    'tick/function.json': JSON.stringify({
      bindings: [{ type: 'timerTrigger', direction: 'in', name: 't', schedule: '0 0 3 * * *' }],
    }),
    'tick/index.js': `module.exports = function (context, t) { context.log('tick', t.isPastDue); context.done() }`,
    'off/function.json': '{"disabled": true, "bindings": []}',
  }

  test('folders are functions; the library is that of the platform', async () => {
    await using worker = await bind(v3, {}, [])
    const hello = await answered(worker, { method: 'POST', target: '/api/hello/9?a=1', headers: json, body: '{"n":1}' })
    expect([hello.status, hello.headers['x-a']]).toEqual([202, '1'])
    expect(JSON.parse(hello.body)).toEqual({ id: 9, body: { n: 1 }, query: { a: '1' } })
    expect(await answered(worker, { target: '/api/done' })).toMatchObject({ status: 200, body: 'returned' })
    const tick = worker.call({ target: 'tick' })
    expect(await tick.outcome).toMatchObject({ state: 'value', value: null })
    expect(tick.output.stdout).toBe('tick false\n')
  })
})

describe('a custom handler', () => {
  const program = `#!${process.execPath}
    const http = require('node:http')
    http.createServer((request, response) => {
      let text = ''
      request.on('data', (piece) => (text += piece)).on('end', () => {
        const id = request.headers['x-azure-functions-invocationid']
        if (request.url.startsWith('/api/')) return response.writeHead(202, { 'x-id': id }).end(request.method + ' ' + request.url + ' ' + text)
        const { Data, Metadata } = JSON.parse(text)
        if (request.url === '/fails') return response.writeHead(500).end('broken')
        const res = { statusCode: 201, headers: { 'X-A': '1' }, body: { seen: Data, name: Metadata.sys.MethodName } }
        response.end(JSON.stringify(Data.req ? { Outputs: { res, out: ['text', { n: 1 }] }, Logs: ['a line'] } : { ReturnValue: Data }))
      })
    }).listen(process.env.FUNCTIONS_CUSTOMHANDLER_PORT, '127.0.0.1')`
  const req = { type: 'httpTrigger', direction: 'in', name: 'req', authLevel: 'anonymous' }
  const res = { type: 'http', direction: 'out', name: 'res' }
  const out = { type: 'queue', direction: 'out', name: 'out', queueName: 'queue' }
  const app = (more: object) => ({
    'host.json': JSON.stringify({ customHandler: { description: { defaultExecutablePath: 'handler' }, ...more } }),
    handler: program,
    'hello/function.json': JSON.stringify({ bindings: [{ ...req, route: 'hello/{id}' }, res] }),
    'put/function.json': JSON.stringify({ bindings: [req, res, out] }),
    'fails/function.json': JSON.stringify({ bindings: [{ type: 'queueTrigger', direction: 'in', name: 'msg' }] }),
    'queue/function.json': JSON.stringify({ bindings: [{ type: 'queueTrigger', direction: 'in', name: 'msg' }] }),
  })

  test('is sent what happened, and answers with outputs', async () => {
    await using worker = await bind(app({}), {}, [])
    const call = worker.fetch({ method: 'POST', target: '/api/hello/9?a=1', headers: json, body: '{"n":1}' })
    const outcome = await call.outcome
    expect(outcome).toMatchObject({ state: 'answer', status: 201 })
    expect(outcome, 'the output is of no binding of this function').not.toHaveProperty('outputs')
    const put = await worker.fetch({ target: '/api/put' }).outcome
    expect(put).toMatchObject({ outputs: [{ name: 'out', type: 'queue', to: 'queue', messages: ['text', '{"n":1}'] }] })
    const { seen, name } = JSON.parse(outcome.state === 'answer' ? outcome.body.toString() : '')
    expect(name).toBe('hello')
    expect(seen.req).toMatchObject({ Method: 'POST', Query: { a: '1' }, Params: { id: '9' }, Body: '{"n":1}' })
    expect(call.output.stdout).toBe('a line\n')
    expect(await worker.call({ target: 'queue', input: { n: 1 } }).outcome).toMatchObject({ value: { msg: { n: 1 } } })
    const text = await worker.call({ target: 'queue', input: '{"n":1}' }).outcome
    expect(text, 'a message that is JSON is a value').toMatchObject({ value: { msg: { n: 1 } } })
    const failed = await worker.call({ target: 'fails', input: 'x' }).outcome
    expect(failed).toMatchObject({ state: 'failed', message: 'The custom handler answered 500: broken' })
  })

  test('gets the request itself where it wants that', async () => {
    await using worker = await bind(app({ enableForwardingHttpRequest: true }), {}, [])
    const answer = await answered(worker, { method: 'PUT', target: '/api/hello/9?a=1', body: 'text' })
    expect([answer.status, answer.headers['x-id'], answer.body]).toEqual([202, 'e-1', 'PUT /api/hello/9?a=1 text'])
  })

  test('that ends at once is refused', async () => {
    const files = { ...app({}), handler: `#!${process.execPath}\nprocess.exit(3)` }
    await expect(bind(files, {}, [])).rejects.toThrow(/"handler" ended with 3 before it listened/)
  })
})

describe('is refused in words of Azure Functions', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['an app whose main is not a file', { 'package.json': '{"main": "src/*.js"}' }, /No file is named by "main".*src/],
    [
      'an app in TypeScript that is not built',
      { 'package.json': '{"main": "dist/src/*.js"}', 'tsconfig.json': '{}' },
      /No file is named by "main".*build it first/,
    ],
    ['an app without functions', { 'package.json': '{"main": "a.js"}', 'a.js': '' }, /No functions were found/],
    ['an app without host.json', { 'host.json': 'x' }, /host.json is not valid JSON/],
    [
      'an input binding that reads a storage',
      {
        'a/function.json':
          '{"bindings":[{"type":"httpTrigger","direction":"in","name":"req"},{"type":"blob","direction":"in","name":"photo"}]}',
        'a/index.js': 'module.exports = () => {}',
      },
      /input binding "photo" \(blob\)/,
    ],
    [
      'a function without an entry',
      { 'a/function.json': '{"bindings":[]}', 'a/index.js': 'exports.x = () => {}; exports.y = () => {}' },
      /Unable to determine function entry point/,
    ],
  ])('%s', async (_name, files, message) => {
    await expect(bind(files)).rejects.toThrow(message)
  })
})
