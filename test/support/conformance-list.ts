/**
 * The conformance list: what every runtime answers, asked of the programmable function in its `conformance/` folder
 * (see runtimes/README.md). The harness decides where the worker runs.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Signature } from '../../src/domain/functions/signature.ts'
import {
  BindFailure,
  type BindOptions,
  type BoundWorker,
  type CallOptions,
  type Harness,
  type Outcome,
  type Usage,
} from './conformance-harness.ts'
import { waitUntil } from './wait-until.ts'

const mebibyte = 1024 * 1024
const compilingMs = 600_000
const streamWindow = mebibyte

/** What of a runtime decides what can be asked of it. */
export interface Asked {
  signatures: readonly Signature[]
  isCompiled?: boolean
}

export function conformanceList(harness: Harness, { signatures, isCompiled = false }: Asked): void {
  // As a plain process the first of all workers compiles its function.
  if (isCompiled) beforeAll(async () => (await harness.bind()).kill(), compilingMs)
  const asked = (signature: Signature, title: string, list: (harness: Harness) => void) =>
    describe.runIf(signatures.includes(signature))(title, () => list(harness))
  overTheLink(harness, isCompiled)
  describe('values', () => values(harness))
  describe('failures', () => failures(harness))
  describe('loading', () => loading(harness, isCompiled))
  describe('surroundings', () => surroundings(harness))
  describe('calls', () => calls(harness))
  asked('http', 'http functions', http)
  asked('qinling', 'qinling functions', qinling)
  asked('lambda', 'lambda functions', lambda)
  asked('openwhisk', 'openwhisk actions', openwhisk)
  asked('cloudevent', 'cloudevent functions', cloudevent)
  asked('gcf', 'functions of the Functions Framework', functionsFramework)
  asked('fission', 'functions of Fission and Kubeless', fissionAndKubeless)
}

/**
 * The part of the list that the link between worker and server may change: how code comes and where it lies, long values in both
 * directions, prints, calls at the same time, streams with their credit, the end. All else is the same bytes in the same frames.
 */
export function linkList(harness: Harness, { signatures, isCompiled = false }: Asked): void {
  if (isCompiled) beforeAll(async () => (await harness.bind()).kill(), compilingMs)
  overTheLink(harness, isCompiled)
  describe.runIf(signatures.includes('http'))('http functions', () => http(harness))
}

function overTheLink(harness: Harness, isCompiled: boolean): void {
  describe('code', () => code(harness))
  describe('long values', () => longValues(harness))
  describe('output', () => output(harness, isCompiled))
  describe('output past the shim', () => outputPastTheShim(harness))
  describe('calls at the same time', () => callsAtOnce(harness, isCompiled))
  describe('the end of a worker', () => ends(harness))
}

function values(harness: Harness): void {
  const worker = bindOnce(harness)

  const echoed: [string, unknown][] = [
    ['null', null],
    ['true', true],
    ['false', false],
    ['zero', 0],
    ['an integer', -42],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER],
    ['a fraction', 0.1],
    ['a tiny number', 5e-324],
    ['a huge number', 1.7976931348623157e308],
    ['an empty array', []],
    ['an empty object', {}],
    ['a nested value', { a: [1, [2, [3, { b: [null, true, 'x'] }]]], 'key with "quotes"\n': { '': 0 } }],
    ['an array of texts', ['', 'plain', 'grüß', '汉字', '😀', '\u0000\u001f\u2028', '"\\/']],
    ['a deeply nested array', nested(500)],
    ['an object with a thousand keys', Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`k${n}`, n]))],
    ['an object with a key named __proto__', JSON.parse('{"__proto__": 1, "constructor": 2}')],
  ]
  test.each(echoed)('%s comes back as it went in', async (_name, value) => {
    expect(await worker().call({ do: 'echo', value }).outcome).toMatchObject({ state: 'value', kind: 'json', value })
  })

  test('minus zero comes back as a zero', async () => {
    const outcome = await worker().call('{"do": "echo", "value": -0}', { input: 'json' }).outcome
    expect(outcome).toMatchObject({ state: 'value', kind: 'json' })
    expect(Math.abs(valueIn(outcome) as number)).toBe(0)
  })

  test.each(['', 'plain', 'grüß 汉字 😀', '\u0000\r\n\t', '{"not": "parsed"}'])(
    'a returned string is answered as text, not as JSON: %j',
    async (value) => {
      expect(await worker().call({ do: 'text', value }).outcome).toMatchObject({ kind: 'text', value })
    },
  )

  test('a JSON string among the values is answered as text too', async () => {
    expect(await worker().call({ do: 'echo', value: 'x' }).outcome).toMatchObject({ kind: 'text', value: 'x' })
  })

  test('returned bytes are answered as they are', async () => {
    const expected = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
    expect(await worker().call({ do: 'bytes' }).outcome).toMatchObject({ kind: 'bytes', value: expected })
  })

  test('returning nothing is answered as JSON null', async () => {
    expect(await worker().call({ do: 'nothing' }).outcome).toMatchObject({ kind: 'json', value: null })
  })

  test('no input arrives as null', async () => {
    expect(await worker().call().outcome).toMatchObject({ kind: 'json', value: { none: true } })
  })

  test.each(['', 'grüß 汉字 😀', '{"looks": "like JSON"}'])('text input arrives as a string: %j', async (text) => {
    expect(await worker().call(text).outcome).toMatchObject({ kind: 'json', value: { text } })
  })

  test('a JSON string arrives as a string', async () => {
    expect(await worker().call('"grüß"', { input: 'json' }).outcome).toMatchObject({ value: { text: 'grüß' } })
  })

  test('input bytes arrive as bytes', async () => {
    const bytes = Buffer.from([0, 1, 2, 128, 255])
    expect(await worker().call(bytes).outcome).toMatchObject({ value: { bytes: 5, sum: 386 } })
  })

  test('a result as long as allowed passes, a longer one is ResultTooLarge, and the worker goes on', async () => {
    await using small = await harness.bind({ maxResultBytes: 1000 })
    const text = (times: number) => small.call({ do: 'text', value: 'x', times }).outcome
    expect(await text(1000)).toMatchObject({ state: 'value' })
    expect(await text(1001)).toMatchObject({ state: 'failed', type: 'ResultTooLarge' })
    const characters = await small.call({ do: 'text', value: '汉', times: 400 }).outcome
    expect(characters, 'the limit is in bytes').toMatchObject({ state: 'failed', type: 'ResultTooLarge' })
    const json = await small.call({ do: 'echo', value: ['x'.repeat(1000)] }).outcome
    expect(json).toMatchObject({ state: 'failed', type: 'ResultTooLarge' })
    expect(await text(1)).toMatchObject({ state: 'value', value: 'x' })
  })
}

