import { describe, expect, test } from 'vitest'
import { aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

/** A function by name, with a tenth of a GiB. */
const fn = (functionId: string, overrides: Parameters<typeof aRevision>[0] = {}) =>
  aRevision({ functionId, memoryBytes: 128 * mib, ...overrides })

const minuteMs = 60_000

/** Calls the functions over and over: each of them after this number of minutes. */
async function live(test: TestPool, minutes: number, periods: Record<string, number>): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    for (const [name, period] of Object.entries(periods)) if (minute % period === 0) await test.run(fn(name))
    await test.pass(minuteMs - (test.clock.elapsed() % minuteMs))
  }
}

describe('memory goes to those whose calls are expected', () => {
  test('the idle worker whose function is called less often goes, whichever was called last', async () => {
    const test = new TestPool({ budgetMib: 256 })
    await live(test, 60, { often: 2, seldom: 15 })
    await test.run(fn('often'))
    await test.run(fn('seldom'))
    await test.run(fn('new'))
    expect([test.workers.of('often').length, test.workers.of('seldom').length]).toEqual([1, 0])
  })

  test('the second worker of a function goes before the first of another', async () => {
    const test = new TestPool({ budgetMib: 384 })
    await live(test, 30, { a: 1, b: 3 })
    const both = [await test.take(fn('a')), await test.take(fn('a'))]
    for (const lease of both) test.release(lease)
    await test.pass(minuteMs)
    await test.run(fn('a'))
    await test.run(fn('new'))
    expect([test.workers.of('a').length, test.workers.of('b').length]).toEqual([1, 1])
  })
})

describe('a function that is called regularly and lost its worker', () => {
  const lonely = async (): Promise<TestPool> => {
    const test = new TestPool({ budgetMib: 128 })
    await live(test, 301, { hourly: 60 })
    await test.run(fn('other'))
    expect(test.workers.of('hourly'), 'the other took its memory').toHaveLength(0)
    return test
  }

  test('has one again shortly before its next call', async () => {
    const test = await lonely()
    await test.pass(57 * minuteMs)
    expect(test.workers.of('hourly')).toHaveLength(0)
    await test.pass(2 * minuteMs - 1000)
    expect(test.workers.of('hourly')).toHaveLength(1)
    expect((await test.run(fn('hourly'))).lease).toMatchObject({ startKind: 'warm' })
  })

  test('is not served ahead once its code has changed', async () => {
    const test = await lonely()
    test.pool.retire('hourly', null, 'new_code')
    await test.pass(70 * minuteMs)
    expect(test.workers.of('hourly')).toHaveLength(0)
  })

  test('is not served ahead by code that was only tried', async () => {
    const test = await lonely()
    const tried = fn('hourly', { packageHash: 'tried' })
    await test.run(tried)
    test.pool.discard(tried)
    await test.pass(59 * minuteMs)
    expect(test.workers.of('hourly').map(({ revision }) => revision?.packageHash)).toEqual([fn('hourly').packageHash])
  })

  test('two that share the room of one do not take turns without calls', async () => {
    const test = new TestPool({ budgetMib: 128 })
    await live(test, 60, { a: 2, b: 2 })
    const before = test.workers.asked
    await test.pass(10 * minuteMs)
    expect(test.workers.asked - before).toBeLessThanOrEqual(4)
  })
})

describe('calls that busy workers will serve sooner', () => {
  test('start nothing', async () => {
    const test = new TestPool()
    for (let n = 0; n < 3; n++) {
      const lease = await test.take()
      await test.pass(20)
      test.release(lease)
    }
    const asked = test.workers.asked
    const busy = await test.take()
    const waiting = test.ask()
    await test.pass(20)
    test.release(busy)
    await test.pass(0)
    expect(waiting.lease?.startKind).toBe('warm')
    expect(test.workers.asked).toBe(asked)
  })

  test('start one after all when the busy one takes longer than a start', async () => {
    const test = new TestPool()
    for (let n = 0; n < 3; n++) {
      const lease = await test.take()
      await test.pass(20)
      test.release(lease)
    }
    await test.take()
    const waiting = test.ask()
    await test.pass(2000)
    expect(waiting.lease).toMatchObject({ startKind: 'cold', coldReason: 'scale_out' })
  })
})

