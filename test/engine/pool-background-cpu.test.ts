import { describe, expect, test } from 'vitest'
import { aRevision, TestPool } from '../support/fake-workers-pool.ts'

/** What calls leave running: metered, and frozen where that was asked for. */

const tenSecondsMs = 10_000

describe('processor time that no call told of', () => {
  /** A pool with one idle worker that used 500 ms before it served, and the values reported to the meter. */
  async function metered(cpuUsedMs: number | null = 500) {
    const told: number[] = []
    const meter = { held: () => {}, spent: (_revision: unknown, ms: number) => void told.push(ms) }
    const test = new TestPool({ meter })
    const lease = await test.take()
    const worker = test.workers.named(lease.worker)
    worker.cpuUsedMs = cpuUsedMs
    test.release(lease)
    await test.pass(tenSecondsMs + 1000)
    return { test, told, worker }
  }

  test('is told, once; what was used before it served, and what calls told of, is not', async () => {
    const { test, told, worker } = await metered()
    const lease = await test.take()
    worker.cpuUsedMs = 500 + 30 + 200
    test.release(lease, undefined, 30)
    await test.pass(tenSecondsMs + 1000)
    await test.pass(tenSecondsMs)
    expect(told).toEqual([200])
  })

  test('is not told while a call is in the worker, whose own time is not known yet', async () => {
    const { test, told, worker } = await metered()
    const lease = await test.take()
    worker.cpuUsedMs = 500 + 4000
    await test.pass(3 * tenSecondsMs)
    expect(told).toEqual([])
    test.release(lease, undefined, 4000)
    await test.pass(tenSecondsMs + 1000)
    expect(told).toEqual([])
  })

  test('is told when the worker is gone', async () => {
    const { test, told, worker } = await metered()
    worker.cpuUsedMs = 500 + 70
    test.pool.retire('f1', 0, 'new_code')
    await test.pass(100)
    expect(told).toEqual([70])
  })

  test('is told of a call that its worker did not outlive', async () => {
    const { test, told, worker } = await metered()
    const lease = await test.take()
    worker.cpuUsedMs = 500 + 900
    worker.die()
    test.release(lease)
    await test.pass(100)
    expect(told).toEqual([900])
  })

  test('of a worker that cannot tell is nothing', async () => {
    const { test, told } = await metered(null)
    await test.pass(3 * tenSecondsMs)
    expect(told).toEqual([])
  })
})

describe('where workers are frozen after their calls', () => {
  test('a worker is so when it was quiet for a tenth of a second, and the next call thaws it', async () => {
    const test = new TestPool({ freezes: true })
    await test.run()
    await test.pass(50)
    expect(test.workers.named('w1').isPaused).toBe(false)
    await test.pass(200)
    expect(test.workers.named('w1').isPaused).toBe(true)
    expect((await test.run()).lease).toMatchObject({ worker: 'w1', startKind: 'warm' })
    expect(test.workers.callsWhilePaused).toBe(0)
    await test.pass(300)
    expect(test.workers.named('w1').isPaused).toBe(true)
  })

  test('a worker whose calls follow each other faster goes on', async () => {
    const test = new TestPool({ freezes: true })
    let frozen = 0
    test.workers.resumeMs = 1
    for (let n = 0; n < 50; n++) {
      const { lease } = await test.run()
      if (lease.resumeMs > 0) frozen++
      await test.pass(60)
    }
    expect(frozen).toBe(0)
  })

  test('a worker with one of two calls left goes on', async () => {
    const test = new TestPool({ freezes: true })
    const revision = aRevision({ concurrency: 2 })
    const [first, second] = [await test.take(revision), await test.take(revision)]
    test.release(first)
    await test.pass(2000)
    expect(test.workers.named('w1').isPaused).toBe(false)
    test.release(second)
    await test.pass(300)
    expect(test.workers.named('w1').isPaused).toBe(true)
  })

  test('a worker that was warmed ahead is frozen too', async () => {
    const test = new TestPool({ freezes: true })
    test.pool.keep(aRevision({ minWorkers: 1 }))
    await test.pass(5000)
    expect(test.pool.workers()).toMatchObject([{ state: 'paused' }])
  })

  test('one that the engine cannot pause is left alone', async () => {
    const test = new TestPool({ freezes: true })
    test.workers.failingPauses = 1
    await test.run()
    await test.pass(5000)
    expect(test.workers.failingPauses).toBe(0)
    expect((await test.run()).lease).toMatchObject({ worker: 'w1', resumeMs: 0 })
  })
})
