/** A worker over a real connection; the test plays the shim, and a fake sandbox records its calls. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { OpenStackSession } from '../../src/domain/platform/openstack.ts'
import type { SecretReader } from '../../src/domain/platform/secret.ts'
import type { Call, Revision, StreamSink } from '../../src/domain/platform/worker.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { SandboxEngine } from '../../src/engine/sandbox/sandbox.ts'
import { Channel } from '../../src/engine/worker/channel.ts'
import { FolderLink } from '../../src/engine/worker/folder-links.ts'
import { LinkedCode } from '../../src/engine/worker/linked-code.ts'
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameType,
  maxFrameBytes,
  parseMeta,
  shimExitCodes,
} from '../../src/engine/worker/protocol.ts'
import { ShimWorker } from '../../src/engine/worker/worker.ts'
import { WorkerFolder } from '../../src/engine/worker/worker-folder.ts'
import { aRequestHead } from '../support/builders.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { socketPair } from '../support/engine-parts-sockets.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'
import { noSecrets } from '../support/no-secrets.ts'

const generic = { memoryBytes: 128 * mib, cpuMillicpu: 100, cpuMaxMillicpu: null }
const revision = aRevision({ packageHash: 'stored', timeoutMs: 5000, concurrency: 4 })

let folder = ''
const warnings: object[] = []
const workers: { worker: ShimWorker; sandbox: FakeSandbox; clock: FakeClock }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'taibai-worker-'))
  mkdirSync(join(folder, 'packages', 'stored'), { recursive: true })
  writeFileSync(join(folder, 'packages', 'stored', 'main.mjs'), '')
  mkdirSync(join(folder, 'workers'))
})
afterEach(async () => {
  for (const { worker, sandbox, clock } of workers.splice(0)) {
    sandbox.obeys = true
    await worker.kill()
    expect(clock.armed, 'timers left').toBe(0)
  }
  expect(readdirSync(join(folder, 'workers')), 'folders left').toEqual([])
  rmSync(folder, { recursive: true })
})

type TestWorker = Awaited<ReturnType<typeof start>>

/** A worker that has said hello. `shim` is its process: it does what the test says. */
async function start(overrides: { isolatesFiles?: boolean; secrets?: Partial<SecretReader> } = {}) {
  const { server, worker: shim } = await socketPair()
  const clock = new FakeClock()
  const sandbox = new FakeSandbox()
  sandbox.onEnd = () => shim.destroy()
  const { isolatesFiles = true } = overrides
  const engine = {
    isolatesFiles,
    inside: () => '/taibai',
    secretsFolder: () => '/run/secrets',
  } as unknown as SandboxEngine
  const own = await WorkerFolder.make(join(folder, 'workers'), 'w1')
  const parts = {
    clock,
    log: { ...silentLog, warn: (keys: object, message: string) => warnings.push({ ...keys, message }) },
    codeFolder: (hash: string) => join(folder, 'packages', hash),
    loadTimeoutMs: 3000,
    stopGraceMs: 2000,
    maxResultBytes: 1000,
    streamIdleMs: 2000,
    secrets: { ...noSecrets, ...overrides.secrets },
  }
  const link = new FolderLink(engine, own, new LinkedCode())
  const worker = new ShimWorker(parts, sandbox, link, new Channel(server), generic)
  const decoder = new FrameDecoder()
  const received: Frame[] = []
  shim.on('data', (bytes: Buffer) => received.push(...decoder.push(Buffer.from(bytes))))
  const send = (type: number, call: number, meta: object | string = '', body = '') => {
    const text = typeof meta === 'string' ? meta : JSON.stringify(meta)
    shim.write(Buffer.concat(encodeFrame(type as FrameType, call, text, Buffer.from(body))))
  }
  const test = { worker, sandbox, shim, clock, received, send, path: own.path }
  workers.push(test)
  return test
}

/** One that is bound. */
async function bound(overrides: Partial<Revision> = {}): Promise<TestWorker> {
  const test = await start()
  const binding = test.worker.bind({ ...revision, ...overrides })
  await arrived(test, 1)
  test.send(FrameType.bound, 0, { load_ms: 1 })
  expect(await binding).toMatchObject({ loaded: true })
  test.received.splice(0)
  return test
}

