import { describe, expect, test } from 'vitest'
import type { Lease } from '../../src/domain/platform/worker.ts'
import { settled } from '../support/fake-clock.ts'
import { aCall, aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

const fn = (functionId: string, memoryMib = 128, overrides = {}) =>
  aRevision({ functionId, memoryBytes: memoryMib * mib, ...overrides })

describe('idle workers make room', () => {
  test('none goes while there is room', async () => {
    const test = new TestPool({ budgetMib: 384 })
    for (const name of ['a', 'b', 'c']) await test.run(fn(name))
    expect(test.workers.alive).toHaveLength(3)
  })

  test('one goes when a worker of another function is needed', async () => {
    const test = new TestPool({ budgetMib: 256 })
    for (const name of ['a', 'b', 'c']) await test.run(fn(name))
    await test.pass(50)
    expect(test.workers.alive).toHaveLength(2)
    expect(test.workers.of('c')).toHaveLength(1)
  })

  test('the one that was called least goes', async () => {
    const test = new TestPool({ budgetMib: 384 })
    for (const name of ['a', 'b', 'c', 'a', 'c']) await test.run(fn(name))
    await test.run(fn('d'))
    expect(test.workers.of('b')).toHaveLength(0)
  })

  test('the one that holds more memory for the same use goes', async () => {
    const test = new TestPool({ budgetMib: 384 })
    await test.run(fn('small', 128))
    await test.run(fn('large', 256))
    await test.run(fn('next', 128))
    expect([test.workers.of('small').length, test.workers.of('large').length]).toEqual([1, 0])
  })

  test('the one that was popular long ago goes before those used now', async () => {
    const test = new TestPool({ budgetMib: 256 })
    for (let n = 0; n < 20; n++) await test.run(fn('old'))
    await test.pass(3_600_000)
    await test.run(fn('now'))
    await test.run(fn('next'))
    expect([test.workers.of('old').length, test.workers.of('now').length]).toEqual([0, 1])
  })

  test('as many go as a large function needs', async () => {
    const test = new TestPool({ budgetMib: 512 })
    for (const name of ['a', 'b', 'c', 'd']) await test.run(fn(name))
    await test.run(fn('large', 384))
    await test.pass(50)
    expect(test.workers.alive).toHaveLength(2)
  })

  test('a worker that is bound with more memory than it was started with makes room for the rest', async () => {
    const test = new TestPool({ budgetMib: 512, genericFloor: 1 })
    await test.withRuntime()
    await test.run(fn('a'))
    await test.run(fn('b'))
    await test.run(fn('large', 384))
    expect(test.workers.of('large')).toHaveLength(1)
    test.check()
  })

  test('busy workers never go', async () => {
    const test = new TestPool({ budgetMib: 256, acquireTimeoutMs: 2000 })
    await test.take(fn('a'))
    await test.take(fn('b'))
    const asked = test.ask(fn('c'))
    await test.pass(2000)
    expect(asked.error).toMatchObject({ code: 'no_worker' })
    expect(test.workers.alive).toHaveLength(2)
  })

  test('workers that a function always wants warm never go', async () => {
    const test = new TestPool({ budgetMib: 512, acquireTimeoutMs: 2000 })
    const kept = fn('kept', 128, { minWorkers: 2 })
    test.pool.keep(kept)
    await test.pass(200)
    const asked = test.ask(fn('other', 384))
    await test.pass(2000)
    expect(asked.error).toMatchObject({ code: 'no_worker' })
    expect(test.workers.of('kept')).toHaveLength(2)
  })

  test("its workers beyond the project's share are evicted for functions without a worker, and take only free memory", async () => {
    const test = new TestPool({ budgetMib: 1024 })
    test.pool.keep(fn('greedy', 128, { minWorkers: 1000, projectId: 'greedy' }))
    await test.pass(2000)
    expect(test.workers.of('greedy'), 'all memory while nobody else needs it').toHaveLength(8)
    const others = ['a', 'b', 'c', 'd'].map((name) => test.ask(fn(name, 128, { projectId: 'other' })))
    await test.pass(1000)
    expect(others.every(({ lease }) => lease !== null)).toBe(true)
    for (const { lease } of others) test.release(lease)
    await test.pass(5000)
    expect(test.workers.of('greedy'), 'half of the memory stays its own').toHaveLength(4)
    expect(test.workers.of('a'), 'an idle worker of others does not go for the rest').toHaveLength(1)
  })

  test('a thousand starts that one project waits for delay the first call of another by two starts', async () => {
    const test = new TestPool({ budgetMib: 64 * 1024 })
    test.workers.startMs = 1000
    test.pool.keep(fn('greedy', 128, { minWorkers: 1000, projectId: 'greedy' }))
    await test.pass(1500)
    const call = test.ask(fn('hello', 128, { projectId: 'other' }))
    await test.pass(2000)
    expect(call.lease).not.toBeNull()
    expect(test.workers.of('greedy').length).toBeLessThan(16)
  })

  test('those beyond what it always wants do', async () => {
    const test = new TestPool({ budgetMib: 256 })
    const kept = fn('kept', 128, { minWorkers: 1 })
    test.pool.keep(kept)
    const [a, b] = [await test.take(kept), await test.take(kept)]
    test.release(a)
    test.release(b)
    await test.run(fn('other'))
    expect(test.workers.of('kept')).toHaveLength(1)
  })

  test('a function does not evict its own idle workers to have more', async () => {
    const test = new TestPool({ budgetMib: 256 })
    await test.run(fn('a'))
    test.pool.scaleUp(fn('a'), 5)
    await test.pass(1000)
    expect(test.workers.of('a')).toHaveLength(2)
    expect(test.workers.asked).toBe(2)
  })

  test('what goes counts as free at once, although ending it takes a while', async () => {
    const test = new TestPool({ budgetMib: 128 })
    test.workers.killMs = 10_000
    await test.run(fn('a'))
    const asked = test.ask(fn('b'))
    await test.pass(110)
    expect(asked.lease).not.toBeNull()
  })
})

describe('who waits for memory', () => {
  test('has no worker started that could not be bound: all that it will hold has to be free', async () => {
    const test = new TestPool({ budgetMib: 1024 })
    await test.withRuntime()
    const busy = await test.take(fn('busy', 512, { network: 'none' }))
    const before = test.workers.asked
    const asked = test.ask(fn('large', 640, { network: 'none' }))
    await test.pass(5000)
    expect(test.workers.asked - before).toBe(0)
    test.release(busy)
    await test.pass(500)
    expect(asked.lease).toMatchObject({ startKind: 'cold' })
    expect(test.workers.asked - before).toBe(1)
  })

  test('and has its share of the project, likewise', async () => {
    const shares = { limitOf: (_project: string, what: string) => (what === 'worker_memory_mb' ? 1024 : null) }
    const test = new TestPool({ shares })
    await test.withRuntime()
    const busy = await test.take(fn('busy', 512, { network: 'none' }))
    const before = test.workers.asked
    const asked = test.ask(fn('large', 640, { network: 'none' }))
    await test.pass(5000)
    expect(test.workers.asked - before).toBe(0)
    test.release(busy)
    await test.pass(500)
    expect(asked.lease).not.toBeNull()
  })

  test('gets it when a worker ends', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const busy = await test.take(fn('a'))
    const asked = test.ask(fn('b'))
    test.workers.named(busy.worker).die()
    test.release(busy)
    await test.pass(200)
    expect(asked.lease).not.toBeNull()
  })

  test('gets it when a worker becomes idle: that one makes room', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const busy = await test.take(fn('a'))
    const asked = test.ask(fn('b'))
    await test.pass(100)
    test.release(busy)
    await test.pass(200)
    expect(asked.lease).toMatchObject({ startKind: 'cold', coldReason: 'first' })
  })

  test('gets it for one more worker too, when another function has become idle', async () => {
    const test = new TestPool({ budgetMib: 256 })
    const other = await test.take(fn('a'))
    await test.take(fn('b'))
    const second = test.ask(fn('b'))
    await test.pass(100)
    test.release(other)
    await test.pass(200)
    expect(second.lease).toMatchObject({ startKind: 'cold' })
  })

  test('gets it although calls of a busy function keep coming', async () => {
    const test = new TestPool({ budgetMib: 256 })
    const busy = fn('busy')
    const running = [await test.take(busy), await test.take(busy)]
    const starved = test.ask(fn('starved'))
    await test.pass(1)
    for (let n = 0; n < 4; n++) test.ask(busy)
    await test.pass(50)
    test.release(running[0] ?? null)
    await test.pass(200)
    expect(starved.lease, 'it waits longer than the calls of the busy one').not.toBeNull()
  })

  test('gets it in the order of waiting', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const busy = await test.take(fn('a'))
    const asked = ['b', 'c', 'd'].map((name) => test.ask(fn(name)))
    const served: (number | undefined)[] = []
    test.release(busy)
    for (let n = 0; n < 3; n++) {
      await test.pass(200)
      const next = asked.findIndex(({ lease }) => lease !== null && test.held.includes(lease))
      served.push(next)
      test.release(asked[next]?.lease ?? null)
    }
    expect(served).toEqual([0, 1, 2])
  })

  test('gets it although it needs much, and small ones come all the time', async () => {
    const test = new TestPool({ budgetMib: 512, acquireTimeoutMs: 600_000 })
    const running = []
    for (let n = 0; n < 4; n++) running.push(await test.take(fn(`small${n}`)))
    const large = test.ask(fn('large', 384))
    await test.pass(1)
    for (let round = 0; round < 12 && large.lease === null; round++) {
      test.ask(fn(`later${round}`))
      test.release(test.held[0] ?? null)
      await test.pass(300)
    }
    expect(large.lease).not.toBeNull()
  })

  test('is not overtaken by generic workers that are started ahead', async () => {
    const test = new TestPool({ budgetMib: 512, genericFloor: 4, acquireTimeoutMs: 600_000 })
    await test.withRuntime()
    const running = []
    for (let n = 0; n < 4; n++) running.push(await test.take(fn(`f${n}`)))
    const large = test.ask(fn('large', 512))
    for (const lease of running) {
      test.release(lease)
      await test.pass(50)
    }
    await test.pass(3000)
    expect(large.lease).not.toBeNull()
  })

  test('holds nobody up when it can never fit beside what others always want warm', async () => {
    const test = new TestPool({ budgetMib: 512, acquireTimeoutMs: 60_000 })
    test.pool.keep(fn('kept', 256, { minWorkers: 1 }))
    await test.pass(200)
    const impossible = test.ask(fn('large', 384))
    const small = test.ask(fn('small'))
    await test.pass(1000)
    expect([impossible.isOver, small.lease !== null]).toEqual([false, true])
    await test.pass(60_000)
    expect(impossible.error).toMatchObject({ code: 'no_worker' })
  })

  test('holds nobody up any more when it gave up waiting', async () => {
    const test = new TestPool({ budgetMib: 512, acquireTimeoutMs: 2000 })
    const running = await test.take(fn('a', 256))
    const large = test.ask(fn('large', 384))
    await test.pass(1500)
    const small = test.ask(fn('small', 256))
    await test.pass(400)
    expect(small.isOver, 'the larger one comes first').toBe(false)
    await test.pass(300)
    expect(large.error).not.toBeNull()
    expect(small.lease).not.toBeNull()
    test.release(running)
  })

  test('may be a function whose minimum found no room: it gets it later', async () => {
    const test = new TestPool({ budgetMib: 256 })
    const busy = await test.take(fn('a', 256))
    test.pool.keep(fn('kept', 128, { minWorkers: 1 }))
    await test.pass(500)
    expect(test.workers.of('kept')).toHaveLength(0)
    test.release(busy)
    await test.pass(3000)
    expect(test.workers.of('kept')).toHaveLength(1)
  })

  test('does not keep the pool busy', async () => {
    const test = new TestPool({ budgetMib: 256, genericFloor: 1, acquireTimeoutMs: 600_000 })
    await test.withRuntime()
    await test.take(fn('a'))
    test.ask(fn('b', 256))
    await test.pass(60_000)
    expect(test.workers.asked).toBeLessThan(5)
  })
})