function longValues(harness: Harness): void {
  const worker = bindOnce(harness)

  test('3 MB of bytes arrive whole', async () => {
    const bytes = Buffer.alloc(3_000_000, 7)
    expect(await worker().call(bytes).outcome).toMatchObject({ value: { bytes: 3_000_000, sum: 21_000_000 } })
  })

  test('6 MB of text come back', async () => {
    const value = 'x'.repeat(1000)
    const outcome = await worker().call({ do: 'text', value, times: 6000 }).outcome
    expect(outcome).toMatchObject({ state: 'value', kind: 'text' })
    expect(valueIn(outcome)).toBe(value.repeat(6000))
  })

  test('6 MB of JSON go in and come back', async () => {
    const value = Array.from({ length: 6000 }, (_, n) => `${n} ${'ü'.repeat(495)}`)
    const outcome = await worker().call({ do: 'echo', value }).outcome
    expect(outcome).toMatchObject({ state: 'value', kind: 'json' })
    expect(valueIn(outcome)).toEqual(value)
  })
}

function failures(harness: Harness): void {
  const worker = bindOnce(harness)

  test('a thrown error is reported by its class, its message and a stack that names the file', async () => {
    const outcome = await worker().call({ do: 'throw', message: 'grüß "quoted"' }).outcome
    expect(outcome).toMatchObject({ state: 'failed', message: 'grüß "quoted"' })
    expect(failureOf(outcome).type).toMatch(/^(TypeError|ValueError)$/)
    expect(failureOf(outcome).stack).toMatch(/\bmain\.\w+/)
  })

  test('the stack shows none of the frames of the shim', async () => {
    const outcome = await worker().call({ do: 'throw', message: 'x' }).outcome
    expect(failureOf(outcome).stack).not.toMatch(/\bshim[./]\w+/)
  })

  test('an error thrown by an async handler is reported alike', async () => {
    await using bound = await harness.bind({ entry: 'async_main.main' })
    const outcome = await bound.call({ do: 'throw', message: 'later' }).outcome
    expect(outcome).toMatchObject({ state: 'failed', message: 'later' })
    expect(failureOf(outcome).stack).toMatch(/async_main/)
    expect(failureOf(outcome).stack).not.toMatch(/\bshim[./]\w+/)
  })

  test('what JSON cannot say is ResultNotSerializable', async () => {
    const outcome = await worker().call({ do: 'unserialisable' }).outcome
    expect(outcome).toMatchObject({ state: 'failed', type: 'ResultNotSerializable' })
    expect(failureOf(outcome).message).not.toBe('')
  })

  test('a failure tells the time and the memory it took', async () => {
    const outcome = await worker().call({ do: 'throw', message: 'x' }).outcome
    expectUsage(outcome)
  })

  test('the worker answers after failures as before', async () => {
    await worker().call({ do: 'throw', message: 'x' }).outcome
    expect(await worker().call({ do: 'echo', value: 1 }).outcome).toMatchObject({ state: 'value', value: 1 })
  })
}

function loading(harness: Harness, isCompiled: boolean): void {
  test.skipIf(isCompiled)('a syntax error is a SyntaxError that names the file', async () => {
    const failure = await bindFailure(harness, { entry: 'syntax_error.main' })
    expect(failure.type).toBe('SyntaxError')
    expect(`${failure.message}\n${failure.trace}`).toMatch(/syntax_error\.\w+/)
  })

  test('a missing module is EntryNotFound and says what was looked for and what is there', async () => {
    const failure = await bindFailure(harness, { entry: 'nowhere.main' })
    expect(failure.type).toBe('EntryNotFound')
    expect(failure.message).toContain('nowhere')
    expect(failure.message).toContain('async_main')
  })

  test('a missing callable is EntryNotFound and says what was looked for and what is there', async () => {
    const failure = await bindFailure(harness, { entry: 'missing_entry.main' })
    expect(failure.type).toBe('EntryNotFound')
    expect(failure.message).toMatch(/main/i)
    expect(failure.message).toMatch(/other/i)
  })

  test.each(['main', '', '.main', 'main.', '../main.main', '/etc/passwd.main'])(
    'an entry that names no callable of the package is EntryNotFound: %j',
    async (entry) => {
      expect(await bindFailure(harness, { entry })).toMatchObject({ type: 'EntryNotFound' })
    },
  )

  test('a signature that the runtime does not know is UnknownSignature and says which it knows', async () => {
    const failure = await bindFailure(harness, { signature: 'telepathy' as 'event' })
    expect(failure).toMatchObject({ type: 'UnknownSignature' })
    expect(failure.message).toMatch(/"telepathy".*\bevent\b.*\bhttp\b/)
  })
}

function code(harness: Harness): void {
  const worker = bindOnce(harness, { env: { GREETING: 'grüß "x"\n', EMPTY: '' } })

  test('loading takes a measured time', () => {
    expect(worker().loadMs).toBeGreaterThan(0)
    expect(worker().loadMs).toBeLessThan(10_000)
  })

  test('environment variables are set before the code is loaded', async () => {
    const env = async (name: string) => valueIn(await worker().call({ do: 'env', name }).outcome)
    expect(await env('GREETING')).toBe('grüß "x"\n')
    expect(await env('EMPTY')).toBe('')
    expect(await env('NOT_SET_AT_ALL')).toBe(null)
    for (const own of ['TAIBAI_SOCKET', 'TAIBAI_SERVER', 'TAIBAI_KEY'])
      expect(await env(own), 'the shim keeps its own settings to itself').toBe(null)
  })

  test('the working directory is the folder of the code', async () => {
    expect(valueIn(await worker().call({ do: 'list', path: '.' }).outcome)).toContainEqual(
      expect.stringMatching(/^async_main(\.|$)/),
    )
  })

  test('an error thrown while loading is reported with its stack', async () => {
    const failure = await bindFailure(harness, { entry: 'throws_at_load.main' })
    expect(failure.message).toBe('boom at load')
    expect(failure.trace).toMatch(/throws_at_load/)
    expect(failure.trace).not.toMatch(/\bshim[./]\w+/)
  })

  test('what is printed while loading arrives outside every call', async () => {
    await using worker = await harness.bind({ entry: 'prints_at_load.main' })
    expect(worker.output.stdout).toContain('loading\n')
    const call = worker.call()
    expect(await call.outcome).toMatchObject({ kind: 'text', value: 'loaded' })
    expect(call.output).toEqual({ stdout: '', stderr: '' })
  })
}

function surroundings(harness: Harness): void {
  const worker = bindOnce(harness)
  const there = bindOnce(harness, { env: { TZ: 'Asia/Kathmandu', PATH: '/nowhere:/usr/bin:/bin' } })
  const printedBy = async (script: string, of: BoundWorker = worker()) =>
    (valueIn(await of.call({ do: 'run', argv: ['sh', '-c', script] }).outcome) as { stdout: string }).stdout

  test('a home and a folder for temporary files are there and can be written to', async () => {
    expect(await printedBy('touch "$HOME/a" && touch "$TMPDIR/b" && cd && rm a "$TMPDIR/b" && echo done')).toBe(
      'done\n',
    )
  })

  test('texts are UTF-8, also those of programs', async () => {
    expect(await printedBy('printenv LC_ALL LANG')).toMatch(/\.utf-?8$/im)
  })

  test('the time is UTC unless the function says otherwise', async () => {
    expect(valueIn(await worker().call({ do: 'local_time', seconds: 0 }).outcome)).toBe('00:00')
    expect(valueIn(await there().call({ do: 'local_time', seconds: 1_700_000_000 }).outcome)).toBe('03:58')
    expect(await printedBy('date -d @1700000000 +%H:%M', there()), 'programs know the zone too').toBe('03:58\n')
  })

  test('programs are found where functions expect them, and where the function says', async () => {
    expect(await printedBy('command -v env', there())).toMatch(/bin\/env$/m)
    expect(await printedBy('command -v env')).toMatch(/bin\/env$/m)
  })
}

