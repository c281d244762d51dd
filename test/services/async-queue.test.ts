import { describe, expect, test } from 'vitest'
import { AsyncQueue, type AsyncQueueLimits } from '../../src/services/runs/async-queue.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'

const roomy: AsyncQueueLimits = {
  maxQueued: 100,
  maxQueuedBytes: 1000,
  maxAsyncRunning: 100,
  maxAsyncRunningPerFunction: 100,
  maxAttempts: 3,
  retryPauseMs: 100,
}

function setUp(limits: Partial<AsyncQueueLimits> = {}) {
  const clock = new FakeClock()
  const queue = new AsyncQueue({ ...roomy, ...limits }, clock)
  /** Names of the tries that have begun, and how each may end. */
  const begun: string[] = []
  const ends = new Map<string, (isOver: boolean) => void>()
  const over: string[] = []
  const add = (name: string, functionId = name, bytes = 1) => {
    const attempt = () => {
      begun.push(name)
      return new Promise<boolean>((resolve) => ends.set(name, resolve))
    }
    void queue
      .reserve(functionId, bytes)
      .enqueue(attempt)
      .then(() => over.push(name))
  }
  const end = async (name: string, isOver = true) => {
    ends.get(name)?.(isOver)
    await settled()
  }
  return { clock, queue, begun, over, add, end }
}

describe('a place', () => {
  test('is refused when too many wait', () => {
    const { queue } = setUp({ maxQueued: 2 })
    queue.reserve('a', 1)
    const place = queue.reserve('a', 1)
    expect(() => queue.reserve('a', 1)).toThrow('2 runs wait already')
    place.giveUp()
    queue.reserve('a', 1)
    expect(queue.waiting).toBe(2)
  })

  test('is refused when what waits is too large together', () => {
    const { queue } = setUp({ maxQueuedBytes: 10 })
    queue.reserve('a', 6)
    expect(() => queue.reserve('a', 5)).toThrow('try again later')
    queue.reserve('a', 4)
  })

  test('is given to what was accepted before whatever the limits', () => {
    const { queue } = setUp({ maxQueued: 1 })
    queue.readmit('a', 1)
    queue.readmit('a', 1)
    expect(queue.waiting).toBe(2)
  })

  test('is free again when the run begins', () => {
    const { queue, add } = setUp({ maxQueued: 1 })
    add('a')
    expect(queue.waiting).toBe(0)
    add('b')
  })
})

describe('runs', () => {
  test('begin first come, first served within a function', async () => {
    const { add, begun, end } = setUp({ maxAsyncRunningPerFunction: 1 })
    for (const name of ['1', '2', '3']) add(name, 'f')
    expect(begun).toEqual(['1'])
    await end('1')
    await end('2')
    expect(begun).toEqual(['1', '2', '3'])
  })

  test('of a busy function leave room for others', () => {
    const { add, begun } = setUp({ maxAsyncRunning: 3, maxAsyncRunningPerFunction: 2 })
    for (const name of ['a1', 'a2', 'a3', 'a4']) add(name, 'a')
    add('b1', 'b')
    expect(begun).toEqual(['a1', 'a2', 'b1'])
  })

  test('of several functions take turns', async () => {
    const { add, begun, end } = setUp({ maxAsyncRunning: 1 })
    for (const name of ['a1', 'a2', 'a3']) add(name, 'a')
    for (const name of ['b1', 'b2']) add(name, 'b')
    for (const name of ['a1', 'b1', 'a2', 'b2']) await end(name)
    expect(begun).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
  })

  test('that are not over are tried again, after a pause that doubles', async () => {
    const { add, begun, end, clock, over, queue } = setUp()
    add('a')
    await end('a', false)
    expect(queue.waiting).toBe(1)
    clock.advance(99)
    expect(begun).toHaveLength(1)
    clock.advance(1)
    expect(begun).toHaveLength(2)
    await end('a', false)
    clock.advance(199)
    expect(begun).toHaveLength(2)
    clock.advance(1)
    expect(begun).toHaveLength(3)
    expect(over).toEqual([])
    await end('a')
    expect(over).toEqual(['a'])
  })
})

test('after close nothing begins, and it waits for what has begun', async () => {
  const { queue, add, begun, end, clock } = setUp({ maxAsyncRunning: 1 })
  add('a')
  add('b')
  let isClosed = false
  const closing = queue.close().then(() => {
    isClosed = true
  })
  await settled()
  expect(isClosed).toBe(false)
  await end('a', false)
  await closing
  clock.advance(10_000)
  expect(begun).toEqual(['a'])
})