describe('runs of command images', () => {
  const image = (memoryMib: number) => fn('image', memoryMib, { kind: 'command', image: 'tool', runtimeId: null })
  const run = (test: TestPool, memoryMib = 128) => test.pool.runCommand(image(memoryMib), aCall())

  test('one that needs more than all memory ends as the platform’s fault', async () => {
    const test = new TestPool({ budgetMib: 128 })
    expect(await run(test, 129)).toMatchObject({
      kind: 'platform',
      error: { type: 'PlatformError', message: expect.stringContaining('more memory') },
    })
  })

  test('one that finds no memory in time ends as the platform’s fault', async () => {
    const test = new TestPool({ budgetMib: 128, acquireTimeoutMs: 3000 })
    await test.take(fn('a'))
    const outcome = run(test)
    await test.pass(3000)
    expect(await outcome).toMatchObject({ kind: 'platform', error: { message: expect.stringContaining('3 s') } })
  })

  test('one ends as the platform’s fault when as many wait as may', async () => {
    const test = new TestPool({ budgetMib: 128, maxWaiting: 1 })
    await test.take(fn('a'))
    void run(test)
    expect(await run(test)).toMatchObject({ kind: 'platform', error: { message: expect.stringContaining('1 run') } })
  })

  test('one takes its memory for as long as it runs', async () => {
    const test = new TestPool()
    const outcome = run(test, 256)
    await settled()
    expect(test.pool.reservedBytes).toBe(256 * mib)
    test.workers.endCommand()
    expect(await outcome).toMatchObject({ kind: 'returned' })
    expect(test.pool.reservedBytes).toBe(0)
  })

  test('idle workers make room for it', async () => {
    const test = new TestPool({ budgetMib: 128 })
    await test.run(fn('a'))
    const outcome = run(test)
    await test.pass(50)
    expect(test.workers.commands.size).toBe(1)
    expect(test.workers.alive).toHaveLength(0)
    test.workers.endCommand()
    await outcome
  })

  test('one that waits begins when a busy worker becomes idle', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const busy = await test.take(fn('a'))
    const outcome = run(test)
    await test.pass(100)
    expect(test.workers.commands.size).toBe(0)
    test.release(busy)
    await test.pass(100)
    expect(test.workers.commands.size).toBe(1)
    test.workers.endCommand()
    await outcome
  })

  test('one that waits begins when another has ended', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const [first, second] = [run(test), run(test)]
    await settled()
    expect(test.workers.commands.size).toBe(1)
    test.workers.endCommand()
    await first
    await settled()
    expect(test.workers.commands.size).toBe(1)
    test.workers.endCommand()
    await second
  })

  test('runs and functions take turns by how long they wait', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const busy = await test.take(fn('a'))
    const asked = test.ask(fn('b'))
    await test.pass(10)
    const outcome = run(test)
    test.release(busy)
    await test.pass(500)
    expect([asked.lease !== null, test.workers.commands.size]).toEqual([true, 0])
    test.release(asked.lease)
    await test.pass(100)
    expect(test.workers.commands.size).toBe(1)
    test.workers.endCommand()
    await outcome
  })

  test('a function that waits longer is not overtaken by runs that come later', async () => {
    const test = new TestPool({ budgetMib: 256 })
    const first = run(test)
    await settled()
    const large = test.ask(fn('large', 256))
    await test.pass(10)
    const second = run(test)
    await settled()
    expect(test.workers.commands.size, 'there is room for the second, but it is not its turn').toBe(1)
    test.workers.endCommand()
    await first
    await test.pass(500)
    test.release(large.lease)
    await test.pass(500)
    test.workers.endCommand()
    await second
  })
})