function output(harness: Harness, isCompiled: boolean): void {
  const worker = bindOnce(harness)

  test('prints to standard output and standard error arrive apart', async () => {
    const call = worker().call({ do: 'print', stdout: 'grüß 😀', stderr: 'warned' })
    expect(await call.outcome).toMatchObject({ kind: 'json', value: null })
    expect(call.output).toEqual({ stdout: 'grüß 😀\n', stderr: 'warned\n' })
  })

  test('prints of a call that fails arrive before the failure', async () => {
    const call = worker().call({ do: 'print', stdout: 'x'.repeat(100_000) })
    await call.outcome
    expect(call.output.stdout).toHaveLength(100_001)
  })

  test('10 MB printed arrive whole', async () => {
    const call = worker().call({ do: 'flood', bytes: 10_000_000 })
    expect(await call.outcome).toMatchObject({ kind: 'json', value: null })
    expect(Buffer.byteLength(call.output.stdout)).toBe(10_000_000)
    expect(call.output.stdout.split('\n')).toHaveLength(100_001)
  })

  // A compiled function prints to its file descriptors, which do not show which call printed.
  test.skipIf(isCompiled)('calls at the same time keep their prints apart', async () => {
    await using many = await harness.bind({ concurrency: 8 })
    const tags = Array.from({ length: 8 }, (_, n) => `tag-${n}`)
    const running = tags.map((tag) => ({ tag, call: many.call({ do: 'chatter', tag, lines: 20 }) }))
    for (const { tag, call } of running) {
      expect(await call.outcome).toMatchObject({ value: tag })
      expect(call.output.stdout).toBe(Array.from({ length: 20 }, (_, n) => `${tag} ${n}\n`).join(''))
    }
    expect(many.output.stdout, 'nothing went astray').toBe('')
  })

  test('a line is on its way before the function hangs', async () => {
    await using bound = await harness.bind()
    const warm = bound.call({ do: 'print', stdout: 'first' })
    await warm.outcome
    const call = bound.call({ do: 'block', ms: 10_000, stdout: 'about to hang' })
    await expect(within(5000, call.printed('about to hang'))).resolves.toBeUndefined()
  })
}

function outputPastTheShim(harness: Harness): void {
  const worker = bindOnce(harness)

  const ways = harness.descriptorsAreSockets ? ['descriptor', 'child'] : ['descriptor', 'file', 'child']

  test.each(ways)('what is written by %s is in the log of the call', async (by) => {
    for (const stdout of ['grüß', 'again']) {
      const call = worker().call({ do: 'raw', by, stdout, before: 'before' })
      expect(await call.outcome).toMatchObject({ kind: 'json', value: null })
      expect(call.output.stdout.split('\n').sort()).toEqual(['', 'before', stdout].sort())
    }
  })

  test('what was printed before a child process starts comes before what that prints', async () => {
    const call = worker().call({ do: 'raw', by: 'child', stdout: 'child', before: 'before' })
    await call.outcome
    expect(call.output).toEqual({ stdout: 'before\nchild\n', stderr: '' })
  })

  test('10 MB of a child process arrive whole, though the function waits for it', async () => {
    const call = worker().call({ do: 'raw', by: 'flood', stdout: 10_000_000 })
    expect(await call.outcome).toMatchObject({ kind: 'json', value: null })
    expect(call.output.stdout).toHaveLength(10_000_000)
  })

  test('what comes when no call is under way belongs to the worker', async () => {
    await using bound = await harness.bind()
    const call = bound.call({ do: 'raw', by: 'late', stdout: 'late', ms: 300 })
    await call.outcome
    expect(call.output.stdout).toBe('')
    await waitUntil('it is there', async () => bound.output.stdout === 'late\n', 5000)
  })

  test('the last words of a worker that dies are in the log of its call', async () => {
    await using bound = await harness.bind()
    const call = bound.call({ do: 'last_words', stderr: 'farewell\n' })
    expect(await call.outcome).toEqual({ state: 'lost' })
    expect(call.output.stderr).toBe('farewell\n')
  })
}

