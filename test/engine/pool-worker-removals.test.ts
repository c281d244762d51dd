/** Callers that leave while they wait for a worker. */
import { describe, expect, test } from 'vitest'
import { aCall, aRevision, TestPool } from '../support/fake-workers-pool.ts'

const one = aRevision({ maxWorkers: 1 })

describe('a caller that leaves', () => {
  test('gives up its place in line at once', async () => {
    const test = new TestPool()
    const busy = await test.take(one)
    const caller = new AbortController()
    const [left, next] = [test.ask(one, caller.signal), test.ask(one)]
    caller.abort()
    await test.pass(0)
    expect(left.error).toMatchObject({ code: 'no_worker', message: expect.stringContaining('left') })
    test.release(busy)
    await test.pass(0)
    expect(next.lease).not.toBeNull()
  })

  test('had left before it asked: it gets none', async () => {
    const test = new TestPool()
    const asked = test.ask(one, AbortSignal.abort())
    await test.pass(0)
    expect(asked.error).not.toBeNull()
    expect(test.workers.asked).toBe(0)
  })

  test('is one of a thousand: the next call is served when the worker comes free', async () => {
    const test = new TestPool()
    const busy = await test.take(one)
    const callers = Array.from({ length: 999 }, () => new AbortController())
    const left = callers.map(({ signal }) => test.ask(one, signal))
    for (const caller of callers) caller.abort()
    const next = test.ask(one)
    test.release(busy)
    await test.pass(0)
    expect(left.every(({ error }) => error !== null)).toBe(true)
    expect(next.lease).not.toBeNull()
  })

  test('makes a start needless that has not begun', async () => {
    const test = new TestPool({ maxParallelStarts: 1 })
    test.ask(aRevision({ functionId: 'other' }))
    await test.take(aRevision({ functionId: 'warm' }))
    const caller = new AbortController()
    test.ask(aRevision({ functionId: 'blocking' }))
    const [, second] = [0, 1].map(() => test.ask(aRevision({ functionId: 'f' }), caller.signal))
    caller.abort()
    await test.pass(2000)
    expect(second?.error).not.toBeNull()
    expect(test.workers.of('f').length, 'only its first, which was decided on').toBeLessThanOrEqual(1)
  })

  test('while it waits for memory lets the next have it', async () => {
    const test = new TestPool({ budgetMib: 512 })
    await test.take(aRevision({ functionId: 'busy', memoryBytes: 256 * 1048576 }))
    const caller = new AbortController()
    const large = test.ask(aRevision({ functionId: 'large', memoryBytes: 384 * 1048576 }), caller.signal)
    await test.pass(100)
    const small = test.ask(aRevision({ functionId: 'small' }))
    await test.pass(200)
    expect(small.isOver, 'the larger one came first').toBe(false)
    caller.abort()
    await test.pass(200)
    expect(large.error).not.toBeNull()
    expect(small.lease).not.toBeNull()
  })

  test('gives up its place in the line for memory, for a run of a command image', async () => {
    const test = new TestPool({ budgetMib: 128 })
    const busy = await test.take(aRevision({ functionId: 'busy' }))
    const caller = new AbortController()
    const image = aRevision({ kind: 'command', image: 'tool', runtimeId: null })
    const outcome = test.pool.runCommand(image, aCall({ signal: caller.signal }))
    await test.pass(10)
    caller.abort()
    expect(await outcome).toMatchObject({ kind: 'platform', error: { message: expect.stringContaining('left') } })
    test.release(busy)
    await test.pass(100)
    expect(test.workers.commands.size).toBe(0)
  })
})