describe('a project that may hold only so much memory', () => {
  const shares = {
    limitOf: (projectId: string, name: string) => (projectId === 'red' && name === 'worker_memory_mb' ? 256 : null),
  }
  const red = (name: string, overrides = {}) => fn(name, 128, { projectId: 'red', ...overrides })

  test('makes room among its own idle workers, and never holds more', async () => {
    const test = new TestPool({ budgetMib: 2048, shares })
    await test.run(fn('other', 128, { projectId: 'blue' }))
    for (const name of ['a', 'b', 'c', 'd']) await test.run(red(name))
    expect(test.pool.heldBytes('red')).toBe(256 * mib)
    expect(test.workers.of('other')).toHaveLength(1)
  })

  test('waits when all its workers are busy, and holds nobody else up', async () => {
    const test = new TestPool({ budgetMib: 1024, shares })
    const [first, second] = [await test.take(red('a')), await test.take(red('b'))]
    const third = test.ask(red('c'))
    await settled()
    await test.run(fn('other', 128, { projectId: 'blue' }))
    expect(test.pool.heldBytes('red')).toBe(256 * mib)
    test.release(first)
    await test.pass(2000)
    expect(third.lease).not.toBeNull()
    test.release(third.lease as Lease)
    test.release(second)
  })

  test('keeps no more workers warm than fit', async () => {
    const test = new TestPool({ budgetMib: 2048, shares })
    test.pool.keep(red('a', { minWorkers: 5 }))
    await test.pass(3000)
    expect(test.pool.heldBytes('red')).toBe(256 * mib)
  })

  test('takes no ready generic worker beyond it', async () => {
    const test = new TestPool({ budgetMib: 2048, genericFloor: 3, shares })
    await test.withRuntime()
    for (const name of ['a', 'b', 'c']) await test.run(red(name))
    expect(test.pool.heldBytes('red')).toBe(256 * mib)
  })
})