function calls(harness: Harness): void {
  const worker = bindOnce(harness)

  test('state is kept between the calls of a worker and not shared between workers', async () => {
    await using other = await harness.bind()
    const count = async (of: BoundWorker) => valueIn(await of.call({ do: 'count' }).outcome)
    expect([await count(worker()), await count(worker()), await count(worker())]).toEqual([1, 2, 3])
    expect(await count(other)).toBe(1)
  })

  test('the context tells what is run for whom and how long it may take', async () => {
    const deadlineMs = Date.now() + 30_000
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const options = { executionId: 'e-77', deadlineMs, trigger: 'job', traceparent }
    const context = valueIn(await worker().call({ do: 'context' }, options).outcome) as Record<string, unknown>
    expect(context).toMatchObject({
      execution_id: 'e-77',
      function_id: 'f-1',
      function_name: 'conformance',
      project_id: 'p-1',
      deadline_ms: deadlineMs,
      trigger: 'job',
      traceparent,
    })
    expect(String(context.function_version)).toBe('3')
    expect(context.language_version).toMatch(/^\d+\.\d+\.\d+$/)
    expect(context.remaining_ms).toBeGreaterThan(20_000)
    expect(context.remaining_ms).toBeLessThanOrEqual(30_001)
    const untraced = valueIn(await worker().call({ do: 'context' }).outcome) as Record<string, unknown>
    expect(untraced.traceparent).toBeNull()
  })

  test('a function that may call the API finds its address and the token of the call, which no print shows', async () => {
    const api = { url: 'http://host.docker.internal:7070', token: 'tb_fn_secret' }
    await using calling = await harness.bind({ api })
    const call = calling.call({ do: 'api' }, { executionId: 'e-78' })
    const token = 'tb_fn_secret.e-78'
    expect(valueIn(await call.outcome)).toEqual({ url: api.url, token, env: api.url })
    expect(call.output.stdout).not.toBe('')
    expect(call.output.stdout).not.toContain('secret')
    expect(valueIn(await worker().call({ do: 'api' }).outcome)).toBeNull()
  })

  test.each<[string, string | null | undefined, string | null]>([
    ['that are the input', undefined, '{"do":"request"}'],
    ['that came otherwise', Buffer.from([0, 255]).toString('base64'), '\u0000\u00ff'],
    ['of an empty body', '', ''],
    ['that are too many to be told', null, null],
  ])('the context has the request of a webhook, with the bytes %s', async (_name, body, bytes) => {
    const url = 'https://faas.example/v1/webhooks/w-1/invoke?a=%2F&a'
    const headers: [string, string][] = [
      ['x-signature', 's'],
      ['constructor', 'c'],
      ['cookie', 'a=1'],
      ['x-signature', 't'],
      ['cookie', 'b=2'],
    ]
    const http = { method: 'POST', target: '/?a=%2F&a', prefix: '/v1/webhooks/w-1/invoke', url, headers, body }
    expect(valueIn(await worker().call({ do: 'request' }, { http, trigger: 'webhook' }).outcome)).toEqual({
      method: 'POST',
      url,
      query: 'a=%2F&a',
      headers: { 'x-signature': 's, t', constructor: 'c', cookie: 'a=1; b=2' },
      body: bytes === null ? null : Buffer.from(bytes, 'latin1').toString('base64'),
    })
  })

  test('the data of a CloudEvent is the event, and the rest is in the context', async () => {
    const seen = valueIn(
      await worker().call({ do: 'cloudevent' }, { http: { method: 'POST', target: '/', headers: event } }).outcome,
    )
    expect(seen).toMatchObject({ id: 'e-1', tenant: 'grüß', data: { do: 'cloudevent' } })
    expect(
      valueIn(
        await worker().call({ do: 'cloudevent' }, { http: { method: 'POST', target: '/', headers: [] } }).outcome,
      ),
    ).toBeNull()
  })

  test('the context has no request when something else calls', async () => {
    expect(valueIn(await worker().call({ do: 'request' }).outcome)).toBe(null)
  })

  test('the answer tells how long the call ran and what it used', async () => {
    const slept = await worker().call({ do: 'sleep', ms: 100 }).outcome
    expect(usageOf(slept).runMs).toBeGreaterThan(90)
    expect(usageOf(slept).runMs).toBeLessThan(10_000)
    const echoed = await worker().call({ do: 'echo', value: 1 }).outcome
    expectUsage(echoed)
    expect(usageOf(echoed).runMs).toBeLessThan(10_000)
  })

  test('the time without a processor is told now and then', async () => {
    const told: unknown[] = []
    for (let call = 0; call < 6; call++) {
      told.push(usageOf(await worker().call({ do: 'echo', value: 1 }).outcome).stalledMs)
      await sleep(60)
    }
    const numbers = told.filter((ms) => ms !== undefined)
    expect(numbers.length).toBeGreaterThan(1)
    for (const ms of numbers) expect(ms).toBeGreaterThanOrEqual(0)
  })

  test('the memory peak covers what a call allocated', async () => {
    const before = usageOf(await worker().call({ do: 'echo', value: 1 }).outcome).memoryPeakBytes
    // More than that: a process begins with the peak of the one that started it, here the tests' own.
    const mb = Math.max(128, Math.ceil(before / mebibyte) + 64)
    const after = usageOf(await worker().call({ do: 'memory', mb }).outcome).memoryPeakBytes
    expect(after - before).toBeGreaterThan(48 * mebibyte)
  })
}

function callsAtOnce(harness: Harness, isCompiled: boolean): void {
  const two = bindOnce(harness, { concurrency: 2 })
  const many = bindOnce(harness, { concurrency: 1000 })
  const asynchronous = bindOnce(harness, { entry: 'async_main.main', concurrency: 50 })

  test('an async handler answers when it is done', async () => {
    expect(await asynchronous().call({ do: 'echo', value: [1] }).outcome).toMatchObject({ value: [1] })
    expect(await asynchronous().call({ do: 'sleep', ms: 20 }).outcome).toMatchObject({ kind: 'text', value: 'slept' })
  })

  test.each([
    ['main.main', many],
    ['async_main.main', asynchronous],
  ])('calls of a worker overlap: %s', async (_entry, worker) => {
    const started = performance.now()
    const outcomes = Array.from({ length: 50 }, () => worker().call({ do: 'sleep', ms: 200 }).outcome)
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ value: 'slept' })
    expect(performance.now() - started, 'one after the other they take 10 s').toBeLessThan(9500)
  })

  test('a quick call overtakes a slow one', async () => {
    const slow = two().call({ do: 'aborted', ms: 60_000 })
    expect(await two().call({ do: 'echo', value: 'quick' }).outcome).toMatchObject({ value: 'quick' })
    slow.cancel()
    expect(await slow.outcome, 'it still waited').toMatchObject({ value: true })
  })

  test('a thousand calls at once are all answered, each with its own value', async () => {
    const outcomes = Array.from({ length: 1000 }, (_, n) => many().call({ do: 'echo', value: n }).outcome)
    const values = (await Promise.all(outcomes)).map(valueIn)
    expect(values).toEqual(Array.from({ length: 1000 }, (_, n) => n))
  })

  test.skipIf(isCompiled)('a cancelled call sees its abort signal fire and still ends', async () => {
    const call = two().call({ do: 'aborted', ms: 10_000 })
    const bystander = two().call({ do: 'aborted', ms: 400 })
    await Promise.all([call.printed('begun'), bystander.printed('begun')])
    call.cancel()
    expect(await within(5000, call.outcome)).toMatchObject({ value: true })
    expect(call.output.stdout).toContain('aborted')
    expect(await bystander.outcome, 'the signal is of one call only').toMatchObject({ value: false })
  })

  test('a call that was cancelled before it looked finds its signal fired', async () => {
    const call = two().call({ do: 'aborted', ms: 20_000 })
    call.cancel()
    expect(await within(5000, call.outcome)).toMatchObject({ value: true })
  })
}

function ends(harness: Harness): void {
  test.each([0, 3])('a function that exits with %i takes its worker along, unanswered', async (code) => {
    await using worker = await harness.bind()
    const call = worker.call({ do: 'exit', code })
    expect(await call.outcome).toEqual({ state: 'lost' })
    expect(await worker.exited).toBe(code)
  })

  test('an endless loop ends with the worker, when that is killed', async () => {
    await using worker = await harness.bind()
    const call = worker.call({ do: 'loop' })
    expect(await within(300, call.outcome)).toBe('too late')
    await worker.kill()
    expect(await call.outcome).toEqual({ state: 'lost' })
  })
}

