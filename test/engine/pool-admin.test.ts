import { describe, expect, test } from 'vitest'
import { settled } from '../support/fake-clock.ts'
import { aCall, aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

const newer = aRevision({ packageHash: 'newer' })

describe('new code', () => {
  test('idle workers of the old go at once', async () => {
    const test = new TestPool()
    await test.run()
    test.pool.retire('f1', 0, 'new_code')
    expect(test.pool.reservedBytes).toBe(0)
    await test.pass(50)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('a busy worker of the old ends its calls and then goes', async () => {
    const test = new TestPool()
    const lease = await test.take()
    test.pool.retire('f1', 0, 'new_code')
    expect(test.pool.workers()).toMatchObject([{ name: lease.worker, state: 'leaving' }])
    expect(await lease.call(aCall())).toMatchObject({ kind: 'returned' })
    test.release(lease)
    await test.pass(50)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('is what the next call gets', async () => {
    const test = new TestPool()
    const old = await test.take()
    test.pool.retire('f1', 0, 'new_code')
    const lease = await test.take(newer)
    expect(lease).toMatchObject({ startKind: 'cold', coldReason: 'new_code' })
    expect(test.workers.named(lease.worker).revision?.packageHash).toBe('newer')
    test.release(old)
  })

  test('keeps the worker that it was tried in, for the next call', async () => {
    const test = new TestPool()
    const old = await test.take()
    const tried = await test.take(newer)
    test.release(tried)
    test.pool.retire('f1', 0, 'new_code', newer)
    test.release(old)
    await test.pass(50)
    expect(test.pool.workers().map(({ name }) => name)).toEqual([tried.worker])
    expect(await test.take(newer)).toMatchObject({ worker: tried.worker, startKind: 'warm' })
  })

  test('that was only tried goes, and the old stays', async () => {
    const test = new TestPool()
    const old = await test.take()
    test.release(old)
    test.release(await test.take(newer))
    test.pool.discard(newer)
    await test.pass(50)
    expect(test.pool.workers().map(({ name }) => name)).toEqual([old.worker])
    expect(await test.take()).toMatchObject({ worker: old.worker, startKind: 'warm' })
    expect(await test.take(newer)).toMatchObject({ startKind: 'cold' })
  })

  test('calls that wait for the old still get it', async () => {
    const test = new TestPool()
    const only = aRevision({ maxWorkers: 1 })
    const busy = await test.take(only)
    const waiting = test.ask(only)
    test.pool.retire('f1', 0, 'new_code')
    test.release(busy)
    await test.pass(500)
    expect(waiting.lease).not.toBeNull()
    expect(test.workers.named(waiting.lease?.worker as string).revision?.packageHash).toBe('hash')
    test.release(waiting.lease)
    await test.pass(50)
    expect(test.workers.alive, 'nothing stays of the old').toHaveLength(0)
  })

  test('a worker of the old that is still being started serves who waits, and goes', async () => {
    const test = new TestPool()
    const waiting = test.ask()
    await test.pass(50)
    test.pool.retire('f1', 0, 'new_code')
    await test.pass(100)
    test.release(waiting.lease)
    await test.pass(50)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('a worker of the old that is being started for nobody any more goes', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 2)
    await test.pass(50)
    test.pool.retire('f1', 0, 'new_code')
    await test.pass(500)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('a worker of the old that is just being bound for nobody goes', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 1)
    await test.pass(105)
    test.pool.retire('f1', 0, 'new_code')
    await test.pass(500)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('a worker of the old takes no further call, although it has room', async () => {
    const test = new TestPool()
    const only = aRevision({ concurrency: 2, maxWorkers: 1 })
    const [a] = [await test.take(only), await test.take(only)]
    const waiting = test.ask(only)
    test.pool.retire('f1', 0, 'new_code')
    test.release(a)
    await settled()
    expect(waiting.isOver).toBe(false)
  })

  test('a job that expected the old warms nothing', async () => {
    const test = new TestPool()
    test.pool.expect(aRevision(), test.clock.now() + 60_000)
    test.pool.retire('f1', 0, 'new_code')
    await test.pass(60_000)
    expect(test.workers.asked).toBe(0)
  })

  test.each([
    ['one version', 0, ['f1/1', 'f2/0']],
    ['all versions', null, ['f2/0']],
  ])('of %s leaves the workers of others alone', async (_what, version, left) => {
    const test = new TestPool()
    await test.run(aRevision())
    await test.run(aRevision({ functionVersion: 1 }))
    await test.run(aRevision({ functionId: 'f2' }))
    test.pool.retire('f1', version, 'new_code')
    await test.pass(50)
    expect(test.pool.workers().map((worker) => `${worker.functionId}/${worker.functionVersion}`)).toEqual(left)
  })

  test('workers that were told to go by hand come back with the next call, of the same code', async () => {
    const test = new TestPool()
    const busy = await test.take()
    test.pool.retire('f1', 0, 'evicted')
    const next = await test.take()
    expect(next).toMatchObject({ startKind: 'cold', coldReason: 'evicted' })
    expect(test.pool.workers().map(({ state }) => state)).toEqual(['leaving', 'busy'])
    test.release(busy)
  })
})

describe('scaling by hand', () => {
  test('up binds the number of further workers asked for, idle', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 3)
    await test.pass(500)
    expect(test.workers.of('f1')).toHaveLength(3)
    expect(test.pool.workers().map(({ state }) => state)).toEqual(['idle', 'idle', 'idle'])
  })

  test('up adds to those that are there', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    await test.run()
    test.pool.scaleUp(aRevision(), 2)
    await test.pass(500)
    expect(test.workers.of('f1')).toHaveLength(3)
  })

  test('up never goes beyond the maximum', async () => {
    const test = new TestPool()
    const two = aRevision({ maxWorkers: 2 })
    await test.run(two)
    test.pool.scaleUp(two, 5)
    await test.pass(500)
    expect(test.workers.of('f1')).toHaveLength(2)
  })

  test('up serves a call that comes meanwhile', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 1)
    const asked = test.ask()
    await test.pass(500)
    expect(asked.lease).not.toBeNull()
    expect(test.workers.asked).toBe(1)
  })

  test('down drops idle workers', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 4)
    await test.pass(500)
    test.pool.scaleDown('f1', 0, 2)
    await test.pass(50)
    expect(test.workers.of('f1')).toHaveLength(2)
  })

  test('down keeps one', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 3)
    await test.pass(500)
    test.pool.scaleDown('f1', 0, 10)
    await test.pass(50)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('down twice keeps one', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 3)
    await test.pass(500)
    test.pool.scaleDown('f1', 0, 1)
    test.pool.scaleDown('f1', 0, 5)
    await test.pass(50)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('down keeps the minimum', async () => {
    const test = new TestPool()
    const kept = aRevision({ minWorkers: 2 })
    test.pool.keep(kept)
    test.pool.scaleUp(kept, 2)
    await test.pass(500)
    test.pool.scaleDown('f1', 0, 10)
    await test.pass(500)
    expect(test.workers.of('f1')).toHaveLength(2)
    expect(test.workers.asked, 'none was dropped to be started again').toBe(4)
  })

  test('down drops no busy worker', async () => {
    const test = new TestPool()
    const [a, b, c] = [await test.take(), await test.take(), await test.take()]
    test.release(c)
    test.pool.scaleDown('f1', 0, 10)
    await test.pass(50)
    expect(test.workers.of('f1').map(({ name }) => name)).toEqual([a.worker, b.worker])
  })

  test('down concerns its version only', async () => {
    const test = new TestPool()
    test.pool.scaleUp(aRevision(), 2)
    test.pool.scaleUp(aRevision({ functionVersion: 1 }), 2)
    await test.pass(500)
    test.pool.scaleDown('f1', 1, 10)
    await test.pass(50)
    expect(test.pool.workers().map(({ functionVersion }) => functionVersion)).toEqual([0, 0, 1])
  })
})

