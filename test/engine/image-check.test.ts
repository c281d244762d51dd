import { describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import type { SandboxEngine } from '../../src/engine/sandbox/sandbox.ts'
import { ImageCheck } from '../../src/engine/worker/image-check.ts'
import { aRuntime } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeWorkers } from '../support/fake-workers.ts'

function trial(prepareImage: (image: string) => Promise<void> = async () => {}) {
  const prepared: string[] = []
  const clock = new FakeClock()
  const workers = new FakeWorkers(clock)
  const engine = {
    prepareImage: async (image: string) => {
      await prepareImage(image)
      prepared.push(image)
    },
  } as unknown as SandboxEngine
  return { prepared, clock, workers, trial: new ImageCheck(engine, workers, new Map([['known', '3.13.5']])) }
}

describe('an image that is to be a runtime', () => {
  test('has the version of the language that its last worker said, if one has started', () => {
    const { trial: it } = trial()
    expect([it.languageVersion('known'), it.languageVersion('other')]).toEqual(['3.13.5', null])
  })

  test('that cannot be had is refused, and nothing is started', async () => {
    const refusal = new FaasError('engine_failed', 'The image x is not here and could not be pulled.')
    const { trial: it, workers } = trial(() => Promise.reject(refusal))
    await expect(it.prepare(aRuntime())).rejects.toBe(refusal)
    expect(workers.asked).toBe(0)
  })

  test('whose worker does not come up is refused', async () => {
    const { trial: it, workers, clock } = trial()
    workers.failingStarts = 1
    const prepared = it.prepare(aRuntime())
    prepared.catch(() => {})
    await clock.pass(1000)
    await expect(prepared).rejects.toMatchObject({ code: 'engine_failed' })
  })

  test('is there and tried out once, and nothing is left of the trial', async () => {
    const { trial: it, workers, clock, prepared } = trial()
    const done = it.prepare(aRuntime({ image: 'taibai/cobol', minMemoryBytes: 1 << 20 }))
    await clock.pass(1000)
    await done
    expect(prepared).toEqual(['taibai/cobol'])
    expect(workers.all).toMatchObject([{ image: 'taibai/cobol', memoryBytes: 1 << 20, state: 'gone' }])
  })
})
