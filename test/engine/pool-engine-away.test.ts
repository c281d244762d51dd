/** The engine does not answer: what is warm goes on, and goes for no start that cannot happen. */
import { expect, test } from 'vitest'
import { aCall, aRevision, TestPool } from '../support/fake-workers-pool.ts'

const fn = (functionId: string) => aRevision({ functionId })

test('no warm worker goes for a start that cannot happen', async () => {
  const test = new TestPool({ budgetMib: 512, acquireTimeoutMs: 5000 })
  for (const name of ['a', 'b', 'c', 'd']) await test.run(fn(name))
  test.engineIsUp = false
  const asked = Array.from({ length: 20 }, (_, n) => test.ask(fn(`cold${n}`)))
  await test.pass(4000)
  for (const name of ['a', 'b', 'c', 'd']) expect((await test.run(fn(name))).lease.startKind).toBe('warm')
  await test.pass(1000)
  expect(asked[0]?.error?.message).toContain('engine')
  expect(test.workers.asked).toBe(4)
})

test('calls that wait are served when it answers again', async () => {
  const test = new TestPool()
  test.engineIsUp = false
  const asked = test.ask(fn('cold'))
  await test.pass(10_000)
  expect([asked.isOver, test.workers.asked]).toEqual([false, 0])
  test.engineIsUp = true
  await test.pass(1000 + test.workers.startMs + test.workers.bindMs)
  expect(asked.lease).toMatchObject({ startKind: 'cold' })
})

test('before it is known to be away, only as many go as may start at once', async () => {
  const test = new TestPool({ budgetMib: 1280, maxParallelStarts: 2, acquireTimeoutMs: 5000 })
  for (let n = 0; n < 10; n++) await test.run(fn(`warm${n}`))
  test.workers.startMs = 60_000
  for (let n = 0; n < 20; n++) test.ask(fn(`cold${n}`))
  await test.pass(4000)
  expect(test.workers.alive).toHaveLength(8)
})

test('a run of a command image waits no longer than a call, and holds no memory when its caller has left', async () => {
  const test = new TestPool({ acquireTimeoutMs: 5000 })
  test.engineIsUp = false
  const image = aRevision({ kind: 'command', image: 'tool', runtimeId: null })
  const caller = new AbortController()
  const left = test.pool.runCommand(image, aCall({ signal: caller.signal }))
  const waits = test.pool.runCommand(image, aCall())
  await test.pass(100)
  caller.abort()
  expect(await left).toMatchObject({ kind: 'platform', error: { message: expect.stringContaining('caller left') } })
  await test.pass(5000)
  expect(await waits).toMatchObject({ kind: 'platform', error: { message: expect.stringContaining('engine') } })
  expect(test.pool.reservedBytes).toBe(0)
  test.engineIsUp = true
  await test.pass(2000)
  expect(test.workers.commands.size).toBe(0)
})

test('a generic worker that is ready is bound nevertheless', async () => {
  const test = new TestPool({ genericFloor: 1 })
  await test.withRuntime()
  test.engineIsUp = false
  const asked = test.ask(fn('a'))
  await test.pass(100)
  expect(asked.lease).toMatchObject({ startKind: 'prewarmed' })
})

test('the pool closes although starts are held back', async () => {
  const test = new TestPool({ genericFloor: 2 })
  test.engineIsUp = false
  void test.withRuntime()
  test.ask(fn('a'))
  const run = test.pool.runCommand(aRevision({ kind: 'command', image: 'tool', runtimeId: null }), aCall())
  await test.pass(100)
  const closed = test.pool.close(1000)
  await test.pass(3000)
  await closed
  expect(await run).toMatchObject({ kind: 'platform' })
  expect(test.workers.all).toEqual([])
})