async function arrived({ received }: TestWorker, count: number): Promise<void> {
  for (let turn = 0; turn < 10_000 && received.length < count; turn++) await sleep(2)
  expect(received.length, 'frames arrived at the shim').toBeGreaterThanOrEqual(count)
}

/** The other side has read all sent data. */
const read = () => sleep(30)

describe('a worker that cannot be bound', () => {
  test('because it has ended is the platform’s fault', async () => {
    const { worker, sandbox } = await start()
    sandbox.end({ code: 1, memoryExceeded: false })
    await worker.gone
    await expect(worker.bind(revision)).rejects.toMatchObject({ code: 'engine_failed' })
  })

  test('because the code is not stored is the platform’s fault', async () => {
    const { worker } = await start()
    await expect(worker.bind(aRevision({ packageHash: 'nowhere' }))).rejects.toMatchObject({ code: 'engine_failed' })
  })

  test('because there is no package is ours', async () => {
    const { worker } = await start()
    await expect(worker.bind(aRevision({ packageHash: null }))).rejects.toMatchObject({ code: 'internal' })
  })

  test('because the engine refuses the limits says so', async () => {
    const { worker, sandbox } = await start()
    sandbox.limit = () => Promise.reject(new Error('no'))
    await expect(worker.bind(aRevision({ packageHash: 'stored', memoryBytes: mib }))).rejects.toThrow('no')
  })
})

