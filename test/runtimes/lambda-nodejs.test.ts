/** What only Node.js functions of AWS Lambda do: callbacks, the empty event loop, streams. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { BindOptions, BoundWorker, Outcome } from '../support/conformance-harness.ts'
import { processHarness } from '../support/shim-process.ts'

const runtime = fileURLToPath(new URL('../../runtimes/nodejs', import.meta.url))
const packages = mkdtempSync(join(tmpdir(), 'taibai-lambda-'))
afterAll(() => rmSync(packages, { recursive: true, force: true }))

/** `code` is what the handler's module, `index.js`, says. */
async function bind(code: string, options: BindOptions = {}): Promise<BoundWorker> {
  const folder = mkdtempSync(join(packages, 'package-'))
  writeFileSync(join(folder, 'index.js'), code)
  return await processHarness(runtime, folder).bind({ entry: 'index.handler', signature: 'lambda', ...options })
}

async function run(code: string, options?: BindOptions): Promise<Outcome> {
  await using worker = await bind(code, options)
  return await worker.call({}).outcome
}

const value = (value: unknown) => ({ state: 'value', kind: 'json', value })
const failed = (type: string, message: string | RegExp) => ({
  state: 'failed',
  type,
  message: typeof message === 'string' ? message : expect.stringMatching(message),
})

describe('the answer of a handler', () => {
  const cases: [string, string, object][] = [
    ['a promise', 'exports.handler = async () => ({ a: 1 })', value({ a: 1 })],
    ['a thenable', 'exports.handler = () => ({ then: (done) => done(5) })', value(5)],
    ['undefined is null', 'exports.handler = async () => {}', value(null)],
    ['a callback', 'exports.handler = (e, c, callback) => setTimeout(() => callback(null, "x"), 5)', value('x')],
    ['an error of a callback', 'exports.handler = (e, c, cb) => cb(new RangeError("no"))', failed('RangeError', 'no')],
    ['a text as the error of a callback', 'exports.handler = (e, c, cb) => cb("no")', failed('string', 'no')],
    ['the first callback counts', 'exports.handler = (e, c, cb) => { cb(null, 1); cb(null, 2) }', value(1)],
    ['context.succeed', 'exports.handler = (e, { succeed }) => succeed({ ok: true })', value({ ok: true })],
    ['context.fail', 'exports.handler = (e, c) => c.fail(new TypeError("t"))', failed('TypeError', 't')],
    ['context.done with a value', 'exports.handler = (e, c) => c.done(null, [1])', value([1])],
    ['context.done with an error', 'exports.handler = (e, c) => c.done(new Error("d"))', failed('Error', 'd')],
    ['a plain return value is ignored', 'exports.handler = () => 5', value(null)],
    ['a throw', 'exports.handler = () => { throw new SyntaxError("s") }', failed('SyntaxError', 's')],
    [
      'a promise that never settles',
      'exports.handler = () => new Promise(() => {})',
      failed('Runtime.NodeJsExit', /never/),
    ],
    ['a nested export', 'exports.a = { b: { handler: async () => "n" } }', value('n')],
  ]
  test.each(cases)('%s', async (name, code, outcome) => {
    const entry = name === 'a nested export' ? 'index.a.b.handler' : 'index.handler'
    expect(await run(code, { entry })).toMatchObject(outcome)
  })

  test('a callback waits for the empty event loop', async () => {
    const code = 'exports.handler = (e, c, cb) => { setTimeout(() => console.log("late"), 50); cb(null, 1) }'
    await using worker = await bind(code)
    const call = worker.call({})
    expect(await call.outcome).toMatchObject(value(1))
    expect(call.output.stdout).toBe('late\n')
  })

  test('or not, where the function says so', async () => {
    const code = `exports.handler = (e, c, cb) => {
      c.callbackWaitsForEmptyEventLoop = false
      setInterval(() => {}, 1000)
      cb(null, 1)
    }`
    expect(await run(code)).toMatchObject(value(1))
  })

  test('with several calls at once a callback answers at once', async () => {
    const code = 'exports.handler = (e, c, cb) => { setInterval(() => {}, 1000); cb(null, 1) }'
    expect(await run(code, { concurrency: 4 })).toMatchObject(value(1))
  })

  test('call after call, the worker stays', async () => {
    await using worker = await bind('let n = 0; exports.handler = (e, c, cb) => cb(null, ++n)')
    for (const n of [1, 2, 3]) expect(await worker.call({}).outcome).toMatchObject(value(n))
  })
})

describe('a streaming handler', () => {
  const streaming = (body: string) =>
    `exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {${body}})`

  test('streams what it writes', async () => {
    const code = streaming(
      'stream.setContentType("text/plain"); stream.write("a"); stream.write({ b: 1 }); stream.end("c")',
    )
    const outcome = await run(code)
    expect(outcome).toMatchObject({ state: 'answer', status: 200, headers: [['content-type', 'text/plain']] })
    expect(String((outcome as { body: Buffer }).body)).toBe('a{"b":1}c')
  })

  test('its pieces come as they are written', async () => {
    const code = streaming('stream.write("a"); await new Promise((done) => setTimeout(done, 300)); stream.end("b")')
    await using worker = await bind(code)
    const call = worker.call({})
    await call.received(1)
    expect(call.receivedBytes).toBe(1)
    expect(await call.outcome).toMatchObject({ state: 'answer', streamed: true })
  })

  test('status, headers and cookies go before it', async () => {
    const code = streaming(`
      const out = awslambda.HttpResponseStream.from(stream, { statusCode: 418, headers: { 'X-A': 'b' }, cookies: ['c=1'] })
      out.end('tea')`)
    await using worker = await bind(code)
    expect(await worker.fetch({ target: '/' }).outcome).toMatchObject({
      status: 418,
      headers: [
        ['x-a', 'b'],
        ['content-type', 'application/json'],
        ['set-cookie', 'c=1'],
      ],
      body: Buffer.from('tea'),
    })
    const invoked = await worker.call({}).outcome
    expect(invoked).toMatchObject({
      headers: [['content-type', 'application/vnd.awslambda.http-integration-response']],
    })
    const [head, rest] = (invoked as { body: Buffer }).body.toString().split('\0'.repeat(8))
    expect([JSON.parse(head as string).statusCode, rest]).toEqual([418, 'tea'])
  })

  test('that returns before it ends its stream fails', async () => {
    expect(await run(streaming('stream.write("a")'))).toMatchObject({
      state: 'failed',
      message: expect.stringMatching(/ended/),
    })
  })

  test('that throws midway ends its stream with the failure', async () => {
    expect(
      await run(streaming('stream.write("a"); await new Promise(setImmediate); throw new TypeError("mid")')),
    ).toMatchObject(failed('TypeError', 'mid'))
  })

  test('a pipeline is awaited', async () => {
    const code = streaming(`
      const { pipeline } = require('node:stream/promises')
      const { Readable } = require('node:stream')
      await pipeline(Readable.from(['x'.repeat(500000), 'y']), stream)`)
    const outcome = await run(code)
    expect((outcome as { body: Buffer }).body).toHaveLength(500_001)
  })
})
