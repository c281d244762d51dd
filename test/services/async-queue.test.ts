import { describe, expect, test } from 'vitest'
import { AsyncQueue, type AsyncQueueLimits } from '../../src/services/runs/async-queue.ts'
import type { QueuedRun } from '../../src/services/runs/queue-lanes.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'

const roomy: AsyncQueueLimits = {
  maxQueued: 100,
  maxQueuedBytes: 1000,
  maxAsyncRunning: 100,
  maxAsyncRunningPerFunction: 100,
}

const run = (functionId: string, bytes = 1, projectId = 'red'): QueuedRun => ({ projectId, functionId, bytes })

function setUp(limits: Partial<AsyncQueueLimits> = {}) {
  const clock = new FakeClock()
  const queue = new AsyncQueue({ ...roomy, ...limits }, clock)
  /** Names of the attempts that have begun, with functions that end each. */
  const begun: string[] = []
  const ends = new Map<string, (pauseMs: number | null) => void>()
  const over: string[] = []
  const add = (name: string, functionId = name, about: Partial<QueuedRun> = {}, notBeforeMs: number | null = null) => {
    const attempt = () => {
      begun.push(name)
      return new Promise<number | null>((resolve) => ends.set(name, resolve))
    }
    const place = queue.reserve({ ...run(functionId), ...about })
    void place.enqueue(attempt, notBeforeMs).then(() => over.push(name))
    return place
  }
  const end = async (name: string, pauseMs: number | null = null) => {
    ends.get(name)?.(pauseMs)
    await settled()
  }
  return { clock, queue, begun, over, add, end }
}

describe('a place', () => {
  test('is refused when too many wait', () => {
    const { queue } = setUp({ maxQueued: 2 })
    queue.reserve(run('a', 1))
    const place = queue.reserve(run('a', 1))
    expect(() => queue.reserve(run('a', 1))).toThrow('2 runs wait already')
    place.giveUp()
    queue.reserve(run('a', 1))
    expect(queue.waiting).toBe(2)
  })

  test('is refused when what waits is too large together', () => {
    const { queue } = setUp({ maxQueuedBytes: 10 })
    queue.reserve(run('a', 6))
    expect(() => queue.reserve(run('a', 5))).toThrow('try again later')
    queue.reserve(run('a', 4))
  })

  test('is given to what was accepted before whatever the limits', () => {
    const { queue } = setUp({ maxQueued: 1 })
    queue.readmit(run('a', 1))
    queue.readmit(run('a', 1))
    expect(queue.waiting).toBe(2)
  })

  test('is free again when the run begins', () => {
    const { queue, add } = setUp({ maxQueued: 1 })
    add('a')
    expect(queue.waiting).toBe(0)
    add('b')
  })
})

describe('a project that fills the queue', () => {
  test('does not close it to others: a quarter more is kept for those that hold little', () => {
    const { queue } = setUp({ maxQueued: 64, maxQueuedBytes: 6400 })
    for (let n = 0; n < 64; n++) queue.reserve(run('a', 1, 'greedy'))
    expect(() => queue.reserve(run('a', 1, 'greedy'))).toThrow('try again later')
    for (let n = 0; n < 4; n++) queue.reserve(run('b', 1, 'other'))
    expect(() => queue.reserve(run('b', 1, 'other')), 'no more than a sixteenth').toThrow('try again later')
    for (let n = 0; n < 12; n++) queue.reserve(run('c', 1, `project ${n}`))
    expect(() => queue.reserve(run('d', 1, 'the last')), 'the spare places are used up').toThrow('try again later')
  })

  test('by large inputs does not close it to others either', () => {
    const { queue } = setUp({ maxQueued: 1000, maxQueuedBytes: 1600 })
    queue.reserve(run('a', 1600, 'greedy'))
    expect(() => queue.reserve(run('a', 1, 'greedy'))).toThrow('try again later')
    queue.reserve(run('b', 100, 'other'))
  })

  test('does not hold all places at work, however long its runs take', () => {
    const { add, begun } = setUp({ maxAsyncRunning: 16 })
    for (let n = 0; n < 50; n++) add(`a${n}`, `f${n % 5}`, { projectId: 'greedy' })
    expect(begun).toHaveLength(16)
    add('b', 'b', { projectId: 'other' })
    expect(begun.at(-1)).toBe('b')
  })

  test('takes turns with the others, whatever the number of its functions', async () => {
    const { add, begun, end } = setUp({ maxAsyncRunning: 1 })
    for (const name of ['a1', 'a2', 'a3']) add(name, name, { projectId: 'many functions' })
    for (const name of ['b1', 'b2']) add(name, 'b', { projectId: 'one function' })
    for (const name of ['a1', 'b1', 'a2', 'b2']) await end(name)
    expect(begun).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
  })
})

