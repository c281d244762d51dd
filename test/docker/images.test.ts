import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call, Revision } from '../../src/domain/platform/worker.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import type { PoolWorker } from '../../src/engine/pool/pool-worker.ts'
import { aRequestHead } from '../support/builders.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { builtImages } from '../support/docker-images.ts'
import { dockerWorkers } from '../support/docker-workers.ts'
import { aCall, aRevision } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Functions from images: a command that runs to its end, and a server that is kept warm. */

describeWithDocker('A command image', () => {
  const workers = dockerWorkers()
  const image = builtImages('command')
  const revision = (overrides: Partial<Revision> = {}) =>
    aRevision({ image: image('command'), kind: 'command', packageHash: null, network: 'none', ...overrides })

  /** How a run with this text as input went, and what it printed. */
  async function run(text: string, overrides: Partial<Revision> = {}, stop = new AbortController().signal) {
    const printed = { stdout: '', stderr: '' }
    const input: Call['input'] = { kind: text === '' ? 'none' : 'text', body: Buffer.from(text) }
    const onLog = (stream: 'stdout' | 'stderr', line: string) => {
      printed[stream] += line
    }
    const outcome = await workers().factory.runCommand(revision(overrides), aCall({ input, onLog }), stop)
    return { outcome, ...printed }
  }

  test('that is not there ends as the fault of the platform, which names it', async () => {
    const { outcome } = await run('', { image: 'taibai-test/not-there' })
    expect(outcome).toMatchObject({
      kind: 'platform',
      error: { message: expect.stringContaining('taibai-test/not-there') },
    })
  })

  test('that exits with another code than 0 has failed, and what it printed is there', async () => {
    const { outcome, stdout } = await run('exit 3')
    expect(outcome).toMatchObject({
      kind: 'killed',
      error: { type: 'FunctionExit', message: expect.stringContaining('3') },
    })
    expect(stdout).toBe('["exit","3"]\n')
  })

  test('that writes to its root is told of "writable", and may write to what that names', async () => {
    const told = { message: expect.stringContaining('"writable"') }
    const refused = await run('write /var/cache/x')
    expect(refused.outcome).toMatchObject({ kind: 'killed', error: told })
    expect(refused.stderr).toContain('"writable"]')
    const goesOn = await run('tryToWrite /var/cache/x')
    expect(goesOn.outcome).toMatchObject({ kind: 'returned' })
    expect(goesOn.stderr).toContain('"writable"]')
    expect((await run('write /var/cache/x', { writable: ['/var/cache'] })).outcome).toMatchObject({ kind: 'returned' })
  })

  test('that takes too long is killed, and what it printed is there', async () => {
    const { outcome, stdout } = await run('sleep 60000', { timeoutMs: 3000 })
    expect(outcome).toMatchObject({ kind: 'timeout', error: { type: 'Timeout' } })
    expect(stdout).toBe('["sleep","60000"]\n')
  })

  test('that wants too much memory is killed for it', async () => {
    const { outcome } = await run('memory 400')
    expect(outcome).toMatchObject({ kind: 'killed', error: { type: 'MemoryExceeded' } })
  })

  test('that is stopped by the server ends as the fault of the platform', async () => {
    const { outcome } = await run('sleep 60000', {}, AbortSignal.timeout(1500))
    expect(outcome).toMatchObject({ kind: 'platform' })
  })

  test.each([
    ['no input', '', []],
    ['words', '  one two\tthree\n', ['one', 'two', 'three']],
    ['a JSON object', '{"a": [1, 2]}', ['{"a": [1, 2]}']],
  ])('is given %s as its arguments', async (_what, text, args) => {
    const { outcome, stdout } = await run(text)
    expect(outcome).toMatchObject({ kind: 'returned', value: { kind: 'json' } })
    expect(JSON.parse(stdout)).toEqual(args)
  })

  test('sees its environment, and prints on two streams', async () => {
    expect((await run('env GREETING', { env: { GREETING: 'grüß dich' } })).stdout).toContain('GREETING=grüß dich\n')
    expect(await run('warn careful')).toMatchObject({ stderr: 'careful\n', stdout: '["warn","careful"]\n' })
  })

  test('that prints a lot is heard to the end', async () => {
    const { outcome, stdout } = await run('flood 50000')
    expect(outcome).toMatchObject({ kind: 'returned' })
    expect(stdout.length).toBe('["flood","50000"]\n'.length + 5_000_000)
  })
})

