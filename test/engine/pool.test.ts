import { describe, expect, test } from 'vitest'
import { settled } from '../support/fake-clock.ts'
import { aCall, aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

describe('calls that get no worker', () => {
  test('a function that needs more than all memory is refused at once, and nothing is started', async () => {
    const { pool, workers } = new TestPool({ budgetMib: 256 })
    await expect(pool.acquire(aRevision({ memoryBytes: 257 * mib }))).rejects.toMatchObject({
      code: 'no_worker',
      message: expect.stringContaining('TAIBAI_MEMORY_BUDGET_MB'),
    })
    expect(workers.asked).toBe(0)
  })

  test('a call is refused when as many wait as may', async () => {
    const test = new TestPool({ maxWaiting: 2 })
    test.ask()
    test.ask()
    const third = test.ask()
    await settled()
    expect(third.error).toMatchObject({ code: 'no_worker', message: expect.stringContaining('2 calls') })
    expect(test.waiting).toHaveLength(2)
  })

  test('the bound of those that wait is of each function', async () => {
    const test = new TestPool({ maxWaiting: 1 })
    test.ask(aRevision())
    const other = test.ask(aRevision({ functionId: 'f2' }))
    await settled()
    expect(other.isOver).toBe(false)
  })

  test('a call waits no longer than the limit, and says how long that was', async () => {
    const test = new TestPool({ acquireTimeoutMs: 5000 })
    const only = aRevision({ maxWorkers: 1 })
    await test.take(only)
    const late = test.ask(only)
    await test.pass(4999)
    expect(late.isOver).toBe(false)
    await test.pass(1)
    expect(late.error).toMatchObject({ code: 'no_worker', message: expect.stringContaining('5 s') })
  })

  test('a call that gave up waiting is not served, the next one is', async () => {
    const test = new TestPool({ acquireTimeoutMs: 5000 })
    const only = aRevision({ maxWorkers: 1 })
    const busy = await test.take(only)
    const early = test.ask(only)
    await test.pass(2500)
    const later = test.ask(only)
    await test.pass(2500)
    test.release(busy)
    await settled()
    expect([early.lease, later.lease?.worker]).toEqual([null, busy.worker])
  })
})

describe('warm workers', () => {
  test('the second call of a function is served by the worker of the first, without waiting', async () => {
    const test = new TestPool()
    const first = await test.run()
    const second = test.ask()
    await settled()
    expect(second.lease).toMatchObject({ worker: first.lease.worker, startKind: 'warm', coldReason: null, loadMs: 0 })
    expect(test.workers.asked).toBe(1)
  })

  test('one after the other, any number of calls share one worker', async () => {
    const test = new TestPool()
    for (let n = 0; n < 50; n++) await test.run()
    expect(test.workers.named('w1').calls).toBe(50)
    expect(test.workers.asked).toBe(1)
  })

  test('the worker used last is used first, so that the others grow old', async () => {
    const test = new TestPool()
    const [a, b] = [await test.take(), await test.take()]
    test.release(a)
    test.release(b)
    expect((await test.take()).worker).toBe(b.worker)
  })

  test('a worker serves its own function only', async () => {
    const test = new TestPool()
    const first = await test.run(aRevision())
    const other = await test.run(aRevision({ functionId: 'f2' }))
    expect(other.lease.worker).not.toBe(first.lease.worker)
    expect(test.workers.named(other.lease.worker).revision?.functionId).toBe('f2')
  })

  test('a version has workers of its own', async () => {
    const test = new TestPool()
    const current = await test.run(aRevision())
    const published = await test.run(aRevision({ functionVersion: 1 }))
    expect(published.lease.worker).not.toBe(current.lease.worker)
  })

  test('bounds and deadline may change, and the worker stays', async () => {
    const test = new TestPool()
    const first = await test.run()
    const changed = await test.run(aRevision({ maxWorkers: 3, idleTimeoutMs: 9000, timeoutMs: 1000 }))
    expect(changed.lease.worker).toBe(first.lease.worker)
  })

  test('the deadline in force is that of the call, not of the start', async () => {
    const test = new TestPool()
    test.workers.behaviour = () => new Promise(() => {})
    const lease = await test.take(aRevision({ timeoutMs: 1000 }))
    const outcome = lease.call(aCall())
    await test.pass(1000)
    expect(await outcome).toMatchObject({ kind: 'timeout' })
  })

  test('an idle worker without a time-out of its own is kept for as long as nobody needs the memory', async () => {
    const test = new TestPool()
    await test.run()
    await test.pass(3_600_000)
    expect((await test.run()).lease.startKind).toBe('warm')
  })
})

describe('cold starts', () => {
  test('a worker that was started for the call serves it, and says what loading cost', async () => {
    const test = new TestPool()
    const asked = test.ask()
    await test.pass(109)
    expect(asked.isOver).toBe(false)
    await test.pass(1)
    expect(asked.lease).toMatchObject({ startKind: 'cold', coldReason: 'first', loadMs: 10 })
  })

  test('no more are started at once than the limit says', async () => {
    const test = new TestPool({ maxParallelStarts: 2 })
    const asked = Array.from({ length: 6 }, () => test.ask())
    await test.pass(500)
    expect(asked.every(({ lease }) => lease !== null)).toBe(true)
    expect(test.workers.mostStarting).toBe(2)
  })

  test('images are bounded alike until the engine has started them', async () => {
    const test = new TestPool({ maxParallelStarts: 2 })
    const image = aRevision({ kind: 'http', image: 'web', runtimeId: null })
    const asked = Array.from({ length: 6 }, () => test.ask(image))
    await test.pass(500)
    expect(asked.every(({ lease }) => lease !== null)).toBe(true)
    expect(test.workers.mostInEngine).toBe(2)
  })

  test('images that never listen hold up no other project', async () => {
    const test = new TestPool({ maxParallelStarts: 2 })
    for (let n = 0; n < 8; n++) {
      test.ask(aRevision({ functionId: `mute${n}`, projectId: 'mute', kind: 'http', image: 'mute', runtimeId: null }))
    }
    const asked = test.ask(aRevision({ projectId: 'other' }))
    await test.pass(test.workers.startMs * 1.5 + test.workers.bindMs)
    expect(asked.lease).not.toBeNull()
    expect(test.workers.mostInEngine).toBe(2)
  })

  test('calls are served in the order they came', async () => {
    const test = new TestPool()
    const only = aRevision({ maxWorkers: 1 })
    const busy = await test.take(only)
    const waiting = [test.ask(only), test.ask(only), test.ask(only)]
    test.release(busy)
    await settled()
    expect(waiting.map(({ isOver }) => isOver)).toEqual([true, false, false])
  })

  test('a busy worker that comes free before the new one is up serves the call', async () => {
    const test = new TestPool()
    const busy = await test.take()
    const second = test.ask()
    await test.pass(50)
    test.release(busy)
    await settled()
    expect(second.lease).toMatchObject({ worker: busy.worker, startKind: 'warm', coldReason: null })
  })

  test('a new worker that is up before the busy one comes free serves the call', async () => {
    const test = new TestPool()
    const busy = await test.take()
    const second = test.ask()
    await test.pass(200)
    expect(second.lease).toMatchObject({ startKind: 'cold', coldReason: 'scale_out' })
    expect(second.lease?.worker).not.toBe(busy.worker)
  })

  test('a start that became superfluous is kept as a generic worker for the next function', async () => {
    const test = new TestPool({ maxParallelStarts: 1 })
    await test.withRuntime()
    const busy = await test.take()
    const second = test.ask()
    await test.pass(50)
    test.release(busy)
    await test.pass(200)
    expect(second.lease?.worker).toBe(busy.worker)
    const other = await test.take(aRevision({ functionId: 'f2' }))
    expect(other).toMatchObject({ startKind: 'prewarmed', coldReason: 'first' })
  })

  test('a start that became superfluous is ended where no generic workers are kept', async () => {
    const test = new TestPool()
    const busy = await test.take()
    test.ask()
    await test.pass(50)
    test.release(busy)
    await test.pass(200)
    expect(test.workers.asked).toBe(2)
    expect(test.workers.alive.map(({ name }) => name)).toEqual([busy.worker])
  })

  test('starts in line that became superfluous are not begun', async () => {
    const test = new TestPool({ maxParallelStarts: 1 })
    const asked = Array.from({ length: 30 }, () => test.ask())
    await test.pass(110)
    for (let served = 0; served < 29; served++) {
      test.release(test.held[0] ?? null)
      await settled()
    }
    expect(asked.every(({ lease }) => lease !== null)).toBe(true)
    await test.pass(5000)
    expect(test.workers.asked, 'one served, one was being started').toBeLessThanOrEqual(2)
  })

  test('the first worker of a function is kept although its call gave up waiting', async () => {
    const test = new TestPool({ acquireTimeoutMs: 50 })
    const asked = test.ask()
    await test.pass(500)
    expect(asked.error).toMatchObject({ code: 'no_worker' })
    expect((await test.take()).startKind).toBe('warm')
  })
})

describe('generic workers', () => {
  test('none are kept before the runtime is there, nor when the floor is zero', async () => {
    const test = new TestPool()
    await test.withRuntime()
    await test.pass(5000)
    expect(test.workers.asked).toBe(0)
  })

  test('as many as the floor are started ahead', async () => {
    const test = new TestPool({ genericFloor: 3 })
    await test.withRuntime()
    expect(test.pool.capacity('taibai/nodejs')).toEqual({ total: 3, available: 3 })
  })

  test('one is bound to the call that needs it, and serves it without a start', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    const asked = test.ask()
    await test.pass(10)
    expect(asked.lease).toMatchObject({ worker: 'w1', startKind: 'prewarmed', coldReason: 'first', loadMs: 10 })
  })

  test('the one taken is replaced in the background, after the call that took it could be answered', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    await test.take()
    const before = test.workers.asked
    expect(test.pool.capacity('taibai/nodejs')).toEqual({ total: 1, available: 0 })
    await test.pass(19)
    expect(test.workers.asked).toBe(before)
    await test.pass(101)
    expect(test.pool.capacity('taibai/nodejs')).toEqual({ total: 2, available: 1 })
  })

  test('the one taken is replaced, too, while the code of its function loads for long', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    test.workers.bindMs = 10_000
    const asked = test.ask()
    await test.pass(200 + test.workers.startMs)
    expect(asked.isOver).toBe(false)
    expect(test.pool.capacity('taibai/nodejs').available).toBe(1)
    await test.pass(10_000)
  })

  test('the next ones are asked for at once when a call finds none', async () => {
    const test = new TestPool({ genericFloor: 2 })
    await test.withRuntime()
    for (let n = 0; n < 3; n++) test.ask(aRevision({ functionId: `burst${n}` }))
    await settled()
    expect(test.workers.asked, 'two before, one for the third call, and the next').toBeGreaterThan(3)
    await test.pass(500)
  })

  test('more are kept when several were taken at once', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    for (let n = 0; n < 4; n++) test.ask(aRevision({ functionId: `burst${n}` }))
    await test.pass(2000)
    expect(test.pool.capacity('taibai/nodejs').available).toBe(4)
  })

  test('a call that starts its own does not take the background start for granted', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    const asked = [0, 1, 2].map((n) => test.ask(aRevision({ functionId: `f${n}` })))
    await test.pass(120)
    expect(asked.map(({ lease }) => lease?.startKind)).toEqual(['prewarmed', 'cold', 'cold'])
  })

  test('whichever comes up first goes to the call that waits longest', async () => {
    const test = new TestPool({ genericFloor: 1, maxParallelStarts: 1 })
    test.pool.addRuntime({ id: 'nodejs', image: 'taibai/nodejs', memoryBytes: 128 * mib, trusted: true })
    await test.pass(50)
    const asked = test.ask()
    await test.pass(60)
    expect(asked.lease, 'started ahead, before the call').toMatchObject({ worker: 'w1', startKind: 'cold' })
  })

  test.each([
    ['the network', { network: 'none' as const }],
    ['the size of /tmp', { tmpSizeBytes: 5_000_000 }],
    ['the image', { image: 'taibai/python3', runtimeId: 'python3' }],
    ['trust', { trusted: false }],
  ])('one that differs in %s is not used', async (_what, differing) => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    const lease = await test.take(aRevision(differing))
    expect(lease).toMatchObject({ startKind: 'cold', coldReason: 'first' })
    expect(lease.worker).not.toBe('w1')
  })

  test('a function that needs more memory gets it when its worker is bound', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    const lease = await test.take(aRevision({ memoryBytes: 512 * mib }))
    expect(lease).toMatchObject({ worker: 'w1', startKind: 'prewarmed' })
    await test.pass(200)
    expect(test.pool.reservedBytes).toBe((512 + 128) * mib)
  })

  test('a function that asks for less than its runtime needs gives the rest back', async () => {
    const test = new TestPool()
    await test.withRuntime({ memoryBytes: 256 * mib })
    await test.take(aRevision({ memoryBytes: 128 * mib }))
    await test.pass(200)
    test.check(true)
    expect(test.pool.reservedBytes, 'its own, and the next generic one').toBe((128 + 256) * mib)
  })

  test('one that died while it was ready serves nobody and is replaced', async () => {
    const test = new TestPool({ genericFloor: 1 })
    await test.withRuntime()
    test.workers.named('w1').die()
    const lease = await test.take()
    expect(lease.worker).not.toBe('w1')
    await test.pass(5000)
    expect(test.pool.capacity('taibai/nodejs').available).toBe(1)
  })

  test('they take no more than half of the memory', async () => {
    const test = new TestPool({ genericFloor: 10, budgetMib: 1024 })
    await test.withRuntime()
    await test.pass(1000)
    expect(test.pool.capacity('taibai/nodejs').available).toBe(4)
  })

  test('they are started behind what calls wait for', async () => {
    const test = new TestPool({ genericFloor: 4, maxParallelStarts: 1 })
    test.pool.addRuntime({ id: 'nodejs', image: 'taibai/nodejs', memoryBytes: 128 * mib, trusted: true })
    await test.pass(10)
    const asked = test.ask(aRevision({ image: 'taibai/python3', runtimeId: 'python3' }))
    await test.pass(90 + 110)
    expect(asked.lease, 'one generic was being started, three were in line').not.toBeNull()
  })
})