describe('a call that is expected', () => {
  const inAMinute = (test: TestPool, revision = aRevision()) => test.pool.expect(revision, test.clock.now() + 60_000)

  test('finds a worker that was made warm shortly before', async () => {
    const test = new TestPool()
    inAMinute(test)
    await test.pass(58_000)
    expect(test.workers.asked).toBe(0)
    await test.pass(2000)
    expect(test.workers.of('f1')).toHaveLength(1)
    expect((await test.take()).startKind).toBe('warm')
  })

  test('in a moment, or before now, is prepared for at once', async () => {
    const test = new TestPool()
    test.pool.expect(aRevision(), test.clock.now() - 5000)
    await test.pass(200)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('needs no other worker when one is idle', async () => {
    const test = new TestPool()
    await test.run()
    inAMinute(test)
    await test.pass(60_000)
    expect(test.workers.asked).toBe(1)
  })

  test('gets another when all are busy', async () => {
    const test = new TestPool()
    await test.take()
    inAMinute(test)
    await test.pass(60_000)
    expect(test.workers.of('f1')).toHaveLength(2)
  })

  test('gets no other when all that may be are busy', async () => {
    const test = new TestPool()
    const only = aRevision({ maxWorkers: 1 })
    await test.take(only)
    inAMinute(test, only)
    await test.pass(60_000)
    expect(test.workers.asked).toBe(1)
  })

  test('twice at once needs one worker', async () => {
    const test = new TestPool()
    inAMinute(test)
    inAMinute(test)
    await test.pass(60_000)
    expect(test.workers.asked).toBe(1)
  })
})

describe('runtimes', () => {
  const runtime = { id: 'nodejs', image: 'taibai/nodejs', memoryBytes: 128 * mib, trusted: true }

  test('one that is added again as it was keeps its workers', async () => {
    const test = new TestPool({ genericFloor: 2 })
    await test.withRuntime()
    test.pool.addRuntime(runtime)
    await test.pass(500)
    expect(test.workers.asked).toBe(2)
  })

  test('one whose image changed drops the old workers and starts new ones', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    test.pool.addRuntime({ ...runtime, image: 'taibai/nodejs:2' })
    await test.pass(500)
    expect(test.pool.capacity('taibai/nodejs')).toEqual({ total: 0, available: 0 })
    expect(test.pool.capacity('taibai/nodejs:2')).toEqual({ total: 1, available: 1 })
  })

  test('one that is removed drops its generic workers, those on their way included', async () => {
    const test = new TestPool({ genericFloor: 2, maxParallelStarts: 1 })
    test.pool.addRuntime(runtime)
    await test.pass(150)
    test.pool.removeRuntime('nodejs')
    await test.pass(500)
    expect(test.workers.alive).toHaveLength(0)
    expect(test.pool.reservedBytes).toBe(0)
  })

  test('one that shares its image with another keeps the workers while the other is there', async () => {
    const test = new TestPool({ genericFloor: 1 })
    test.pool.addRuntime(runtime)
    test.pool.addRuntime({ ...runtime, id: 'qinling-nodejs' })
    await test.pass(200)
    test.pool.removeRuntime('nodejs')
    await test.pass(200)
    expect(test.pool.capacity('taibai/nodejs').available).toBe(1)
  })

  test('one that is not there can be removed', () => {
    const test = new TestPool()
    expect(() => test.pool.removeRuntime('nowhere')).not.toThrow()
  })

  test('capacity counts bound and ready workers', async () => {
    const test = new TestPool({ genericFloor: 2 })
    await test.withRuntime()
    await test.take()
    await test.pass(500)
    expect(test.pool.capacity('taibai/nodejs')).toEqual({ total: 3, available: 2 })
  })
})

describe('the list of workers', () => {
  test('is empty when there are none, and names each with what it serves', async () => {
    const test = new TestPool()
    expect(test.pool.workers()).toEqual([])
    await test.run(aRevision({ functionVersion: 2 }))
    const busy = await test.take(aRevision({ functionId: 'f2' }))
    expect(test.pool.workers()).toEqual([
      { name: 'w1', functionId: 'f1', functionVersion: 2, runtimeId: 'nodejs', state: 'idle' },
      { name: busy.worker, functionId: 'f2', functionVersion: 0, runtimeId: 'nodejs', state: 'busy' },
    ])
  })

  test('does not show generic workers', async () => {
    const test = new TestPool({ genericFloor: 2 })
    await test.withRuntime()
    expect(test.pool.workers()).toEqual([])
  })
})

describe('closing', () => {
  test('new calls are refused', async () => {
    const test = new TestPool()
    await test.run()
    void test.pool.close(1000)
    await expect(test.pool.acquire(aRevision())).rejects.toMatchObject({ code: 'shutting_down' })
  })

  test('new runs of images end as the platform’s fault', async () => {
    const test = new TestPool()
    void test.pool.close(1000)
    expect(await test.pool.runCommand(aRevision({ kind: 'command' }), aCall())).toMatchObject({ kind: 'platform' })
  })

  test('calls that wait are refused', async () => {
    const test = new TestPool()
    const asked = test.ask()
    void test.pool.close(1000)
    await settled()
    expect(asked.error).toMatchObject({ code: 'shutting_down' })
  })

  test('runs of images that wait for memory end as the platform’s fault', async () => {
    const test = new TestPool({ budgetMib: 128 })
    await test.take()
    const outcome = test.pool.runCommand(aRevision({ kind: 'command' }), aCall())
    await settled()
    void test.pool.close(1000)
    expect(await outcome).toMatchObject({ kind: 'platform' })
  })

  test('with nothing running ends at once, and leaves no worker', async () => {
    const test = new TestPool({ genericFloor: 2 })
    await test.withRuntime()
    await test.run()
    await test.pass(500)
    const closed = test.pool.close(60_000)
    await test.pass(test.workers.killMs)
    await closed
    expect(test.workers.alive).toHaveLength(0)
  })

  test('waits for calls in flight, and serves them', async () => {
    const test = new TestPool()
    const lease = await test.take()
    let isClosed = false
    const closed = test.pool.close(60_000).then(() => {
      isClosed = true
    })
    await test.pass(30_000)
    expect(isClosed).toBe(false)
    expect(await lease.call(aCall())).toMatchObject({ kind: 'returned' })
    test.release(lease)
    await test.pass(test.workers.killMs)
    await closed
    expect(test.clock.armed, 'the deadline is not waited for').toBe(0)
  })

  test('waits for runs of images', async () => {
    const test = new TestPool()
    const outcome = test.pool.runCommand(aRevision({ kind: 'command' }), aCall())
    await settled()
    const closed = test.pool.close(60_000)
    await test.pass(30_000)
    test.workers.endCommand()
    expect(await outcome).toMatchObject({ kind: 'returned' })
    await closed
  })

  test('ends calls and runs that last longer than the deadline, as the platform’s fault', async () => {
    const test = new TestPool()
    test.workers.behaviour = () => new Promise(() => {})
    const lease = await test.take()
    const call = lease.call(aCall())
    const run = test.pool.runCommand(aRevision({ kind: 'command' }), aCall())
    await settled()
    const closed = test.pool.close(5000)
    await test.pass(5000)
    expect(await call).toMatchObject({ kind: 'platform' })
    expect(await run).toMatchObject({ kind: 'platform' })
    await test.pass(test.workers.killMs)
    await closed
  })

  test('waits for starts under way, begins none of those in line, and leaves nothing of either', async () => {
    const test = new TestPool({ genericFloor: 6, maxParallelStarts: 2 })
    test.pool.addRuntime({ id: 'nodejs', image: 'taibai/nodejs', memoryBytes: 128 * mib, trusted: true })
    test.ask()
    await test.pass(50)
    const closed = test.pool.close(1000)
    await test.pass(50 + test.workers.killMs)
    await closed
    expect(test.workers.asked).toBe(2)
    expect(test.workers.alive).toHaveLength(0)
  })

  test('ends workers of code that is not current any more, busy ones too', async () => {
    const test = new TestPool()
    const old = await test.take()
    test.pool.retire('f1', 0, 'evicted')
    await test.take()
    void old
    const closed = test.pool.close(1000)
    await test.pass(1000 + test.workers.killMs)
    await closed
    expect(test.workers.alive).toHaveLength(0)
  })

  test('forgets what it expected', async () => {
    const test = new TestPool()
    test.pool.expect(aRevision(), test.clock.now() + 3_600_000)
    await test.pool.close(1000)
    expect(test.clock.armed).toBe(0)
  })

  test('twice is closing once', async () => {
    const test = new TestPool()
    await test.run()
    const [first, second] = [test.pool.close(1000), test.pool.close(1000)]
    await test.pass(1000)
    await Promise.all([first, second])
  })
})
