/** An image and the helper beside it that serves the Runtime API: one worker, whichever of the two ends first. */
import { afterEach, describe, expect, test } from 'vitest'
import { runtimeApiHelperBytes } from '../../src/domain/functions/revision.ts'
import type { Call } from '../../src/domain/platform/worker.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import type { BindResult, PoolWorker } from '../../src/engine/pool/pool-worker.ts'
import { environmentOfLambda, helperRevision } from '../../src/engine/worker/lambda-image.ts'
import { LambdaImageWorker } from '../../src/engine/worker/lambda-image-worker.ts'
import { FakeSandbox } from '../support/engine-parts-sandboxes.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { aCall, aRevision, mib } from '../support/fake-workers-pool.ts'

const revision = aRevision({
  ...{ kind: 'lambda', signature: 'runtime-api', packageHash: null, entry: null, functionName: 'hello' },
  ...{ image: 'repo/app', memoryBytes: 64 * mib + runtimeApiHelperBytes, start: { command: ['app.handler', 'x'] } },
})
const answered: Outcome = {
  kind: 'returned',
  value: { kind: 'json', body: Buffer.from('1') },
  ...{ runMs: 5, cpuMs: 3, memoryPeakMb: 40, stalledMs: 2 },
}

class FakeHelper implements PoolWorker {
  readonly name = 'helper'
  readonly machine = undefined
  readonly memoryBytes = runtimeApiHelperBytes
  isEnding = false
  readonly bound = Promise.withResolvers<BindResult>()
  readonly cancelled: string[] = []
  #end = Promise.withResolvers<void>()
  #answer: ((outcome: Outcome) => void) | undefined
  readonly gone = this.#end.promise

  bind = () => this.bound.promise
  call(_call: Call): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#answer = resolve
    })
  }
  answer(outcome: Outcome): void {
    this.#answer?.(outcome)
  }
  cancel(id: string): void {
    this.cancelled.push(id)
  }
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async kill(): Promise<void> {
    this.isEnding = true
    const error = { type: 'PlatformError', message: 'stopped', stack: null }
    this.#answer?.({ kind: 'platform', error, runMs: 0, cpuMs: null, memoryPeakMb: null })
    this.#end.resolve()
  }
}

const opened: LambdaImageWorker[] = []
afterEach(async () => {
  for (const worker of opened.splice(0)) await worker.kill()
})

async function start(how: 'ready' | 'starting' = 'ready') {
  const [image, helper, clock, other] = [new FakeSandbox('w2'), new FakeHelper(), new FakeClock(), [] as string[]]
  const onOther = (_stream: string, text: string) => void other.push(text)
  const worker = new LambdaImageWorker(image, helper, revision, { clock, stopGraceMs: 0, quietMs: 0, onOther })
  opened.push(worker)
  const begun = worker.begin(helper.bound.promise)
  if (how === 'ready') helper.bound.resolve({ loaded: true, loadMs: 1 })
  if (how === 'ready') await begun
  return { image, helper, clock, other, worker, begun }
}

describe('it does not start', () => {
  test('when its program ends before it asks for an event, with the reason', async () => {
    const { image, helper, worker, clock, begun } = await start('starting')
    worker.print('stderr', 'no such file\n')
    image.end({ code: 2, memoryExceeded: false })
    await settled()
    await clock.pass(500)
    await begun
    expect(worker.startFailure).toMatchObject({
      outcome: {
        kind: 'raised',
        error: { type: 'Runtime.ExitError', message: expect.stringMatching(/code 2.*Runtime API/) },
      },
      log: 'no such file\n',
    })
    await worker.gone
    expect(helper.isEnding).toBe(true)
  })

  test('when it says itself what is wrong, also when it ends a moment before that is known', async () => {
    const { image, helper, worker, clock, begun } = await start('starting')
    image.end({ code: 1, memoryExceeded: false })
    await settled()
    const error = { type: 'Runtime.ImportModuleError', message: 'no module', stack: null, during: 'load' as const }
    const outcome: Outcome = { kind: 'raised', error, runMs: 1, cpuMs: 1, memoryPeakMb: 40 }
    helper.bound.resolve({ loaded: false, loadMs: 1, outcome, log: '' })
    await settled()
    await clock.pass(500)
    await begun
    expect(worker.startFailure).toMatchObject({ outcome: { error, cpuMs: null, memoryPeakMb: null } })
  })
})

describe('a call', () => {
  test('is answered through the helper, whose processor and memory are not the function’s, with what the image prints', async () => {
    const { helper, worker, other } = await start()
    const log: string[] = []
    const outcome = worker.call(aCall({ onLog: (_stream, text) => void log.push(text) }), 1000)
    worker.print('stdout', 'of the call\n')
    helper.answer(answered)
    const { stalledMs: _, ...rest } = answered
    expect(await outcome).toEqual({ ...rest, cpuMs: null, memoryPeakMb: null })
    worker.print('stdout', 'between calls\n')
    expect([log, other]).toEqual([['of the call\n'], ['between calls\n']])
  })

  test.each([
    [
      { code: 3, memoryExceeded: false },
      { kind: 'killed', error: { type: 'FunctionExit' } },
    ],
    [
      { code: 137, memoryExceeded: true },
      { kind: 'killed', error: { type: 'MemoryExceeded', message: expect.stringContaining('64 MiB') } },
    ],
    [{ code: 137, memoryExceeded: false, fromOutside: true }, { kind: 'platform' }],
  ])('under way ends with the image (%j)', async (exit, expected) => {
    const { image, worker, clock } = await start()
    const outcome = worker.call(aCall(), 1000)
    image.end(exit)
    await settled()
    await clock.pass(500)
    expect(await outcome).toMatchObject(expected)
    expect(worker.isEnding).toBe(true)
    await worker.gone
  })

  test('that was answered just before the image ended has its answer', async () => {
    const { image, helper, worker, clock } = await start()
    const outcome = worker.call(aCall(), 1000)
    image.end({ code: 0, memoryExceeded: false })
    await settled()
    helper.answer(answered)
    await settled()
    await clock.pass(500)
    expect(await outcome).toMatchObject({ kind: 'returned' })
  })

  test('is cancelled at the helper', async () => {
    const { helper, worker } = await start()
    worker.cancel('e1', 100)
    expect(helper.cancelled).toEqual(['e1'])
  })
})

test('when the helper ends, so does the image', async () => {
  const { image, helper, worker } = await start()
  await helper.kill()
  await worker.gone
  expect([image.hasEnded, worker.isEnding]).toEqual([true, true])
})

test('the image finds the variables of AWS Lambda, and those that the function sets in their place', () => {
  const env = environmentOfLambda({ AWS_REGION: 'eu-west-1', TZ: 'UTC', AWS_LAMBDA_RUNTIME_API: 'elsewhere' }, revision)
  expect(env).toMatchObject({
    ...{
      AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      TZ: 'UTC',
    },
    ...{ _HANDLER: 'app.handler', AWS_LAMBDA_FUNCTION_NAME: 'hello', AWS_LAMBDA_FUNCTION_VERSION: '$LATEST' },
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '64',
  })
})

test('the helper gets none of the function’s own data', () => {
  const told = helperRevision({
    ...revision,
    env: { NODE_OPTIONS: '--x', KEY: 'k', AWS_REGION: 'eu-west-1' },
    api: true,
  })
  expect(told).toMatchObject({
    env: { AWS_REGION: 'eu-west-1' },
    secrets: [],
    api: false,
    memoryBytes: runtimeApiHelperBytes,
  })
})