describe('several calls in one worker', () => {
  const four = aRevision({ concurrency: 4 })

  test('as many as the function allows share a worker, one more gets another', async () => {
    const test = new TestPool()
    const leases = []
    for (let n = 0; n < 5; n++) leases.push(await test.take(four))
    const names = leases.map(({ worker }) => worker)
    expect(new Set(names.slice(0, 4)).size).toBe(1)
    expect(names[4]).not.toBe(names[0])
  })

  test('calls that come together wait for as few workers as can take them', async () => {
    const test = new TestPool()
    const asked = Array.from({ length: 8 }, () => test.ask(four))
    await test.pass(200)
    expect(asked.every(({ lease }) => lease !== null)).toBe(true)
    expect(test.workers.asked).toBe(2)
  })

  test('only the first call of a new worker is charged with its start', async () => {
    const test = new TestPool()
    const asked = Array.from({ length: 4 }, () => test.ask(four))
    await test.pass(200)
    expect(asked.map(({ lease }) => lease?.startKind)).toEqual(['cold', 'warm', 'warm', 'warm'])
    expect(asked.map(({ lease }) => lease?.loadMs)).toEqual([10, 0, 0, 0])
  })

  test('a place that comes free is given to the call that waits', async () => {
    const test = new TestPool()
    const only = aRevision({ concurrency: 2, maxWorkers: 1 })
    const [first] = [await test.take(only), await test.take(only)]
    const third = test.ask(only)
    await test.pass(500)
    expect(third.isOver).toBe(false)
    test.release(first)
    await settled()
    expect(third.lease?.worker).toBe(first.worker)
  })

  test('a worker is idle only when its last call has ended', async () => {
    const test = new TestPool()
    const [a, b] = [await test.take(four), await test.take(four)]
    test.release(a)
    expect(test.pool.workers()).toMatchObject([{ state: 'busy' }])
    test.release(b)
    expect(test.pool.workers()).toMatchObject([{ state: 'idle' }])
  })
})