describe('what would go first', () => {
  test('is chosen first, and is evicted', async () => {
    const test = new TestPool({ budgetMib: 384 })
    for (const name of ['a', 'b', 'c', 'a', 'c']) await test.run(fn(name))
    const kept = test.pool.retainedWorkers()
    expect(kept.map(({ functionId }) => functionId)[0]).toBe('b')
    expect(kept).toMatchObject([{ calls: 1, memoryBytes: 128 * mib, state: 'idle' }, {}, {}])
    expect(kept.map(({ worth }) => worth)).toEqual(kept.map(({ worth }) => worth).sort((a, b) => Number(a) - Number(b)))
    await test.run(fn('d'))
    expect(test.workers.of('b')).toHaveLength(0)
  })

  test('is not a worker that is busy, or that stays in any case', async () => {
    const test = new TestPool({ budgetMib: 512 })
    test.pool.keep(fn('stays', 128, { minWorkers: 1 }))
    await test.pass(50)
    await test.run(fn('a'))
    const busy = await test.take(fn('busy'))
    const worths = Object.fromEntries(
      test.pool.retainedWorkers().map(({ functionId, worth, state }) => [functionId, [worth, state]]),
    )
    expect(worths).toMatchObject({ stays: [null, 'idle'], a: [expect.any(Number), 'idle'], busy: [null, 'busy'] })
    test.release(busy)
  })

  test('is shown with the memory that it uses, as are the others', async () => {
    const test = new TestPool({ budgetMib: 512, genericFloor: 1 })
    await test.withRuntime()
    await test.pass(50)
    await test.run(fn('a', 128, { image: 'another' }))
    const names = test.pool.retainedWorkers().map(({ name }) => name)
    expect(names).toHaveLength(2)
    expect(await test.pool.memoryUsed()).toEqual(new Map(names.map((name) => [name, 1000])))
  })

  test('may be a generic one', async () => {
    const test = new TestPool({ budgetMib: 512, genericFloor: 1 })
    await test.withRuntime()
    await test.pass(50)
    expect(test.pool.retainedWorkers()).toMatchObject([
      { functionId: null, state: 'generic', worth: expect.any(Number) },
    ])
  })
})