function http(harness: Harness): void {
  const worker = bindOnce(harness, { entry: 'web.main', signature: 'http', concurrency: 4 })
  /** Over the same connection, behind whatever the worker had to send before. */
  const answeredTwice = async () => {
    for (const _ of [1, 2]) expect(await worker().fetch({ target: '/hello' }).outcome).toMatchObject({ status: 200 })
  }

  test('a small answer comes in one piece, with its status and headers', async () => {
    const outcome = await worker().fetch({ target: '/hello' }).outcome
    expect(outcome).toMatchObject({ state: 'answer', status: 200, streamed: false })
    const answer = answerOf(outcome)
    expect(answer.body.toString()).toBe('hello')
    expect(header(answer, 'x-conformance')).toBe('yes')
    expect(header(answer, 'content-type')).toMatch(/^text\/plain/)
    expectUsage(outcome)
  })

  test.each([0, 1, 1000, 3_000_000])(
    'a request body of %i bytes arrives, and goes back with its type',
    async (size) => {
      const body = Buffer.alloc(size, 'abc')
      const headers: [string, string][] = [['content-type', 'application/x-test']]
      const answer = answerOf(await worker().fetch({ method: 'POST', target: '/echo', headers, body }).outcome)
      expect(answer.status).toBe(200)
      expect(answer.body.equals(body)).toBe(true)
      expect(header(answer, 'content-type')).toBe('application/x-test')
    },
  )

  test.each([200, 201, 404, 418, 500])('a status of %i passes', async (code) => {
    expect(await worker().fetch({ target: `/status?code=${code}` }).outcome).toMatchObject({ status: code })
  })

  test('a streamed answer begins before it is complete and comes in pieces', async () => {
    const call = worker().fetch({ target: '/stream?chunks=5&bytes=1000&ms=500' })
    expect(await call.head).toMatchObject({ status: 200 })
    await call.received(1000)
    expect(call.receivedBytes).toBeLessThan(5000)
    const answer = answerOf(await call.outcome)
    expect(answer.streamed).toBe(true)
    expect(answer.body).toHaveLength(5000)
  })

  test('a streamed answer waits for credit after 1 MiB, and other calls go on meanwhile', async () => {
    const call = worker().fetch({ target: '/stream?chunks=64&bytes=65536&ms=0' }, { credit: 'manual' })
    await call.received(streamWindow)
    await answeredTwice()
    expect(call.receivedBytes).toBe(streamWindow)
    call.grant(mebibyte)
    await call.received(2 * streamWindow)
    await answeredTwice()
    expect(call.receivedBytes).toBe(2 * streamWindow)
    call.grant(4 * mebibyte)
    expect(answerOf(await call.outcome).body).toHaveLength(4 * mebibyte)
  })

  test('a piece larger than the window is sent as credit allows', async () => {
    const call = worker().fetch({ target: '/stream?chunks=1&bytes=3000000&ms=0' }, { credit: 'manual' })
    await call.received(streamWindow)
    await answeredTwice()
    expect(call.receivedBytes).toBe(streamWindow)
    call.grant(2_000_000)
    expect(answerOf(await call.outcome).body).toHaveLength(3_000_000)
  })

  test('a streamed answer that nobody reads any more ends soon', async () => {
    const call = worker().fetch({ target: '/stream?chunks=100000&bytes=1000&ms=5' })
    await call.received(3000)
    call.cancel()
    const outcome = await within(5000, call.outcome)
    expect(['answer', 'failed']).toContain((outcome as Outcome).state)
    expect(await worker().fetch({ target: '/hello' }).outcome).toMatchObject({ status: 200 })
  })

  test('a streamed answer that waits for credit ends when it is cancelled', async () => {
    const call = worker().fetch({ target: '/stream?chunks=64&bytes=65536&ms=0' }, { credit: 'manual' })
    await call.received(streamWindow)
    call.cancel()
    expect(await within(5000, call.outcome)).not.toBe('too late')
  })

  test('a function that throws is a failure, not an answer', async () => {
    expect(await worker().fetch({ target: '/throw' }).outcome).toMatchObject({ state: 'failed' })
  })

  test('prints of an http function belong to its call', async () => {
    const call = worker().fetch({ target: '/print' })
    expect(await call.outcome).toMatchObject({ state: 'answer', status: 204 })
    expect(call.output.stdout).toBe('web log\n')
  })
}

function qinling(harness: Harness): void {
  const worker = bindOnce(harness, { entry: 'qinling.main', signature: 'qinling' })

  test('an object arrives as Qinling passes it', async () => {
    const seen = valueIn(await worker().call({ name: 'grüß', n: 1 }).outcome) as Record<string, unknown>
    if ('kwargs' in seen)
      expect(seen).toEqual({ args: [], kwargs: { name: 'grüß', n: 1, context: { os_session: null } } })
    else expect(seen).toEqual({ context: {}, input: { name: 'grüß', n: 1 } })
  })

  test('text arrives as Qinling passes it', async () => {
    const seen = valueIn(await worker().call('some text').outcome) as Record<string, unknown>
    if ('kwargs' in seen) expect(seen).toEqual({ args: ['some text'], kwargs: { context: { os_session: null } } })
    else expect(seen).toEqual({ context: {}, input: { __function_input: 'some text' } })
  })

  test('no input leaves only the context', async () => {
    const seen = valueIn(await worker().call().outcome) as Record<string, unknown>
    if ('kwargs' in seen) expect(seen).toEqual({ args: [], kwargs: { context: { os_session: null } } })
    else expect(seen).toEqual({ context: {} })
  })
}

function lambdaGateway(harness: Harness, options: BindOptions): void {
  const routes = 'GET /items/{id}; GET /items/all; ANY /files/{path+}'
  const rest = bindOnce(harness, { ...options, env: { LAMBDA_HTTP_EVENTS: `1.0; ${routes}` } })
  const http = bindOnce(harness, { ...options, env: { LAMBDA_HTTP_EVENTS: `2.0; ${routes}` } })
  const eventAt = async (worker: ReturnType<typeof rest>, request: object) =>
    JSON.parse(answerOf(await worker.fetch(request as never, { executionId: uuid }).outcome).body.toString())

  test('a request is the event of a REST API where the function says so', async () => {
    const headers: [string, string][] = [
      ['host', 'shop.example'],
      ['x-a', '1'],
      ['x-a', '2'],
      ['content-type', 'application/json'],
    ]
    const target = '/files/a/b%20c?a=1&a=2&b='
    expect(await eventAt(rest(), { method: 'POST', target, headers, body: '{"n":1}' })).toEqual({
      resource: '/files/{path+}',
      path: '/files/a/b%20c',
      httpMethod: 'POST',
      headers: { Host: 'shop.example', 'X-A': '2', 'Content-Type': 'application/json' },
      multiValueHeaders: { Host: ['shop.example'], 'X-A': ['1', '2'], 'Content-Type': ['application/json'] },
      queryStringParameters: { a: '2', b: '' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: [''] },
      pathParameters: { path: 'a/b c' },
      stageVariables: null,
      requestContext: {
        accountId: 'anonymous',
        apiId: 'conformance',
        domainName: 'shop.example',
        domainPrefix: 'shop',
        httpMethod: 'POST',
        identity: { sourceIp: '127.0.0.1', userAgent: '' },
        path: '/files/a/b%20c',
        protocol: 'HTTP/1.1',
        requestId: uuid,
        requestTime: expect.stringMatching(/^\d\d\/[A-Z]/),
        requestTimeEpoch: expect.any(Number),
        resourcePath: '/files/{path+}',
        stage: '$default',
      },
      body: '{"n":1}',
      isBase64Encoded: false,
    })
  })

  test('what is not in a request of a REST API is null', async () => {
    expect(await eventAt(rest(), { target: '/other' })).toMatchObject({
      ...{ resource: '/other', pathParameters: null, body: null, isBase64Encoded: false },
      ...{ queryStringParameters: null, multiValueQueryStringParameters: null },
    })
  })

  test.each([
    ['/items/7', 'GET /items/{id}', { id: '7' }],
    ['/items/all', 'GET /items/all', undefined],
    ['/elsewhere', '$default', undefined],
  ])('a request of an HTTP API to %s has the route %s', async (target, routeKey, pathParameters) => {
    const event = await eventAt(http(), { target })
    expect([event.version, event.routeKey, event.requestContext.routeKey]).toEqual(['2.0', routeKey, routeKey])
    expect(event.pathParameters).toEqual(pathParameters)
  })

  test('headers with several values are sent one by one', async () => {
    const answer = answerOf(await http().fetch({ target: '/many' }).outcome)
    expect(answer.headers.filter(([name]) => name === 'x-many').map(([, value]) => value)).toEqual(['a', 'b'])
  })
}