describe('how many workers a function has', () => {
  test('never more than its maximum, however many calls wait', async () => {
    const test = new TestPool()
    const two = aRevision({ maxWorkers: 2 })
    const asked = Array.from({ length: 10 }, () => test.ask(two))
    await test.pass(1000)
    expect(asked.filter(({ lease }) => lease !== null)).toHaveLength(2)
    expect(test.workers.asked).toBe(2)
  })

  test('a worker that goes makes room below the maximum', async () => {
    const test = new TestPool()
    const only = aRevision({ maxWorkers: 1 })
    const busy = await test.take(only)
    const waiting = test.ask(only)
    test.workers.named(busy.worker).die()
    test.release(busy)
    await test.pass(500)
    expect(waiting.lease).toMatchObject({ startKind: 'cold', coldReason: 'worker_died' })
  })

  test('a maximum that is raised holds at once', async () => {
    const test = new TestPool()
    await test.take(aRevision({ maxWorkers: 1 }))
    const waiting = test.ask(aRevision({ maxWorkers: 1 }))
    await test.pass(500)
    expect(waiting.isOver).toBe(false)
    test.pool.keep(aRevision({ maxWorkers: 2 }))
    await test.pass(500)
    expect(waiting.lease).not.toBeNull()
  })

  test('its minimum is warm before the first call', async () => {
    const test = new TestPool()
    test.pool.keep(aRevision({ minWorkers: 2 }))
    await test.pass(200)
    expect(test.workers.of('f1')).toHaveLength(2)
    expect((await test.take(aRevision({ minWorkers: 2 }))).startKind).toBe('warm')
  })

  test('the maximum wins over the minimum', async () => {
    const test = new TestPool()
    test.pool.keep(aRevision({ minWorkers: 3, maxWorkers: 1 }))
    await test.pass(1000)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('its minimum is made up again when workers die', async () => {
    const test = new TestPool()
    test.pool.keep(aRevision({ minWorkers: 2 }))
    await test.pass(200)
    for (const worker of test.workers.of('f1')) worker.die()
    await test.pass(5000)
    expect(test.workers.of('f1')).toHaveLength(2)
  })

  test('its minimum outlives the idle time-out', async () => {
    const test = new TestPool()
    const kept = aRevision({ minWorkers: 1, idleTimeoutMs: 1000 })
    test.pool.keep(kept)
    test.release(await test.take(kept))
    const [a, b] = [await test.take(kept), await test.take(kept)]
    test.release(a)
    test.release(b)
    await test.pass(10_000)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('a minimum taken back keeps no worker any more', async () => {
    const test = new TestPool()
    test.pool.keep(aRevision({ minWorkers: 1, idleTimeoutMs: 1000 }))
    await test.pass(200)
    test.pool.keep(aRevision({ minWorkers: 0, idleTimeoutMs: 1000 }))
    await test.pass(10_000)
    expect(test.workers.of('f1')).toHaveLength(0)
  })

  test('a minimum that new code no longer has is not made up for it', async () => {
    const test = new TestPool()
    test.pool.keep(aRevision({ minWorkers: 2 }))
    await test.pass(200)
    test.pool.retire('f1', 0, 'new_code')
    await test.run(aRevision({ packageHash: 'newer' }))
    await test.pass(5000)
    expect(test.workers.of('f1')).toHaveLength(1)
  })
})

describe('idle time-out', () => {
  const shortLived = aRevision({ idleTimeoutMs: 5000 })

  test('a worker goes when nothing was called for this time', async () => {
    const test = new TestPool()
    await test.run(shortLived)
    await test.pass(4000)
    expect(test.workers.of('f1')).toHaveLength(1)
    await test.pass(2100)
    expect(test.workers.of('f1')).toHaveLength(0)
    expect(test.pool.reservedBytes).toBe(0)
  })

  test('a call restarts the time', async () => {
    const test = new TestPool()
    for (let n = 0; n < 5; n++) {
      await test.run(shortLived)
      await test.pass(4000)
    }
    expect(test.workers.asked).toBe(1)
  })

  test('a busy worker does not go', async () => {
    const test = new TestPool()
    await test.take(shortLived)
    await test.pass(20_000)
    expect(test.workers.of('f1')).toHaveLength(1)
  })

  test('only those go that were idle for this time', async () => {
    const test = new TestPool()
    const [a, b] = [await test.take(shortLived), await test.take(shortLived)]
    test.release(a)
    await test.pass(3000)
    test.release(b)
    await test.pass(3500)
    expect(test.workers.of('f1').map(({ name }) => name)).toEqual([b.worker])
  })
})
