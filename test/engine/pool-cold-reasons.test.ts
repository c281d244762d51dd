/** Every reason that the pool gives for a start that was not warm, from the outside; `pool-policy.test.ts` has the table. */
import { expect, test } from 'vitest'
import { aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

test('first: the function was never called', async () => {
  const test = new TestPool()
  expect((await test.take()).coldReason).toBe('first')
})

test('restart: the function was called before the server started', async () => {
  const test = new TestPool({ ranBefore: (functionId, version) => functionId === 'f1' && version === 2 })
  expect((await test.take(aRevision({ functionVersion: 2 }))).coldReason).toBe('restart')
  expect((await test.take(aRevision({ functionVersion: 3 }))).coldReason).toBe('first')
})

test('scale_out: its workers are busy', async () => {
  const test = new TestPool()
  await test.take()
  expect((await test.take()).coldReason).toBe('scale_out')
})

test('scale_out: one for another call is still on its way', async () => {
  const test = new TestPool()
  const asked = [test.ask(), test.ask()]
  await test.pass(500)
  expect(asked.map(({ lease }) => lease?.coldReason)).toEqual(['first', 'scale_out'])
})

test('evicted: its worker made room for another function', async () => {
  const test = new TestPool({ budgetMib: 128 })
  await test.run(aRevision())
  await test.run(aRevision({ functionId: 'f2' }))
  expect((await test.take()).coldReason).toBe('evicted')
})

test('evicted: its worker gave way to a function that waited longer', async () => {
  const test = new TestPool({ budgetMib: 128 })
  const busy = await test.take()
  const other = test.ask(aRevision({ functionId: 'f2' }))
  await test.pass(50)
  test.release(busy)
  await test.pass(500)
  test.release(other.lease)
  expect((await test.take()).coldReason).toBe('evicted')
})

test('expired: its worker was idle for longer than it wants', async () => {
  const test = new TestPool()
  const shortLived = aRevision({ idleTimeoutMs: 1000 })
  await test.run(shortLived)
  await test.pass(5000)
  expect((await test.take(shortLived)).coldReason).toBe('expired')
})

test('new_code: its workers had the code before', async () => {
  const test = new TestPool()
  await test.run()
  test.pool.retire('f1', null, 'new_code')
  expect((await test.take(aRevision({ packageHash: 'newer' }))).coldReason).toBe('new_code')
})

test('worker_died: its worker ended', async () => {
  const test = new TestPool()
  const { lease } = await test.run()
  test.workers.named(lease.worker).die()
  await test.pass(100)
  expect((await test.take()).coldReason).toBe('worker_died')
})

test('pool_empty: generic workers are kept, and none was ready', async () => {
  const test = new TestPool({ genericFloor: 1 })
  await test.withRuntime()
  await test.take(aRevision({ functionId: 'f2' }))
  expect(await test.take()).toMatchObject({ startKind: 'cold', coldReason: 'pool_empty' })
})

test('a prewarmed start has a reason too', async () => {
  const test = new TestPool({ genericFloor: 1 })
  await test.withRuntime()
  expect(await test.take()).toMatchObject({ startKind: 'prewarmed', coldReason: 'first' })
})

test('a function without generic workers of its shape never finds the pool empty', async () => {
  const test = new TestPool({ genericFloor: 1 })
  await test.withRuntime()
  expect((await test.take(aRevision({ network: 'none' }))).coldReason).toBe('first')
  expect((await test.take(aRevision({ kind: 'http', memoryBytes: 64 * mib }))).coldReason).toBe('first')
})