function lambda(harness: Harness): void {
  const options: BindOptions = { entry: 'lambda_main.main', signature: 'lambda' }
  const worker = bindOnce(harness, { ...options, env: { AWS_REGION: 'eu-central-1' } })

  test.each([{ a: [1, 'grüß'] }, 'text', 7, [null], ''])('%j comes back as JSON', async (value) => {
    const outcome = await worker().call(JSON.stringify(value), { input: 'json' }).outcome
    expect(outcome).toMatchObject({ state: 'value', kind: 'json', value })
  })

  test('no input is an empty object', async () => {
    expect(valueIn(await worker().call().outcome)).toEqual({})
  })

  test('the context has the names of AWS Lambda', async () => {
    const executionId = '0192f5a0-0000-7000-8000-00000000abcd'
    const seen = valueIn(await worker().call({ do: 'context' }, { executionId }).outcome)
    expect(seen).toMatchObject({
      id: executionId,
      name: 'conformance',
      version: '3',
      arn: 'arn:aws:lambda:eu-central-1:000000000000:function:conformance:3',
      memory: '256',
      group: '/aws/lambda/conformance',
      hasStream: true,
      custom: null,
    })
    expect((seen as { remaining: number }).remaining).toBeGreaterThan(0)
  })

  test('what the client says of itself and how it named the function is in the context', async () => {
    const client = { arn: 'arn:aws:lambda:x:1:function:f:live', context: { custom: { tag: 'blue' } } }
    const seen = valueIn(await worker().call({ do: 'context' }, { client }).outcome)
    expect(seen).toMatchObject({ arn: client.arn, custom: 'blue' })
  })

  test.each([
    ['_HANDLER', /^lambda_main\.main$/],
    ['LAMBDA_TASK_ROOT', /^\//],
    ['AWS_LAMBDA_FUNCTION_NAME', /^conformance$/],
    ['AWS_LAMBDA_FUNCTION_VERSION', /^3$/],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', /^256$/],
    ['AWS_LAMBDA_LOG_GROUP_NAME', /^\/aws\/lambda\/conformance$/],
    ['AWS_LAMBDA_INITIALIZATION_TYPE', /^on-demand$/],
    ['AWS_EXECUTION_ENV', /^AWS_Lambda_(nodejs|python)\d/],
    ['AWS_REGION', /^eu-central-1$/],
    ['AWS_DEFAULT_REGION', /^eu-central-1$/],
    ['_X_AMZN_TRACE_ID', /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/],
    ['TZ', /^:UTC$/],
  ])('%s is set', async (name, pattern) => {
    expect(valueIn(await worker().call({ do: 'env', name }, { executionId: uuid }).outcome)).toMatch(pattern)
  })

  test.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_LAMBDA_RUNTIME_API'])(
    '%s is not set',
    async (name) => {
      expect(valueIn(await worker().call({ do: 'env', name }).outcome)).toBeNull()
    },
  )

  test('what is thrown fails the call', async () => {
    const { type, message } = failureOf(await worker().call({ do: 'throw', message: 'grüß' }).outcome)
    expect(type).toMatch(/^(TypeError|ValueError)$/)
    expect(message).toBe('grüß')
  })

  test('a request is the event of a function URL', async () => {
    const headers: [string, string][] = [
      ['host', 'shop.example:8080'],
      ['x-a', '1'],
      ['x-a', '2'],
      ['cookie', 'c=1; d=2'],
      ['content-type', 'application/json'],
      ['user-agent', 'test'],
    ]
    const request = { method: 'PUT', target: '/event?a=1&b=&a=%20x', headers, body: '{"n":1}' }
    const answer = answerOf(await worker().fetch(request, { executionId: uuid }).outcome)
    expect([answer.status, header(answer, 'content-type')]).toEqual([200, 'application/json'])
    const event = JSON.parse(answer.body.toString())
    expect(event).toEqual({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/event',
      rawQueryString: 'a=1&b=&a=%20x',
      cookies: ['c=1', 'd=2'],
      headers: {
        host: 'shop.example:8080',
        'x-a': '1,2',
        'content-type': 'application/json',
        'user-agent': 'test',
      },
      queryStringParameters: { a: '1, x', b: '' },
      requestContext: {
        accountId: 'anonymous',
        apiId: 'conformance',
        domainName: 'shop.example:8080',
        domainPrefix: 'shop',
        http: { method: 'PUT', path: '/event', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
        requestId: uuid,
        routeKey: '$default',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      isBase64Encoded: false,
      body: '{"n":1}',
    })
  })

  lambdaGateway(harness, options)

  test('a request without query, cookies and body has none of them', async () => {
    const event = JSON.parse(answerOf(await worker().fetch({ target: '/event' }).outcome).body.toString())
    expect(event).toMatchObject({ rawPath: '/event', rawQueryString: '', isBase64Encoded: false })
    for (const key of ['cookies', 'queryStringParameters', 'body']) expect(event).not.toHaveProperty(key)
  })

  test('a body that is not text is base64', async () => {
    const headers: [string, string][] = [['content-type', 'image/png']]
    const body = Buffer.from([0, 255, 137])
    const answer = answerOf(await worker().fetch({ method: 'POST', target: '/event', headers, body }).outcome)
    const event = JSON.parse(answer.body.toString())
    expect(event).toMatchObject({ isBase64Encoded: true, body: body.toString('base64') })
  })

  test('an object with statusCode is the answer', async () => {
    const answer = answerOf(await worker().fetch({ target: '/answer' }).outcome)
    expect([answer.status, answer.body.toString()]).toEqual([201, 'grüß'])
    expect([header(answer, 'content-type'), header(answer, 'x-number')]).toEqual(['text/plain', '7'])
    expect(answer.headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value)).toEqual([
      'a=1; Path=/',
      'b=2',
    ])
  })

  test('a body that is an object is JSON; an answer without statusCode is the body', async () => {
    const object = answerOf(await worker().fetch({ target: '/object' }).outcome)
    expect(JSON.parse(object.body.toString())).toEqual({ a: 1 })
    expect(answerOf(await worker().fetch({ target: '/text' }).outcome).body.toString()).toBe('plain')
  })

  test('what is thrown fails a request', async () => {
    expect(failureOf(await worker().fetch({ target: '/throw' }).outcome).message).toBe('as asked')
  })

  test.each([
    ['nothing_here.main', 'Runtime.ImportModuleError'],
    ['lambda_main.nothing', 'Runtime.HandlerNotFound'],
    ['lambda_main', 'Runtime.MalformedHandlerName'],
    ['syntax_error.main', 'Runtime.UserCodeSyntaxError'],
  ])('the handler %s is a %s', async (entry, type) => {
    expect(await bindFailure(harness, { ...options, entry })).toMatchObject({ type })
  })
}

function openwhisk(harness: Harness): void {
  const options: BindOptions = { entry: 'openwhisk_main.main', signature: 'openwhisk' }
  const worker = bindOnce(harness, { ...options, env: { __OW_ACTION_VERSION: '0.0.7' } })

  test.each([{ a: [1, 'grüß'] }, {}, [null, { b: 1 }]])('%j comes back', async (value) => {
    expect(await worker().call(value).outcome).toMatchObject({ state: 'value', kind: 'json', value })
  })

  test('no input is an empty object', async () => {
    expect(valueIn(await worker().call().outcome)).toEqual({})
  })

  test.each<[string, unknown, CallOptions]>([
    ['a text', 'plain', { input: 'text' }],
    ['a number', '7', { input: 'json' }],
    ['bytes', Buffer.from([1]), {}],
  ])('%s is no parameters', async (_what, input, options) => {
    const failure = failureOf(await worker().call(input, options).outcome)
    expect(failure).toMatchObject({ type: 'NotAnObject', message: expect.stringContaining('JSON object') })
    expect(failure.value).toBeUndefined()
  })

  test.each<[string, object, unknown]>([
    ['an array', { do: 'list' }, [1, { two: 2 }]],
    ['what is ready later', { do: 'wait', ms: 5 }, { waited: 5 }],
    ['nothing is an empty object', { do: 'nothing' }, {}],
    ['an error that is null is none', { do: 'error', error: null }, { error: null, more: 1 }],
  ])('an action answers with %s', async (_what, params, value) => {
    expect(valueIn(await worker().call(params).outcome)).toEqual(value)
  })

  test('what is not an object is a failure without an answer', async () => {
    const failure = failureOf(await worker().call({ do: 'text' }).outcome)
    expect(failure).toMatchObject({ type: 'NotAnObject', message: 'The action did not return a dictionary or array.' })
    expect(failure.value).toBeUndefined()
  })

  test.each<[string, unknown, string]>([
    ['a text', 'no', 'no'],
    ['an object', { message: 'from inside', code: 4 }, 'from inside'],
    ['false', false, 'false'],
  ])('an answer whose error is %s is a failure with that answer', async (_what, error, message) => {
    const failure = failureOf(await worker().call({ do: 'error', error }).outcome)
    expect(failure).toMatchObject({ type: 'ApplicationError', value: { error, more: 1 } })
    expect(failure.message).toContain(message)
  })

  test('what is thrown is a failure, and the error of its answer', async () => {
    const failure = failureOf(await worker().call({ do: 'throw', message: 'as asked' }).outcome)
    expect(failure).toMatchObject({ type: 'TypeError', message: 'as asked' })
    const { error } = failure.value as { error: { message: string } | string }
    expect(typeof error === 'string' ? error : error.message).toBe('as asked')
  })

  test('default parameters are there unless the caller says others, and are no variable', async () => {
    await using bound = await harness.bind({ ...options, env: { __OW_PARAMETERS: '{"a":1,"do":"none","b":{"c":2}}' } })
    expect(valueIn(await bound.call({ a: 5 }).outcome)).toEqual({ a: 5, do: 'none', b: { c: 2 } })
    const seen = await bound.call({ do: 'env', name: '__OW_PARAMETERS' }).outcome
    expect(valueIn(seen)).toEqual({ value: null })
  })

  test.each([
    ['__OW_ACTION_NAME', '/p-1/conformance'],
    ['__OW_ACTION_VERSION', '0.0.7'],
    ['__OW_NAMESPACE', 'p-1'],
    ['__OW_ACTIVATION_ID', '0192f5a000007000800000000000abcd'],
    ['__OW_TRANSACTION_ID', '0192f5a000007000800000000000abcd'],
    ['__OW_DEADLINE', '1893456000000'],
    ['__OW_API_KEY', null],
  ])('%s is %s', async (name, value) => {
    const options = { executionId: uuid, deadlineMs: 1_893_456_000_000 }
    expect(valueIn(await worker().call({ do: 'env', name }, options).outcome)).toEqual({ value })
  })

  test('an action that may call the API is told where, and with which key', async () => {
    const api = { url: 'http://server:7070', token: 'tb_fn_x' }
    await using bound = await harness.bind({ ...options, api })
    const env = async (name: string) =>
      valueIn(await bound.call({ do: 'env', name }, { executionId: uuid }).outcome) as { value: string }
    expect((await env('__OW_API_HOST')).value).toMatch(/^http:/)
    expect((await env('__OW_API_KEY')).value).toMatch(new RegExp(`^taibai:tb_fn_.*\\.${uuid}$`))
  })

  test('what it prints is the log of the call', async () => {
    const call = worker().call({ do: 'print', text: 'heard' })
    expect(valueIn(await call.outcome)).toEqual({ there: true })
    expect(call.output.stdout).toBe('heard\n')
  })

  test('another function of the same file', async () => {
    await using bound = await harness.bind({ ...options, entry: 'openwhisk_main.other' })
    expect(valueIn(await bound.call({}).outcome)).toEqual({ other: true })
  })

  test.each([
    ['openwhisk_main.nothing', /nothing/],
    ['no_such_module.main', /no_such_module/],
    ['main_of_nothing', /./],
  ])('the entry %s is not found', async (entry, message) => {
    expect(await bindFailure(harness, { ...options, entry })).toMatchObject({
      type: 'EntryNotFound',
      message: expect.stringMatching(message),
    })
  })
}

/** As the server passes an event on: attributes in headers, whatever the mode was. */
const event: [string, string][] = [
  ['ce-specversion', '1.0'],
  ['ce-id', 'e-1'],
  ['ce-source', '/shop'],
  ['ce-type', 'order.placed'],
  ['ce-tenant', 'grüß'],
  ['content-type', 'application/json'],
]

function cloudevent(harness: Harness): void {
  const worker = bindOnce(harness, { entry: 'cloudevent_main.main', signature: 'cloudevent' })
  const request = (headers = event) => ({ method: 'POST', target: '/', headers })

  test('an event has its attributes, its extensions and its data; the call has its context', async () => {
    const seen = valueIn(await worker().call({ n: 1 }, { http: request(), executionId: uuid }).outcome)
    expect(seen).toEqual({
      attributes: {
        specversion: '1.0',
        id: 'e-1',
        source: '/shop',
        type: 'order.placed',
        tenant: 'grüß',
        datacontenttype: 'application/json',
      },
      data: { n: 1 },
      execution: uuid,
    })
  })

  test('data may be bytes, or nothing', async () => {
    const bytes = await worker().call(Buffer.from([0, 255]), { http: request() }).outcome
    expect(valueIn(bytes)).toMatchObject({ data: { bytes: 2 } })
    expect(valueIn(await worker().call(undefined, { http: request() }).outcome)).toMatchObject({ data: null })
  })

  test('an event in the structured form is one without HTTP, too', async () => {
    const given = {
      specversion: '1.0',
      id: '7',
      source: '/s',
      type: 't',
      data_base64: Buffer.from('abc').toString('base64'),
    }
    const seen = valueIn(await worker().call(given).outcome)
    expect(seen).toMatchObject({
      attributes: { specversion: '1.0', id: '7', source: '/s', type: 't' },
      data: { bytes: 3 },
    })
  })

  test('what is no event is the data of one', async () => {
    const seen = valueIn(await worker().call({ n: 1 }, { executionId: uuid }).outcome)
    expect(seen).toMatchObject({
      attributes: { specversion: '1.0', id: uuid, source: '/v1/functions/f-1', type: 'io.taibai.function.called' },
      data: { n: 1 },
    })
    const fired = valueIn(await worker().call(undefined, { trigger: 'job' }).outcome)
    expect(fired).toMatchObject({ attributes: { type: 'io.taibai.job.fired' }, data: null })
  })

  test('a returned event is an answer in the binary mode; without HTTP one object', async () => {
    const asked = event.map(([name, value]): [string, string] => [name, name === 'ce-type' ? 'answer' : value])
    const answer = answerOf(await worker().call(undefined, { http: request(asked) }).outcome)
    expect([header(answer, 'ce-id'), header(answer, 'ce-type'), header(answer, 'content-type')]).toEqual([
      '%C3%A4%201',
      'answered',
      'application/json',
    ])
    expect(JSON.parse(answer.body.toString())).toEqual({ n: 1 })
    const posted = { specversion: '1.0', id: '7', source: '/s', type: 'answer' }
    expect(valueIn(await worker().call(posted).outcome)).toMatchObject({ id: 'ä 1', type: 'answered', data: { n: 1 } })
  })

  test('what is thrown fails the call', async () => {
    const posted = { specversion: '1.0', id: '7', source: '/s', type: 'throw' }
    expect(failureOf(await worker().call(posted).outcome).message).toBe('as asked')
  })
}

function functionsFramework(harness: Harness): void {
  const bind = (entry: string) => harness.bind({ signature: 'gcf', entry, env: { FUNCTION_SOURCE: 'gcf' } })

  test('an HTTP function gets a request of the framework that the platform supplies', async () => {
    await using worker = await bind('hello')
    const headers: [string, string][] = [['content-type', 'application/json']]
    const answer = answerOf(await worker.fetch({ method: 'POST', target: '/a', headers, body: '{"n":1}' }).outcome)
    const seen = { method: 'POST', path: '/a', body: { n: 1 }, service: 'conformance' }
    expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([201, seen])
    expect(valueIn(await worker.call({ n: 1 }).outcome)).toEqual({ ...seen, path: '/' })
    const failed = answerOf(await worker.fetch({ target: '/throw' }).outcome)
    expect([failed.status, header(failed, 'x-google-status')]).toEqual([500, 'crash'])
  })

  test('a CloudEvent function gets events', async () => {
    await using worker = await bind('events')
    const call = worker.call({ specversion: '1.0', id: '7', source: '/s', type: 'a.b', data: { n: 1 } })
    expect(await call.outcome).toMatchObject({ state: 'value' })
    expect(call.output.stdout).toBe('a.b 7 1\n')
  })
}

function fissionAndKubeless(harness: Harness): void {
  const headers: [string, string][] = [['content-type', 'application/json']]

  test('one of Fission gets a request of the framework that the platform supplies', async () => {
    await using worker = await harness.bind({ signature: 'fission', entry: 'fission_main.main' })
    const answer = answerOf(await worker.fetch({ method: 'POST', target: '/a', headers, body: '{"n":1}' }).outcome)
    const seen = { method: 'POST', path: '/a', body: { n: 1 }, name: 'conformance' }
    expect([answer.status, header(answer, 'x-a')]).toEqual([201, '1'])
    expect(JSON.parse(answer.body.toString())).toEqual(seen)
    expect(valueIn(await worker.call({ n: 1 }).outcome)).toEqual({ ...seen, path: '/' })
    expect(answerOf(await worker.fetch({ target: '/throw' }).outcome).status).toBe(500)
  })

  test('one of Kubeless gets an event and a context with its names', async () => {
    await using worker = await harness.bind({ signature: 'kubeless', entry: 'kubeless_main.main' })
    const from: [string, string][] = [...headers, ['event-id', '7'], ['event-namespace', 'natstriggers.kubeless.io']]
    const answer = answerOf(await worker.fetch({ method: 'POST', target: '/', headers: from, body: '{"n":1}' }).outcome)
    const seen = JSON.parse(answer.body.toString())
    expect(seen).toMatchObject({ data: { n: 1 }, id: '7', from: 'natstriggers.kubeless.io', method: 'POST' })
    expect(seen.context).toMatchObject({ 'function-name': 'main', timeout: 60, 'memory-limit': '256Mi' })
    expect(failureOf(await worker.call({ do: 'throw' }).outcome).type).toBe('ServerError')
  })
}

const uuid = '0192f5a0-0000-7000-8000-00000000abcd'

/** One worker for the tests of a block; for those that leave it as it was. */
function bindOnce(harness: Harness, options?: BindOptions): () => BoundWorker {
  let worker: BoundWorker | undefined
  beforeAll(async () => {
    worker = await harness.bind(options)
  })
  afterAll(async () => {
    await worker?.kill()
  })
  return () => worker as BoundWorker
}

async function bindFailure(harness: Harness, options: BindOptions): Promise<BindFailure> {
  const outcome = await harness.bind(options).then(
    (worker) => worker.kill(),
    (error: unknown) => error,
  )
  expect(outcome).toBeInstanceOf(BindFailure)
  return outcome as BindFailure
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'too late'> {
  const timer = new AbortController()
  const late = sleep(ms, 'too late' as const, { signal: timer.signal })
  try {
    return await Promise.race([promise, late])
  } finally {
    late.catch(() => {})
    timer.abort()
  }
}

function valueIn(outcome: Outcome): unknown {
  expect(outcome).toMatchObject({ state: 'value' })
  return outcome.state === 'value' ? outcome.value : undefined
}

function failureOf(outcome: Outcome): Extract<Outcome, { state: 'failed' }> {
  expect(outcome).toMatchObject({ state: 'failed' })
  return outcome as Extract<Outcome, { state: 'failed' }>
}

type Answer = Extract<Outcome, { state: 'answer' }>

function answerOf(outcome: Outcome): Answer {
  expect(outcome).toMatchObject({ state: 'answer' })
  return outcome as Answer
}

function header(answer: Answer, name: string): string | undefined {
  return answer.headers.find(([key]) => key.toLowerCase() === name)?.[1]
}

function usageOf(outcome: Outcome): Usage {
  if (outcome.state === 'lost') throw new Error('the worker ended before it answered')
  return outcome.usage
}

function expectUsage(outcome: Outcome): void {
  const { runMs, cpuMs, memoryPeakBytes } = usageOf(outcome)
  expect(runMs).toBeGreaterThanOrEqual(0)
  expect(cpuMs).toBeGreaterThanOrEqual(0)
  expect(memoryPeakBytes).toBeGreaterThan(mebibyte)
  expect(memoryPeakBytes).toBeLessThan(1024 * mebibyte)
}

function nested(depth: number): unknown {
  let value: unknown = 0
  for (let level = 0; level < depth; level++) value = [value]
  return value
}
