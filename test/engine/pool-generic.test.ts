import { describe, expect, test } from 'vitest'
import { aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

const minuteMs = 60_000

/** A function by name, with an eighth of a GiB. */
const fn = (functionId: string) => aRevision({ functionId, memoryBytes: 128 * mib })
/** A function of an image for which no generic workers are kept. */
const ownImage = (functionId: string) => aRevision({ functionId, image: 'own', runtimeId: 'own' })

/** Every five minutes, two functions are called for the first time, at once. Returns their kinds of start. */
async function newcomers(test: TestPool, times: number): Promise<string[]> {
  const kinds: string[] = []
  for (let n = 0; n < times; n++) {
    const asked = ['a', 'b'].map((name) => test.ask(fn(`${name}${test.clock.elapsed()}`)))
    await test.pass(2000)
    for (const { lease } of asked) {
      kinds.push(lease?.startKind ?? 'none')
      test.release(lease)
    }
    await test.pass(5 * minuteMs - 2000)
  }
  return kinds
}

const ready = (test: TestPool): number => test.pool.capacity('taibai/nodejs').available

describe('generic workers when all memory is in use', () => {
  test('as many are ready as are taken at once, time and again: others, less likely to be called, go for them', async () => {
    const test = new TestPool({ budgetMib: 1024 })
    await test.withRuntime()
    await newcomers(test, 12)
    expect(test.pool.reservedBytes).toBe(1024 * mib)
    expect(await newcomers(test, 3)).toEqual(Array(6).fill('prewarmed'))
    expect(ready(test)).toBe(2)
  })

  test('they go for functions that are called more often than they are taken', async () => {
    const test = new TestPool({ budgetMib: 512 })
    await test.withRuntime()
    await newcomers(test, 3)
    expect(ready(test)).toBe(2)
    for (let minute = 0; minute < 60; minute++) {
      for (const name of ['p', 'q', 'r', 's']) await test.run(ownImage(name))
      await test.pass(minuteMs)
    }
    expect(ready(test)).toBe(0)
    expect(test.workers.of('p')).toHaveLength(1)
  })

  test('those that nobody ever takes go first, and none is started in their place', async () => {
    const test = new TestPool({ budgetMib: 512, genericFloor: 2 })
    await test.withRuntime()
    for (const name of ['p', 'q', 'r', 's']) await test.run(ownImage(name))
    await test.pass(10 * minuteMs)
    expect(['p', 'q', 'r', 's'].map((name) => test.workers.of(name).length)).toEqual([1, 1, 1, 1])
    expect(ready(test)).toBe(0)
  })

  test('those that are kept at least are ready again when there is memory', async () => {
    const test = new TestPool({ budgetMib: 512, genericFloor: 2 })
    await test.withRuntime()
    for (const name of ['p', 'q', 'r', 's']) await test.run(ownImage(name))
    for (const name of ['p', 'q']) test.pool.retire(name, null, 'new_code')
    await test.pass(2000)
    expect(ready(test)).toBe(2)
  })
})

describe('generic workers where nobody needs the memory', () => {
  test('stay as many as were taken at once, and are let go of when that was long ago', async () => {
    const test = new TestPool()
    await test.withRuntime()
    await newcomers(test, 2)
    expect(ready(test)).toBe(2)
    await test.pass(24 * 60 * minuteMs)
    await test.run(fn('one'))
    await test.pass(2000)
    expect(ready(test), 'one was taken, which is not replaced by two').toBe(1)
  })

  test('workers that are started ahead of calls say nothing of how many calls take', async () => {
    const test = new TestPool()
    await test.withRuntime()
    test.pool.scaleUp(fn('ahead'), 3)
    await test.pass(2000)
    expect(test.workers.of('ahead')).toHaveLength(3)
    expect(ready(test)).toBe(0)
  })
})

test('a call whose start failed is served by the one ahead that it was left to, also when its runtime goes', async () => {
  const test = new TestPool({ genericFloor: 1, maxParallelStarts: 1 })
  const first = test.ask(ownImage('first'))
  await test.pass(50)
  const asked = test.ask(fn('a'))
  const last = test.ask(ownImage('last'))
  void test.withRuntime()
  test.pool.removeRuntime('nodejs')
  await test.pass(70)
  expect(first.lease).not.toBeNull()
  test.workers.failingStarts = 1
  await test.pass(1000)
  expect(last.lease).not.toBeNull()
  expect(asked.lease).not.toBeNull()
})

test('a call that waits for memory is one that takes a generic worker, however often it is tried again', async () => {
  const test = new TestPool({ budgetMib: 512, genericFloor: 1, acquireTimeoutMs: 600_000 })
  await test.withRuntime()
  const busy = []
  for (const name of ['p', 'q', 'r', 's', 't', 'u']) {
    busy.push(await test.take(aRevision({ functionId: name, image: 'own', runtimeId: 'own', memoryBytes: 64 * mib })))
  }
  const large = test.ask(aRevision({ functionId: 'large', memoryBytes: 512 * mib }))
  await test.pass(0)
  for (const lease of busy) {
    test.release(lease)
    await test.pass(20)
  }
  await test.pass(2000)
  expect(large.lease).not.toBeNull()
  test.release(large.lease)
  test.pool.retire('large', null, 'new_code')
  await test.pass(5000)
  expect(ready(test)).toBe(1)
})

describe('where limits cannot be changed once a worker runs', () => {
  test('a generic worker serves functions of its own limits, and others start one of theirs', async () => {
    const test = new TestPool({ genericFloor: 1, fixedCpuMillicpu: 100 })
    await test.withRuntime()
    const usual = { memoryBytes: 128 * mib, cpuMillicpu: 100, cpuMaxMillicpu: null }
    const kindOf = async (functionId: string, more: object = {}) => {
      const asked = test.ask(aRevision({ functionId, ...usual, ...more }))
      await test.pass(2000)
      test.release(asked.lease)
      return asked.lease?.startKind
    }
    expect(await kindOf('usual')).toBe('prewarmed')
    expect(await kindOf('larger', { memoryBytes: 256 * mib })).toBe('cold')
    expect(await kindOf('capped', { cpuMaxMillicpu: 500 })).toBe('cold')
  })
})
