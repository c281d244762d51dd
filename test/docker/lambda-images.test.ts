/** Images whose program asks for its events by the Runtime API of AWS Lambda, and the helper that serves it to them. */
import { beforeAll, describe, expect, test } from 'vitest'
import { runtimeApiHelperBytes } from '../../src/domain/functions/revision.ts'
import type { Call, Revision } from '../../src/domain/platform/worker.ts'
import type { PoolWorker } from '../../src/engine/pool/pool-worker.ts'
import { aRequestHead } from '../support/builders.ts'
import { describeWithDocker } from '../support/docker-gate.ts'
import { builtImages } from '../support/docker-images.ts'
import { dockerWorkers } from '../support/docker-workers.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'
import { waitUntil } from '../support/wait-until.ts'

describeWithDocker('A lambda image', () => {
  const workers = dockerWorkers({ stopGraceMs: 0 })
  const image = builtImages('lambda')
  const revision = (overrides: Partial<Revision> = {}) =>
    aRevision({
      ...{
        image: image('lambda'),
        kind: 'lambda',
        signature: 'runtime-api',
        packageHash: null,
        entry: null,
        port: null,
      },
      ...{ functionName: 'hello', network: 'none', start: {}, memoryBytes: 64 * mib + runtimeApiHelperBytes },
      ...overrides,
    })
  const start = (overrides: Partial<Revision> = {}) => workers().factory.startImage(revision(overrides))

  let lastCall = 0
  async function call(worker: PoolWorker, event: unknown, overrides: Partial<Call> = {}, timeoutMs = 60_000) {
    const printed = { stdout: '', stderr: '' }
    const input = { kind: 'json' as const, body: Buffer.from(JSON.stringify(event)) }
    const onLog = (stream: 'stdout' | 'stderr', text: string) => {
      printed[stream] += text
    }
    const executionId = `00000000-0000-4000-8000-${String(++lastCall).padStart(12, '0')}`
    const outcome = await worker.call(aCall({ executionId, input, onLog, ...overrides }), timeoutMs)
    const value = outcome.kind === 'returned' ? JSON.parse(outcome.value.body.toString()) : undefined
    return { outcome, value, printed, executionId }
  }

  describe('does not start, as the function is told with what it printed:', () => {
    test.each([
      ['a program that ends', 'exit', { type: 'Runtime.ExitError', message: expect.stringContaining('code 7') }],
      [
        'a program that cannot load what it is to run',
        'error',
        { type: 'Runtime.ImportModuleError', message: 'no module app' },
      ],
    ])('%s', async (_what, START, error) => {
      const { startFailure } = await start({ env: { START } })
      expect(startFailure).toMatchObject({
        outcome: { kind: 'raised', error: { ...error, during: 'load' } },
        log: expect.stringContaining('starting'),
      })
    })
  })

  describe('that is warm', () => {
    let worker: PoolWorker
    beforeAll(async () => {
      worker = await start({
        env: { OWN: 'mine' },
        start: {
          entry_point: ['python3', '-u', '/var/task/program.py'],
          command: ['app.other', 'x'],
          working_directory: '/tmp',
        },
      })
      for (const name of await workers().names()) workers().share({ name } as PoolWorker)
      return () => worker.kill()
    })

    test('is told of each call what Amazon tells, without a network, in one program', async () => {
      const first = await call(worker, { n: 1 })
      const second = await call(worker, [2])
      expect(first.value).toMatchObject({
        event: { n: 1 },
        calls: 1,
        argv: ['app.other', 'x'],
        cwd: '/tmp',
        env: {
          ...{ _HANDLER: 'app.other', AWS_LAMBDA_FUNCTION_NAME: 'hello', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '64' },
          OWN: 'mine',
        },
        headers: {
          'content-type': 'application/json',
          'lambda-runtime-aws-request-id': first.executionId,
          'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:hello',
          'lambda-runtime-deadline-ms': expect.stringMatching(/^\d{13}$/),
        },
      })
      expect(second.value).toMatchObject({ event: [2], calls: 2 })
      expect(first.outcome).toMatchObject({ cpuMs: null, memoryPeakMb: null })
    })

    test('has what it prints in the log of the call', async () => {
      const { printed } = await call(worker, { do: 'print', text: 'seen' })
      expect(printed).toEqual({ stdout: 'seen\n', stderr: 'seen\n' })
    })

    test('fails in its own words, and goes on', async () => {
      const { outcome } = await call(worker, { do: 'fail', message: 'no' })
      expect(outcome).toMatchObject({ kind: 'raised', error: { type: 'Bad', message: 'no', stack: 'line 1' } })
      expect(worker.isEnding).toBe(false)
    })

    test('is given the event of a function URL, and streams its answer with status and headers', async () => {
      const chunks: Buffer[] = []
      const heads: unknown[] = []
      const sink = {
        head: (it: unknown) => void heads.push(it),
        write: (chunk: Buffer) => chunks.push(Buffer.from(chunk)) > 0,
        drained: async () => {},
      }
      const http = aRequestHead({ method: 'POST', target: '/stream' })
      const { outcome } = await call(worker, {}, { http, sink })
      expect([outcome.kind, Buffer.concat(chunks).toString()]).toEqual(['streamed', 'first second'])
      expect(heads).toMatchObject([{ status: 201, headers: expect.arrayContaining([['x-from', 'image']]) }])
    })
  })

  describe.each([
    ['takes too long', { do: 'sleep', seconds: 60 }, 1500, { kind: 'timeout', error: { type: 'Timeout' } }],
    [
      'ends while it runs',
      { do: 'exit', code: 3 },
      60_000,
      { kind: 'killed', error: { type: 'FunctionExit', message: expect.stringContaining('3') } },
    ],
    [
      'wants too much memory',
      { do: 'memory', mib: 300 },
      60_000,
      { kind: 'killed', error: { type: 'MemoryExceeded' } },
    ],
  ])('that %s', (_what, event, timeoutMs, expected) => {
    test('fails, is ended, and nothing of it or its helper is left', async () => {
      const worker = await start()
      const { outcome } = await call(worker, event, {}, timeoutMs)
      expect(outcome).toMatchObject(expected)
      await waitUntil('it is gone', async () => worker.isEnding, 20_000)
      await worker.gone
    })
  })

  test('whose helper is killed is the fault of the platform, and ends', async () => {
    const worker = await start({ network: 'egress' })
    const [helper] = (await workers().names()).sort()
    const running = call(worker, { do: 'sleep', seconds: 60 })
    await workers().engine.removeLeftovers()
    expect(helper).toBeDefined()
    expect((await running).outcome).toMatchObject({ kind: 'platform' })
    await worker.gone
  })
})

describeWithDocker('A lambda image whose helper calls the server', () => {
  const workers = dockerWorkers({ stopGraceMs: 0, link: 'tcp' })
  const image = builtImages('lambda')

  test.each(['egress', 'none'] as const)('is served with the network %s', async (network) => {
    const about = {
      kind: 'lambda',
      signature: 'runtime-api',
      packageHash: null,
      entry: null,
      start: {},
      network,
    } as const
    const memoryBytes = 64 * mib + runtimeApiHelperBytes
    const worker = await workers().factory.startImage(aRevision({ ...about, image: image('lambda'), memoryBytes }))
    const outcome = await worker.call(aCall({ input: { kind: 'json', body: Buffer.from('{"n":1}') } }), 60_000)
    await worker.kill()
    expect(outcome).toMatchObject({ kind: 'returned' })
  })
})