describe('idle workers that are paused', () => {
  const paused = async (overrides: Parameters<typeof aRevision>[0] = {}): Promise<TestPool> => {
    const test = new TestPool({ pauseAfterMs: 10_000 })
    test.workers.resumeMs = 15
    await test.run(aRevision(overrides))
    await test.pass(5 * minuteMs)
    return test
  }

  test('are so when nothing came for the time that was set, and say so', async () => {
    const test = await paused()
    expect(test.workers.named('w1').isPaused).toBe(true)
    expect(test.pool.workers()).toMatchObject([{ state: 'paused' }])
  })

  test('are never so by default', async () => {
    const test = new TestPool()
    await test.run()
    await test.pass(60 * minuteMs)
    expect(test.workers.named('w1').isPaused).toBe(false)
  })

  test('are not when calls come more often than it pays', async () => {
    const test = new TestPool({ pauseAfterMs: 10_000 })
    for (let n = 0; n < 40; n++) {
      await test.run()
      await test.pass(12_000)
    }
    expect(test.workers.named('w1').isPaused).toBe(false)
  })

  test('are woken by their next call, which says what that took', async () => {
    const test = await paused()
    const lease = await test.take()
    expect(lease).toMatchObject({ worker: 'w1', startKind: 'warm', resumeMs: 15 })
    expect((await test.run()).lease, 'another call meanwhile').toMatchObject({ resumeMs: 0 })
  })

  test('are woken once by calls that share them', async () => {
    const test = await paused({ concurrency: 2 })
    const both = [test.ask(aRevision({ concurrency: 2 })), test.ask(aRevision({ concurrency: 2 }))]
    await test.pass(100)
    expect(both.map(({ lease }) => lease?.worker)).toEqual(['w1', 'w1'])
  })

  test('are replaced when they cannot be woken', async () => {
    const test = await paused()
    test.workers.failingResumes = 1
    const lease = await test.take()
    expect(lease).toMatchObject({ worker: 'w2', startKind: 'cold', coldReason: 'worker_died' })
    await test.pass(100)
    expect(test.workers.named('w1').state).toBe('gone')
  })

  test('are left alone when the engine cannot pause them', async () => {
    const test = new TestPool({ pauseAfterMs: 10_000 })
    test.workers.failingPauses = 1
    await test.run()
    await test.pass(5 * minuteMs)
    expect(test.workers.failingPauses).toBe(0)
    expect((await test.run()).lease).toMatchObject({ worker: 'w1', resumeMs: 0 })
  })

  test('are awake when a job is due', async () => {
    const test = await paused()
    test.pool.expect(aRevision(), test.clock.now() + 30_000)
    await test.pass(29_500)
    expect(test.workers.named('w1').isPaused).toBe(false)
    expect((await test.run()).lease.resumeMs).toBe(0)
  })

  test('make room like others', async () => {
    const test = new TestPool({ pauseAfterMs: 10_000, budgetMib: 128 })
    await test.run(fn('a'))
    await test.pass(5 * minuteMs)
    await test.run(fn('b'))
    await test.pass(100)
    expect(test.workers.named('w1').state).toBe('gone')
  })

  test('are waited for when they are just being paused', async () => {
    const test = new TestPool({ pauseAfterMs: 10_000 })
    test.workers.pauseMs = 2000
    await test.run()
    while (test.pool.workers()[0]?.state !== 'paused') await test.pass(500)
    const asked = test.ask()
    await test.pass(2100)
    expect(asked.lease).toMatchObject({ worker: 'w1', startKind: 'warm' })
    expect(asked.lease?.resumeMs).toBeGreaterThan(1000)
  })
})