describe('suspects', () => {
  test('that may bring the server down run one at a time, beside the others', async () => {
    const { queue, add, begun, end } = setUp()
    for (const name of ['s1', 's2', 's3']) add(name, 'f', { isSuspect: true })
    add('s4', 'g', { isSuspect: true, projectId: 'other' })
    add('innocent', 'f')
    expect(begun).toEqual(['s1', 'innocent'])
    await end('s1')
    expect(begun).toHaveLength(3)
    for (const name of ['s4', 's2', 's3']) await end(name)
    for (const name of ['s2', 's3', 's4']) await end(name)
    expect(begun.toSorted()).toEqual(['innocent', 's1', 's2', 's3', 's4'])
    expect(queue.waiting).toBe(0)
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

  test('that are not over are tried again, after the pause that they ask for', async () => {
    const { add, begun, end, clock, over, queue } = setUp()
    add('a')
    await end('a', 100)
    expect(queue.waiting).toBe(1)
    clock.advance(99)
    expect(begun).toHaveLength(1)
    clock.advance(1)
    expect(begun).toHaveLength(2)
    expect(over).toEqual([])
    await end('a')
    expect(over).toEqual(['a'])
  })

  test('with a time of their own begin then, by the wall clock, also when it is set', () => {
    const { add, begun, clock, queue } = setUp()
    const start = clock.now()
    add('later', 'f', {}, start + 3_600_000)
    add('soon', 'f', {}, start + 1000)
    add('past', 'f', {}, start - 1)
    expect(begun).toEqual(['past'])
    clock.advance(1000)
    expect(begun).toEqual(['past', 'soon'])
    clock.setWall(start + 3_600_000)
    clock.advance(30_000)
    expect(begun).toEqual(['past', 'soon', 'later'])
    expect(queue.waiting).toBe(0)
  })

  test('of a project go by priority, and first come, first served within one', async () => {
    const { add, begun, end } = setUp({ maxAsyncRunning: 1 })
    add('first', 'f')
    add('low', 'f', { priority: -1 })
    add('usual', 'f')
    add('high', 'g', { priority: 5 })
    add('high too', 'f', { priority: 5 })
    for (const name of ['first', 'high', 'high too', 'usual']) await end(name)
    expect(begun).toEqual(['first', 'high', 'high too', 'usual', 'low'])
  })

  test('of other projects are not held back by somebody’s priority', async () => {
    const { add, begun, end } = setUp({ maxAsyncRunning: 1 })
    for (const name of ['a1', 'a2', 'a3']) add(name, 'a', { priority: 100 })
    add('b1', 'b', { projectId: 'other' })
    for (const name of ['a1', 'b1', 'a2']) await end(name)
    expect(begun).toEqual(['a1', 'b1', 'a2', 'a3'])
  })
})

describe('a cancelled place', () => {
  test('leaves the line: its run does not begin, and is over for who waits', async () => {
    const { add, begun, end, over, queue } = setUp({ maxAsyncRunning: 1 })
    add('a')
    const place = add('b')
    expect(place.giveUp()).toBe(true)
    expect(queue.waiting).toBe(0)
    await end('a')
    expect({ begun, over }).toEqual({ begun: ['a'], over: ['b', 'a'] })
  })

  test('before its time, or between two tries, too; not while it is at work', async () => {
    const { add, begun, end, over, clock } = setUp()
    const later = add('later', 'f', {}, clock.now() + 1000)
    const again = add('again')
    expect(again.giveUp()).toBe(false)
    await end('again', 100)
    expect([later.giveUp(), again.giveUp()]).toEqual([true, true])
    clock.advance(40_000)
    await Promise.resolve()
    expect({ begun, over }).toEqual({ begun: ['again'], over: ['later', 'again'] })
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
  await end('a', 100)
  await closing
  clock.advance(10_000)
  expect(begun).toEqual(['a'])
})