describe('binding', () => {
  test('hands secrets over the connection: variables beside the others, files with their folder', async () => {
    const secrets: Partial<SecretReader> = {
      bound: (projectId, uses) => ({ env: { [uses[0]?.to ?? '']: `of ${projectId}` }, files: { 'key.pem': 'PEM' } }),
    }
    const test = await start({ secrets })
    const uses = [{ name: 'KEY', as: 'env' as const, to: 'API_KEY' }]
    const binding = test.worker.bind(aRevision({ ...revision, env: { A: '1' }, secrets: uses }))
    await arrived(test, 1)
    expect(parseMeta(test.received[0] as Frame)).toMatchObject({
      env: { A: '1', API_KEY: `of ${revision.projectId}` },
      secret_names: ['API_KEY'],
      secrets: '/run/secrets',
      secret_files: { 'key.pem': 'PEM' },
    })
    test.send(FrameType.bound, 0, { load_ms: 1 })
    await binding
  })

  test('fails with the sentence when a secret cannot be had, before anything of the function runs', async () => {
    const secrets: Partial<SecretReader> = {
      bound: (projectId) => ({ env: { A: noSecrets.open(projectId, 'GONE') }, files: {} }),
    }
    const test = await start({ secrets })
    const uses = [{ name: 'GONE', as: 'env' as const, to: 'GONE' }]
    await expect(test.worker.bind(aRevision({ ...revision, secrets: uses }))).rejects.toThrow('Secret GONE')
    expect(test.received).toEqual([])
  })

  test('tells the shim all of the revision', async () => {
    const test = await start()
    const binding = test.worker.bind(aRevision({ ...revision, functionName: 'hello', env: { A: 'ü"' } }))
    await arrived(test, 1)
    expect(test.received[0]).toMatchObject({ type: FrameType.bind, call: 0 })
    expect(parseMeta(test.received[0] as Frame)).toEqual({
      function_id: 'f1',
      function_name: 'hello',
      function_version: 0,
      project_id: 'default',
      entry: 'main.main',
      signature: 'event',
      env: { A: 'ü"' },
      code: '/taibai/code',
      memory_bytes: 128 * mib,
      timeout_ms: 5000,
      concurrency: 4,
      max_result_bytes: 1000,
    })
    test.send(FrameType.bound, 0, {})
    expect(await binding).toEqual({ loaded: true, loadMs: 0 })
  })

  test('puts the code at the path that the shim gets', async () => {
    const { path } = await bound()
    expect(existsSync(join(path, 'code', 'main.mjs'))).toBe(true)
  })

  test('leaves the code where it is stored when the engine isolates no files', async () => {
    const test = await start({ isolatesFiles: false })
    void test.worker.bind(revision)
    await arrived(test, 1)
    expect(parseMeta(test.received[0] as Frame).code).toBe(join(folder, 'packages', 'stored'))
    expect(existsSync(join(test.path, 'code'))).toBe(false)
  })

  test('asks the engine for limits only when they differ', async () => {
    const { sandbox } = await bound()
    expect(sandbox.asked).toEqual([])
  })

  test.each([
    ['memory', { memoryBytes: 256 * mib }],
    ['the share of the processors', { cpuMillicpu: 500 }],
    ['the cap on the processors', { cpuMaxMillicpu: 500 }],
  ])('sets the limits before the code runs when %s differs', async (_what, limits) => {
    const test = await start()
    void test.worker.bind(aRevision({ ...revision, ...limits }))
    await arrived(test, 1)
    expect(test.sandbox.asked).toEqual(['limit'])
    expect(test.sandbox.limits).toEqual({ ...generic, ...limits })
    expect(test.worker.memoryBytes).toBe(test.sandbox.limits?.memoryBytes)
  })

  test('that fails tells what the function threw and printed, and ends the worker', async () => {
    const test = await start()
    const binding = test.worker.bind(revision)
    await arrived(test, 1)
    test.send(FrameType.log, 0, '', 'loading\n')
    test.send(FrameType.log, 0, { stream: 'stderr' }, 'oh\n')
    test.send(FrameType.bindFailed, 0, { type: 'SyntaxError', message: 'bad', stack: 'main.mjs:1' })
    expect(await binding).toEqual({
      loaded: false,
      loadMs: 0,
      log: 'loading\noh\n',
      outcome: {
        kind: 'raised',
        error: { type: 'SyntaxError', message: 'bad', stack: 'main.mjs:1', during: 'load' },
        runMs: 0,
        cpuMs: null,
        memoryPeakMb: null,
      },
    })
    await test.worker.gone
  })

  test('that is answered with nonsense is the function’s fault', async () => {
    const test = await start()
    const binding = test.worker.bind(revision)
    await arrived(test, 1)
    test.send(FrameType.bindFailed, 0, '[1]')
    expect(await binding).toMatchObject({ outcome: { kind: 'raised', error: { type: 'ProtocolError' } } })
  })

  test('that takes too long is a time-out, and ends the worker', async () => {
    const test = await start()
    const binding = test.worker.bind(revision)
    await arrived(test, 1)
    await test.clock.pass(3000)
    const message = 'the code was not loaded within 3 s'
    expect(await binding).toMatchObject({
      loaded: false,
      outcome: { kind: 'timeout', error: { type: 'Timeout', message, during: 'load' } },
    })
    await test.worker.gone
  })

  test.each([
    [{ code: 3, memoryExceeded: false }, 'FunctionExit'],
    [{ code: 137, memoryExceeded: true }, 'MemoryExceeded'],
  ])('during which the process ends with %j is %s', async (exit, type) => {
    const test = await start()
    const binding = test.worker.bind(revision)
    await arrived(test, 1)
    test.sandbox.end(exit)
    const message = expect.stringContaining(' while its code was loaded')
    expect(await binding).toMatchObject({
      loaded: false,
      outcome: { kind: 'killed', error: { type, message, during: 'load' } },
    })
  })

  test('keeps a bounded part of what is printed', async () => {
    const test = await start()
    const binding = test.worker.bind(revision)
    await arrived(test, 1)
    for (let n = 0; n < 64; n++) test.send(FrameType.log, 0, '', 'x'.repeat(64 * 1024))
    test.send(FrameType.bindFailed, 0, {})
    const { log } = (await binding) as { log: string }
    expect(log.length).toBeLessThan(1.2 * mib)
  })
})

