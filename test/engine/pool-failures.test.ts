import { describe, expect, test } from 'vitest'
import { settled } from '../support/fake-clock.ts'
import { aCall, aRevision, TestPool } from '../support/fake-workers-pool.ts'

describe('a worker that does not start', () => {
  test('is tried once more, and the call does not notice', async () => {
    const test = new TestPool()
    test.workers.failingStarts = 1
    const lease = await test.take()
    expect(lease.startKind).toBe('cold')
    expect(test.workers.asked).toBe(2)
  })

  test('twice is heard by the call, with the engine’s reason', async () => {
    const test = new TestPool()
    test.workers.failingStarts = 2
    const asked = test.ask()
    await test.pass(1000)
    expect(asked.error).toMatchObject({ code: 'engine_failed', message: 'the engine refuses' })
    expect(test.workers.asked).toBe(2)
  })

  test('is tried again for every call that waits before any of them hears', async () => {
    const test = new TestPool()
    test.workers.failingStarts = 3
    const asked = [test.ask(), test.ask(), test.ask()]
    await test.pass(1000)
    expect(asked.map(({ lease }) => lease !== null)).toEqual([true, true, true])
  })

  test('does not end the wait while another is on its way', async () => {
    const test = new TestPool({ maxParallelStarts: 1 })
    const [a, b] = [test.ask(), test.ask()]
    await test.pass(1)
    test.workers.failingStarts = 1
    await test.pass(99)
    expect([a.isOver, b.isOver]).toEqual([false, false])
    await test.pass(1000)
    expect([a.lease !== null, b.lease !== null]).toEqual([true, true])
  })

  test('does not end the wait while the function has a worker', async () => {
    const test = new TestPool()
    const busy = await test.take()
    test.workers.failingStarts = 5
    const waiting = test.ask()
    await test.pass(2000)
    expect(waiting.isOver).toBe(false)
    test.release(busy)
    await settled()
    expect(waiting.lease?.worker).toBe(busy.worker)
  })

  test('is tried ever less often while the function has a busy worker', async () => {
    const test = new TestPool()
    await test.take()
    test.workers.failingStarts = Number.POSITIVE_INFINITY
    test.ask()
    await test.pass(20_000)
    expect(test.workers.asked).toBeLessThan(20)
  })

  test('is no reason to refuse the next call', async () => {
    const test = new TestPool()
    test.workers.failingStarts = 2
    const failed = test.ask()
    await test.pass(1000)
    expect(failed.error).not.toBeNull()
    expect((await test.take()).startKind).toBe('cold')
  })

  test('for a minimum is tried ever more rarely, and for ever', async () => {
    const test = new TestPool()
    test.workers.failingStarts = Number.POSITIVE_INFINITY
    test.pool.keep(aRevision({ minWorkers: 1 }))
    await test.pass(600_000)
    expect(test.workers.asked).toBeLessThan(25)
    expect(test.workers.asked).toBeGreaterThan(10)
    test.workers.failingStarts = 0
    await test.pass(65_000)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('for a minimum does not delay a call: it is tried at once', async () => {
    const test = new TestPool()
    test.workers.failingStarts = Number.POSITIVE_INFINITY
    const kept = aRevision({ minWorkers: 1 })
    test.pool.keep(kept)
    await test.pass(300_000)
    test.workers.failingStarts = 0
    const asked = test.ask(kept)
    await test.pass(110)
    expect(asked.lease).not.toBeNull()
  })

  test('gives its memory back', async () => {
    const test = new TestPool()
    test.workers.failingStarts = 2
    test.ask()
    await test.pass(1000)
    expect(test.pool.reservedBytes).toBe(0)
  })

  test('as a generic worker is tried ever more rarely, and for ever', async () => {
    const test = new TestPool({ genericFloor: 4 })
    test.workers.failingStarts = Number.POSITIVE_INFINITY
    await test.withRuntime()
    await test.pass(600_000)
    expect(test.workers.asked, 'four in a round, about seventeen rounds').toBeLessThan(90)
    test.workers.failingStarts = 0
    await test.pass(65_000)
    expect(test.pool.capacity('taibai/nodejs').available).toBe(4)
  })

  test('as a generic worker does not hold up a call', async () => {
    const test = new TestPool({ genericFloor: 1 })
    test.workers.failingStarts = 3
    await test.withRuntime()
    await test.pass(1000)
    const asked = test.ask()
    await test.pass(2000)
    expect(asked.lease).not.toBeNull()
  })

  test('as an image that listens is treated alike', async () => {
    const test = new TestPool()
    const image = aRevision({ kind: 'http', image: 'web', runtimeId: null })
    test.workers.failingStarts = 2
    const asked = test.ask(image)
    await test.pass(1000)
    expect(asked.error).toMatchObject({ code: 'engine_failed' })
    expect(test.pool.reservedBytes).toBe(0)
  })
})

describe('a worker that cannot be bound', () => {
  test('is ended, and another is tried', async () => {
    const test = new TestPool()
    test.workers.failingBinds = 1
    const lease = await test.take()
    expect(lease.worker).toBe('w2')
    await test.pass(50)
    expect(test.workers.alive.map(({ name }) => name)).toEqual(['w2'])
    test.check(true)
  })

  test('twice is heard by the call', async () => {
    const test = new TestPool()
    test.workers.failingBinds = 2
    const asked = test.ask()
    await test.pass(1000)
    expect(asked.error).toMatchObject({ code: 'engine_failed' })
    expect(test.pool.reservedBytes).toBe(0)
  })

  test('because it had just died is not the function’s fault', async () => {
    const test = new TestPool({ genericFloor: 1 })
    test.workers.stillborn = 1
    await test.withRuntime()
    const lease = await test.take()
    expect(lease.worker).not.toBe('w1')
  })

  test('failing for ever, generic ones that end at once do not keep the pool busy', async () => {
    const test = new TestPool({ genericFloor: 2 })
    test.workers.stillborn = Number.POSITIVE_INFINITY
    await test.withRuntime()
    await test.pass(60_000)
    expect(test.workers.asked).toBeLessThan(30)
  })
})

describe('code that cannot be loaded', () => {
  test('is reported to every waiting call, with the output', async () => {
    const test = new TestPool()
    test.workers.broken.add('f1')
    const asked = [test.ask(), test.ask()]
    await test.pass(1000)
    for (const { loadFailure } of asked) {
      expect(loadFailure).toMatchObject({
        outcome: { kind: 'raised', error: { type: 'SyntaxError' } },
        log: 'loading\n',
        startKind: 'cold',
        coldReason: 'first',
        loadMs: 10,
      })
    }
  })

  test('leaves no worker and no memory', async () => {
    const test = new TestPool()
    test.workers.broken.add('f1')
    test.ask()
    await test.pass(1000)
    expect(test.workers.alive).toHaveLength(0)
    expect(test.pool.reservedBytes).toBe(0)
  })

  test('is tried again for the next call', async () => {
    const test = new TestPool()
    test.workers.broken.add('f1')
    test.ask()
    await test.pass(1000)
    test.workers.broken.clear()
    expect((await test.take()).kind).toBe('lease')
  })

  test('is not started over and over for a minimum', async () => {
    const test = new TestPool()
    test.workers.broken.add('f1')
    test.pool.keep(aRevision({ minWorkers: 2 }))
    await test.pass(60_000)
    expect(test.workers.asked).toBeLessThan(25)
  })

  test('makes up the minimum once it can be loaded', async () => {
    const test = new TestPool()
    test.workers.broken.add('f1')
    test.pool.keep(aRevision({ minWorkers: 2 }))
    await test.pass(60_000)
    test.workers.broken.clear()
    await test.pass(65_000)
    expect(test.workers.of('f1')).toHaveLength(2)
  })
})

describe('a worker that dies', () => {
  test('ends its calls as the function’s doing, and is replaced for the next', async () => {
    const test = new TestPool()
    test.workers.behaviour = () => new Promise(() => {})
    const lease = await test.take()
    const outcome = lease.call(aCall())
    test.workers.named(lease.worker).die()
    expect(await outcome).toMatchObject({ kind: 'killed' })
    test.release(lease)
    const next = await test.take()
    expect(next).toMatchObject({ startKind: 'cold', coldReason: 'worker_died' })
  })

  test('while idle serves nobody any more, from that moment', async () => {
    const test = new TestPool()
    const first = await test.run()
    test.workers.killMs = 10_000
    test.workers.named(first.lease.worker).die()
    expect((await test.take()).worker).not.toBe(first.lease.worker)
  })

  test('with several calls in flight takes no more, and goes when the last was given back', async () => {
    const test = new TestPool()
    const two = aRevision({ concurrency: 3 })
    const [a, b] = [await test.take(two), await test.take(two)]
    test.workers.named(a.worker).die()
    test.release(a)
    const next = await test.take(two)
    expect(next.worker).not.toBe(a.worker)
    test.release(b)
    await test.pass(100)
    expect(test.pool.workers().map(({ name }) => name)).toEqual([next.worker])
  })

  test('after its deadline is gone, and its memory free', async () => {
    const test = new TestPool()
    test.workers.behaviour = () => new Promise(() => {})
    const lease = await test.take(aRevision({ timeoutMs: 500 }))
    const outcome = lease.call(aCall())
    await test.pass(500)
    expect(await outcome).toMatchObject({ kind: 'timeout' })
    test.release(lease)
    expect(test.pool.reservedBytes).toBe(0)
    await test.pass(50)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('again and again before it serves a call is not restarted over and over for a minimum', async () => {
    const test = new TestPool()
    test.workers.endingOnceBound = Number.POSITIVE_INFINITY
    test.pool.keep(aRevision({ minWorkers: 1 }))
    await test.pass(60_000)
    expect(test.workers.asked).toBeLessThan(25)
  })

  test('as soon as it is bound is tried once more for the call that waits', async () => {
    const test = new TestPool()
    test.workers.endingOnceBound = 1
    expect((await test.take()).worker).toBe('w2')
  })

  test('as soon as it is bound, twice, is heard by the call', async () => {
    const test = new TestPool()
    test.workers.endingOnceBound = 2
    const asked = test.ask()
    await test.pass(2000)
    expect(asked.error).toMatchObject({ code: 'engine_failed', message: expect.stringContaining('before it served') })
  })
})