describeWithDocker('An http image', () => {
  const workers = dockerWorkers()
  const image = builtImages('http')
  const revision = (overrides: Partial<Revision> = {}) =>
    aRevision({ image: image('http'), kind: 'http', packageHash: null, port: 8080, ...overrides })

  describe('does not start', () => {
    // Long enough for a busy machine to start the program, which is to have printed.
    const impatient = dockerWorkers({ startTimeoutMs: 10_000 })

    test.each([
      ['when it is not there', { image: 'taibai-test/not-there' }, /taibai-test\/not-there/],
      ['without a network', { network: 'none' as const }, /network/],
    ])('%s: the platform says so', async (_when, overrides, message) => {
      const starting = impatient().factory.startImage(revision(overrides))
      await expect(starting).rejects.toMatchObject({ code: 'engine_failed', message: expect.stringMatching(message) })
    })

    test.each([
      ['when it listens elsewhere', { LISTEN_ON: '9999' }, /did not listen on port 8080 within/],
      ['when it ends before it listens', { LISTEN_ON: '-1' }, /ended with code \d+ before it listened on port 8080/],
      ['when it writes to its root', { WRITE_TO: '/var/cache/x' }, /ended with code 1 .*read-only.*"writable"/],
      ['when it listens on its own loopback only', { LISTEN_HOST: '127.0.0.1' }, /0\.0\.0\.0/],
    ])('%s: that is the failure of the function, with what it printed', async (_when, env, message) => {
      // Only one that goes on without listening is waited for to the end: on a busy machine the others take longer than that.
      const isWaitedFor = 'LISTEN_ON' in env && env.LISTEN_ON === '9999'
      const worker = await (isWaitedFor ? impatient : workers)().factory.startImage(revision({ env }))
      await worker.kill()
      expect(worker.startFailure).toMatchObject({
        loaded: false,
        outcome: { kind: 'raised', error: { type: 'ImageNotReady', message: expect.stringMatching(message) } },
        log: expect.stringContaining('starting'),
      })
    })
  })

  describe.each([
    ['/exit', 60_000, { kind: 'killed', error: { type: 'FunctionExit', message: expect.stringContaining('3') } }],
    [
      '/write-or-die',
      60_000,
      { kind: 'killed', error: { type: 'FunctionExit', message: expect.stringContaining('"writable"') } },
    ],
    ['/memory', 60_000, { kind: 'killed', error: { type: 'MemoryExceeded' } }],
    ['/hang', 700, { kind: 'timeout', error: { type: 'Timeout' } }],
  ])('that is asked for %s', (target, timeoutMs, expected) => {
    test(`is over: ${expected.error.type}`, async () => {
      const worker = await workers().factory.startImage(revision())
      expect(await worker.call(get(target), timeoutMs)).toMatchObject(expected)
      await worker.gone
      expect(worker.isEnding).toBe(true)
    })
  })

  test('writes to the folders that are named', async () => {
    const env = { WRITE_TO: '/var/cache/x', GREETING: 'written' }
    const worker = await workers().factory.startImage(revision({ env, writable: ['/var/cache'] }))
    expect(bodyOf(await worker.call(get('/env'), 60_000))).toBe('written')
    await worker.kill()
  })

  test('that is killed while it works ends its call as the fault of the platform', async () => {
    const worker = await workers().factory.startImage(revision())
    const call = worker.call(get('/hang'), 60_000)
    await worker.kill()
    expect(await call).toMatchObject({ kind: 'platform' })
  })

  describe('that listens', () => {
    const warm = dockerWorkers()
    let worker: PoolWorker
    beforeAll(async () => {
      worker = await warm().factory.startImage(revision({ env: { GREETING: 'hello' } }))
      warm().share(worker)
    })
    afterAll(() => worker?.kill())

    test('is posted events, and kept for the next', async () => {
      const input: Call['input'] = { kind: 'json', body: Buffer.from('{"a":1}') }
      const ask = async () => bodyOf(await worker.call(aCall({ executionId: 'e-9', input }), 60_000))
      const first = JSON.parse(await ask())
      expect(first).toMatchObject({
        body: '{"a":1}',
        headers: { 'content-type': 'application/json', 'x-execution-id': 'e-9' },
      })
      expect(JSON.parse(await ask()).requests).toBe(first.requests + 1)
    })

    test('answers with its own status and headers', async () => {
      const outcome = await worker.call(get('/headers'), 60_000)
      expect(bodyOf(outcome)).toBe('teapot')
      expect(outcome).toMatchObject({ value: { kind: 'text', http: { status: 418 } } })
      const headers = outcome.kind === 'returned' ? (outcome.value.http?.headers ?? []) : []
      const named = headers.map(([name, value]) => [name.toLowerCase(), value])
      for (const header of [
        ['x-image', 'yes'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ])
        expect(named).toContainEqual(header)
    })

    test('answers an event with a status of 500 or more: that is a failure', async () => {
      const { http, ...event } = get('/')
      expect(http).toBeDefined()
      expect(await worker.call(event, 60_000)).toMatchObject({ kind: 'returned' })
      expect(await worker.call(get('/fail'), 60_000)).toMatchObject({
        kind: 'returned',
        value: { http: { status: 503 } },
      })
    })

    test('streams an answer as it comes', async () => {
      const pieces: string[] = []
      let status = 0
      const sink: Call['sink'] = {
        head: (head) => {
          status = head.status
        },
        write: (chunk) => pieces.push(chunk.toString()) > 0,
        drained: async () => {},
      }
      const call = worker.call({ ...get('/stream'), sink }, 60_000)
      await waitUntil('the first piece', () => pieces.length > 0)
      expect(pieces.join('')).not.toContain('piece 4')
      expect(await call).toMatchObject({ kind: 'streamed', status: 200 })
      expect(status).toBe(200)
      expect(pieces.join('')).toBe('piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n')
    })

    test('prints into the log of the call that it works on, call after call', async () => {
      for (let n = 0; n < 20; n++) {
        const printed = { stdout: '', stderr: '' }
        const onLog = (stream: 'stdout' | 'stderr', line: string) => {
          printed[stream] += line
        }
        await worker.call({ ...get('/print'), onLog }, 60_000)
        expect(printed).toEqual({ stdout: 'from the image\n', stderr: 'a warning\n' })
      }
    })

    // Marks need root on the machine of the engine; without, a moment of quiet has to do.
    test.skipIf(process.getuid?.() !== 0)('prints into no other log, however soon the next call comes', async () => {
      for (let n = 0; n < 50; n++) {
        let printed = ''
        const onLog = (_stream: string, line: string) => {
          printed += line
        }
        await worker.call({ ...get(n % 2 === 0 ? '/print' : '/env'), onLog }, 60_000)
        expect(printed.split('\n').sort().join(' '), `call ${n}`).toBe(n % 2 === 0 ? ' a warning from the image' : '')
      }
    })

    test('is told of "writable" in the log of each call that wrote to its root', async () => {
      for (const _call of [1, 2]) {
        let log = ''
        const onLog = (_stream: string, text: string) => {
          log += text
        }
        await worker.call({ ...get('/write'), onLog }, 60_000)
        expect(log).toMatch(/EROFS(.|\n)*"writable"\]\n/)
      }
    })

    test('sees its environment, and no port of it is published', async () => {
      expect(bodyOf(await worker.call(get('/env'), 60_000))).toBe('hello')
      const info = await warm().inspect(worker.name)
      expect(info?.HostConfig).toMatchObject({ PortBindings: null, ReadonlyRootfs: true, CapDrop: ['ALL'] })
    })

    test('goes on after calls that nobody waited for', async () => {
      const signal = AbortSignal.timeout(300)
      await worker.call({ ...get('/hang'), signal }, 60_000)
      expect(bodyOf(await worker.call(get('/env'), 60_000))).toBe('hello')
    })

    test('can be paused and resumed', async () => {
      await worker.pause()
      const answered = worker.call(get('/env'), 60_000)
      expect(await Promise.race([answered, setTimeout(500, 'nothing yet')])).toBe('nothing yet')
      await worker.resume()
      expect(bodyOf(await answered)).toBe('hello')
    })
  })
})

const get = (target: string): Call =>
  aCall({ input: { kind: 'none', body: Buffer.alloc(0) }, http: aRequestHead({ target }) })

function bodyOf(outcome: Outcome): string {
  expect(outcome).toMatchObject({ kind: 'returned' })
  return outcome.kind === 'returned' ? outcome.value.body.toString('utf8') : ''
}