describe('a call', () => {
  const call = (test: TestWorker, overrides: Partial<Call> = {}) => test.worker.call(aCall(overrides), 5000)

  test('that is longer than a frame may be ends as the platform’s fault, and the worker goes on', async () => {
    const test = await bound()
    const input = { kind: 'bytes' as const, body: Buffer.alloc(maxFrameBytes) }
    expect(await call(test, { input })).toMatchObject({ kind: 'platform', error: { message: /input/ } })
    const next = call(test)
    await arrived(test, 1)
    test.send(FrameType.result, test.received[0]?.call as number, { value: 'json' }, '1')
    expect(await next).toMatchObject({ kind: 'returned' })
  })

  test('to a worker that has ended reports how it ended', async () => {
    const test = await bound()
    test.sandbox.end({ code: 7, memoryExceeded: false })
    await test.worker.gone
    expect(await call(test)).toMatchObject({ kind: 'killed', error: { message: /code 7/ } })
  })

  test('is sent with its id, its deadline, its trigger and its input', async () => {
    const test = await bound()
    const input = { kind: 'text' as const, body: Buffer.from('grüß') }
    void call(test, { executionId: 'e-9', trigger: 'job', input })
    await arrived(test, 1)
    const [frame] = test.received as [Frame]
    expect(frame).toMatchObject({ type: FrameType.call, body: Buffer.from('grüß') })
    expect(parseMeta(frame)).toEqual({
      execution_id: 'e-9',
      deadline_ms: test.clock.now() + 5000,
      trigger: 'job',
      input: 'text',
    })
  })

  test('is sent with the request when the function takes requests', async () => {
    const test = await bound()
    const http = aRequestHead({ method: 'PUT', target: '/a?b="c"', headers: [['x', 'ü']] })
    void call(test, { http })
    await arrived(test, 1)
    expect(parseMeta(test.received[0] as Frame).http).toEqual(http)
  })

  test('is answered with what was returned, and the time it took here', async () => {
    const test = await bound()
    const outcome = call(test)
    await arrived(test, 1)
    await test.clock.pass(40)
    test.send(FrameType.result, 1, { value: 'json', run_ms: 1, cpu_ms: 2 }, '{"a":1}')
    expect(await outcome).toEqual({
      kind: 'returned',
      value: { kind: 'json', body: Buffer.from('{"a":1}') },
      runMs: 40,
      cpuMs: 2,
      memoryPeakMb: null,
    })
  })

  test('hears what it prints, as it comes', async () => {
    const test = await bound()
    const printed: string[] = []
    const outcome = call(test, { onLog: (stream, text) => printed.push(`${stream} ${text}`) })
    await arrived(test, 1)
    test.send(FrameType.log, 1, '', 'one')
    await read()
    expect(printed).toEqual(['stdout one'])
    test.send(FrameType.log, 1, { stream: 'stderr' }, 'two')
    test.send(FrameType.failed, 1, { type: 'E', message: 'm' })
    expect(await outcome).toMatchObject({ kind: 'raised' })
    expect(printed).toEqual(['stdout one', 'stderr two'])
  })

  test('that nobody waits for is cancelled, and still ends as usual', async () => {
    const test = await bound()
    const gone = new AbortController()
    const outcome = call(test, { signal: gone.signal })
    await arrived(test, 1)
    gone.abort()
    await arrived(test, 2)
    expect(test.received[1]).toMatchObject({ type: FrameType.cancel, call: 1 })
    test.send(FrameType.result, 1, { value: 'json' }, '1')
    expect(await outcome).toMatchObject({ kind: 'returned' })
  })

  test('that nobody waits for from the start is cancelled at once', async () => {
    const test = await bound()
    void call(test, { signal: AbortSignal.abort() })
    await arrived(test, 2)
    expect(test.received.map(({ type }) => type)).toEqual([FrameType.call, FrameType.cancel])
  })
})

describe('a deadline', () => {
  test('ends the call and the worker', async () => {
    const test = await bound()
    const outcome = test.worker.call(aCall(), 2000)
    await test.clock.pass(1999)
    expect(test.worker.isEnding).toBe(false)
    await test.clock.pass(1)
    expect(await outcome).toMatchObject({ kind: 'timeout', error: { type: 'Timeout', message: /2 s/ }, runMs: 2000 })
    expect(test.worker.isEnding).toBe(true)
    expect(test.sandbox.asked).toEqual(['kill'])
    await test.worker.gone
  })

  test('lets the other calls of the worker end before it goes', async () => {
    const test = await bound()
    const late = test.worker.call(aCall(), 2000)
    const other = test.worker.call(aCall(), 9000)
    await arrived(test, 2)
    await test.clock.pass(2000)
    expect(await late).toMatchObject({ kind: 'timeout' })
    expect([test.worker.isEnding, test.sandbox.asked]).toEqual([true, []])
    test.send(FrameType.result, 2, { value: 'json' }, '1')
    expect(await other).toMatchObject({ kind: 'returned' })
    expect(test.sandbox.asked).toEqual(['kill'])
  })

  test('holds for those others too', async () => {
    const test = await bound()
    const outcomes = [test.worker.call(aCall(), 2000), test.worker.call(aCall(), 3000)]
    await test.clock.pass(3000)
    expect(await Promise.all(outcomes)).toMatchObject([{ kind: 'timeout' }, { kind: 'timeout' }])
    expect(test.sandbox.asked).toEqual(['kill'])
  })

  test('does not cut a streamed answer while it flows, but one that has stopped', async () => {
    const test = await bound({ signature: 'http' })
    const sink: StreamSink = { head() {}, write: () => true, drained: async () => {} }
    const outcome = test.worker.call(aCall({ http: aRequestHead(), sink }), 2000)
    await arrived(test, 1)
    test.send(FrameType.head, 1, { status: 200, headers: [] })
    for (let passed = 0; passed < 6000; passed += 1500) {
      test.send(FrameType.chunk, 1, {}, 'x')
      await read()
      await test.clock.pass(1500)
      expect(test.worker.isEnding).toBe(false)
    }
    await test.clock.pass(500)
    expect(await outcome).toMatchObject({ kind: 'timeout' })
    expect(test.worker.isEnding).toBe(true)
  })

  test('is final: nothing that comes later reaches the caller', async () => {
    const test = await bound()
    const heard: unknown[] = []
    const sink: StreamSink = {
      head: (head) => heard.push(head),
      write: (chunk) => heard.push(chunk) > 0,
      drained: async () => {},
    }
    const late = test.worker.call(aCall({ sink, onLog: (_stream, text) => heard.push(text) }), 2000)
    void test.worker.call(aCall(), 9000)
    await arrived(test, 2)
    await test.clock.pass(2000)
    await late
    test.send(FrameType.log, 1, '', 'late')
    test.send(FrameType.head, 1, { status: 200, headers: [] })
    test.send(FrameType.chunk, 1, '', 'late')
    await read()
    expect(heard).toEqual([])
  })
})

describe('the end of a worker', () => {
  test.each([
    [{ code: 3, memoryExceeded: false }, 'FunctionExit', /code 3/],
    [{ code: 137, memoryExceeded: true }, 'MemoryExceeded', /128 MiB/],
    [{ code: null, memoryExceeded: false }, 'FunctionExit', /ended/],
  ])('with %j ends its calls as %s', async (exit, type, message) => {
    const test = await bound()
    const outcomes = [test.worker.call(aCall(), 5000), test.worker.call(aCall(), 5000)]
    await arrived(test, 2)
    test.sandbox.end(exit)
    for (const outcome of await Promise.all(outcomes)) {
      expect(outcome).toMatchObject({ kind: 'killed', error: { type, message } })
    }
    expect(test.worker.isEnding).toBe(true)
  })

  test('that comes of a lost connection ends its calls as the platform’s fault', async () => {
    const test = await bound()
    const outcome = test.worker.call(aCall(), 5000)
    await arrived(test, 1)
    test.sandbox.end({ code: shimExitCodes.linkLost, memoryExceeded: false })
    const message = 'The connection between the server and the worker was lost while it ran the function.'
    expect(await outcome).toMatchObject({ kind: 'platform', error: { type: 'PlatformError', message } })
  })

  test('that comes of a lost connection while its code is loaded is the platform’s fault too', async () => {
    const test = await start()
    const binding = test.worker.bind(revision)
    await arrived(test, 1)
    test.sandbox.end({ code: shimExitCodes.linkLost, memoryExceeded: false })
    expect(await binding).toMatchObject({ loaded: false, outcome: { kind: 'platform' } })
  })

  test('that the server asks for ends its calls as the platform’s fault', async () => {
    const test = await bound()
    const outcome = test.worker.call(aCall(), 5000)
    await arrived(test, 1)
    await test.worker.kill()
    expect(await outcome).toMatchObject({ kind: 'platform' })
  })

  test('leaves no folder and no connection', async () => {
    const test = await bound()
    test.sandbox.end({ code: 0, memoryExceeded: false })
    await test.worker.gone
    expect(existsSync(test.path)).toBe(false)
    expect(test.shim.destroyed).toBe(true)
  })

  test('is logged where its folder cannot be removed', async () => {
    const { worker, path } = await bound()
    const removal = vi.spyOn(WorkerFolder.prototype, 'remove').mockRejectedValueOnce(new Error('held'))
    await worker.kill()
    removal.mockRestore()
    expect(warnings).toContainEqual(
      expect.objectContaining({ worker: 'w1', message: expect.stringContaining('cannot be removed') }),
    )
    rmSync(path, { recursive: true })
  })

  test('comes with that of its connection: what goes on without is ended', async () => {
    const test = await bound()
    const outcome = test.worker.call(aCall(), 60_000)
    await arrived(test, 1)
    test.shim.destroy()
    await read()
    expect(test.worker.isEnding).toBe(true)
    expect(test.sandbox.asked, 'it may still say how it ended').toEqual([])
    await test.clock.pass(10_000)
    expect(await outcome).toMatchObject({ kind: 'killed', error: { type: 'FunctionExit' } })
    await test.worker.gone
    expect(test.sandbox.asked).toEqual(['kill'])
  })

  test('comes with a frame that is none', async () => {
    const test = await bound()
    const outcome = test.worker.call(aCall(), 60_000)
    await arrived(test, 1)
    test.shim.write(Buffer.alloc(100, 0xff))
    await read()
    await test.clock.pass(3000)
    expect(await outcome).toMatchObject({ kind: 'killed' })
    await test.worker.gone
  })

  const lastFrames: [string, (test: TestWorker) => void, string][] = [
    ['RESULT', (test) => test.send(FrameType.result, 1, '{"value":"json","last":true}', '1'), 'returned'],
    ['FAILED', (test) => test.send(FrameType.failed, 1, '{"last":true,"type":"E","message":"m"}'), 'raised'],
    [
      'END',
      (test) => {
        test.send(FrameType.head, 1, '{"status":200,"headers":[]}')
        test.send(FrameType.end, 1, '{"last":true,"run_ms":1}')
      },
      'streamed',
    ],
  ]
  test.each(lastFrames)('that it announces itself with a %s is known before it comes', async (_name, send, kind) => {
    const test = await bound({ signature: 'http' })
    const sink = { head: () => {}, write: () => true, drained: async () => {} }
    const outcome = test.worker.call(aCall({ sink }), 5000)
    await arrived(test, 1)
    send(test)
    expect(await outcome).toMatchObject({ kind })
    expect(test.worker.isEnding).toBe(true)
  })

  test('is not announced by a text that says so, nor by an answer that does not', async () => {
    const test = await bound()
    const outcome = test.worker.call(aCall(), 5000)
    await arrived(test, 1)
    test.send(FrameType.failed, 1, '{"type":"E","message":"\\"last\\":true","more":{"last":true},"last":false}')
    expect(await outcome).toMatchObject({ kind: 'raised' })
    expect(test.worker.isEnding).toBe(false)
  })

  test('may be asked for twice', async () => {
    const test = await bound()
    await Promise.all([test.worker.kill(), test.worker.kill()])
    await test.worker.kill()
  })
})

describe('what a function acts with in OpenStack', () => {
  const session = (token: string) =>
    new OpenStackSession({
      token,
      expiresAtMs: 0,
      userId: 'u',
      projectId: 'p',
      roles: [],
      trustId: 't',
      authUrl: 'http://keystone/v3',
      details: { user: { id: 'u' } },
      catalog: '[{"type":"object-store"}]',
    })
  const typesOf = ({ received }: TestWorker) => received.map(({ type }) => type)

  test('travels before the first call, and again only when it is another', async () => {
    const test = await bound()
    const [first, second] = [session('one'), session('two')]
    for (const one of [first, first, second]) void test.worker.call({ ...aCall(), session: one }, 5000)
    await arrived(test, 5)
    const { session: type, call } = FrameType
    expect(typesOf(test)).toEqual([type, call, call, type, call])
    expect(parseMeta(test.received[0] as Frame)).toEqual({
      token: 'one',
      auth_url: 'http://keystone/v3',
      details: { user: { id: 'u' } },
      catalog: [{ type: 'object-store' }],
    })
  })

  test('is a reason when there is none now, and taken back when there is none at all', async () => {
    const test = await bound()
    const problem = { problem: 'Keystone sleeps.', isRefused: false }
    for (const one of [problem, problem, undefined, undefined]) {
      void test.worker.call({ ...aCall(), session: one }, 5000)
    }
    await arrived(test, 6)
    const { session: type, call } = FrameType
    expect(typesOf(test)).toEqual([type, call, call, type, call, call])
    expect([0, 3].map((at) => parseMeta(test.received[at] as Frame))).toEqual([{ problem: 'Keystone sleeps.' }, {}])
  })

  test('is not mentioned to functions without', async () => {
    const test = await bound()
    void test.worker.call(aCall(), 5000)
    await arrived(test, 1)
    expect(typesOf(test)).toEqual([FrameType.call])
  })
})
