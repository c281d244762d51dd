/** The pool on several machines: each has its own memory limit, and machines are added and removed. */
import { expect, test } from 'vitest'
import type { MachineLimit } from '../../src/engine/pool/memory.ts'
import { aCall, aRevision, mib, TestPool, type TestPoolOptions } from '../support/fake-workers-pool.ts'

const node = (id: string, limitMib: number, more: Partial<MachineLimit> = {}): MachineLimit => {
  return { id, limitBytes: limitMib * mib, labels: {}, isOpen: true, ...more }
}

/** Workers of 128 MiB by default. */
function poolOn(nodes: MachineLimit[], options: TestPoolOptions = {}) {
  let now = nodes
  let tell = () => {}
  const onChange = (listener: () => void) => {
    tell = listener
  }
  const pool = new TestPool({ machines: { now: () => now, onChange }, ...options })
  const become = async (...changed: MachineLimit[]) => {
    now = changed
    tell()
    await pool.pass(0)
  }
  /** Machines of the workers that are not ending. */
  const places = () => pool.workers.all.filter(({ isEnding }) => !isEnding).map(({ machine }) => machine)
  return { pool, become, places }
}
const large = { image: 'large', memoryBytes: 300 * mib }

test('a function’s workers come to all machines in turn, also those on their way', async () => {
  const { pool, places } = poolOn([node('a', 4096), node('b', 1024)])
  for (let n = 0; n < 4; n++) pool.ask()
  await pool.pass(200)
  expect(places().sort()).toEqual(['a', 'a', 'b', 'b'])
})

test('generic workers are spread, and a function takes them from where it has the fewest', async () => {
  const { pool, places } = poolOn([node('a', 4096), node('b', 4096)], { genericFloor: 4 })
  await pool.withRuntime()
  expect(places().sort()).toEqual(['a', 'a', 'b', 'b'])
  pool.ask()
  pool.ask()
  await pool.pass(50)
  expect(
    pool.workers
      .of('f1')
      .map(({ machine }) => machine)
      .sort(),
  ).toEqual(['a', 'b'])
})

test('what fits no machine is refused with a sentence, although all together would hold it', async () => {
  const { pool } = poolOn([node('a', 256), node('b', 256)])
  const asked = pool.ask(aRevision(large))
  await pool.pass(0)
  expect(asked.error).toMatchObject({
    code: 'no_worker',
    message: expect.stringMatching(/than the workers of any node may have/),
  })
  const run = pool.pool.runCommand(aRevision({ kind: 'command', ...large }), aCall())
  expect(await run).toMatchObject({ kind: 'platform', error: { message: expect.stringMatching(/any node/) } })
})

test('idle workers go where the room is made, and nowhere else', async () => {
  const { pool, places } = poolOn([node('a', 384), node('b', 384)])
  const leases = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => pool.take(aRevision({ functionId: `f${n}` }))))
  for (const lease of leases) pool.release(lease)
  expect(places().filter((at) => at === 'a')).toHaveLength(3)
  const asked = pool.ask(aRevision({ functionId: 'big', ...large }))
  await pool.pass(200)
  expect(asked.lease).not.toBeNull()
  expect(places()).toHaveLength(4)
})

test('a machine on which no worker starts is tried last for a while, and then again', async () => {
  const { pool, places } = poolOn([node('a', 4096), node('b', 1024)])
  pool.workers.brokenMachines.add('a')
  for (const n of [1, 2, 3]) await pool.take(aRevision({ functionId: `f${n}` }))
  expect(places()).toEqual(['b', 'b', 'b'])
  expect(pool.workers.asked).toBe(4)
  await pool.pass(31_000)
  pool.workers.brokenMachines.clear()
  await pool.take(aRevision({ functionId: 'f4' }))
  expect(places()).toEqual(['b', 'b', 'b', 'a'])
})

test('a machine on which no worker starts is tried still by those who may run nowhere else', async () => {
  const { pool } = poolOn([node('a', 4096, { labels: { gpu: 'true' } }), node('b', 1024)])
  pool.workers.brokenMachines.add('a')
  const asked = pool.ask(aRevision({ placement: { gpu: 'true' } }))
  await pool.pass(1000)
  expect(asked.error).toMatchObject({ code: 'engine_failed', message: 'a is broken' })
})

test('the labels of a placement are held, and one who waits for such a machine holds nobody up elsewhere', async () => {
  const { pool, places } = poolOn([node('gpu', 128, { labels: { gpu: 'true' } }), node('b', 1024)])
  const placed = (functionId: string) => aRevision({ functionId, placement: { gpu: 'true' } })
  const first = await pool.take(placed('f1'))
  expect(places()).toEqual(['gpu'])
  const second = pool.ask(placed('f2'))
  await pool.pass(200)
  expect(second.lease).toBeNull()
  const elsewhere = pool.ask(aRevision({ functionId: 'f3' }))
  await pool.pass(200)
  expect(elsewhere.lease).not.toBeNull()
  pool.release(first)
  await pool.pass(200)
  expect(second.lease).not.toBeNull()
  expect(pool.workers.of('f2')[0]?.machine).toBe('gpu')
})

test('a generic worker of no placement serves a placed function where it happens to fit', async () => {
  const { pool } = poolOn([node('a', 1024), node('gpu', 1024, { labels: { gpu: 'true' } })], { genericFloor: 2 })
  await pool.withRuntime()
  const before = pool.workers.asked
  const lease = await pool.take(aRevision({ placement: { gpu: 'true' } }))
  expect(pool.workers.named(lease.worker).machine).toBe('gpu')
  expect(lease.startKind).toBe('prewarmed')
  expect(before).toBe(2)
})

test('labels that no machine has are said at the call', async () => {
  const { pool } = poolOn([node('a', 1024)])
  const asked = pool.ask(aRevision({ placement: { gpu: 'true' } }))
  await pool.pass(0)
  expect(asked.error?.message).toMatch(/No node has the labels .*\(placement: gpu=true\)/)
})

test('a machine that comes serves those who wait; nothing new comes to one that is drained', async () => {
  const { pool, become, places } = poolOn([node('a', 128)])
  const first = await pool.take()
  const waiting = pool.ask(aRevision({ functionId: 'f2' }))
  await pool.pass(200)
  expect(waiting.lease).toBeNull()
  await become(node('a', 128, { isOpen: false }), node('b', 128))
  await pool.pass(200)
  expect(pool.workers.of('f2')[0]?.machine).toBe('b')
  expect(pool.pool.vitals()).toMatchObject({ budgetBytes: 128 * mib, reservedBytes: 256 * mib })
  pool.release(first)
  pool.workers.of('f1')[0]?.die()
  await pool.pass(50)
  expect(places()).toEqual(['b'])
})

test('what waits for a drained machine is not refused, and is served when it is back', async () => {
  const { pool, become } = poolOn([node('a', 128, { isOpen: false })])
  const asked = pool.ask()
  await pool.pass(1000)
  expect([asked.lease, asked.error]).toEqual([null, null])
  await become(node('a', 128))
  await pool.pass(200)
  expect(asked.lease).not.toBeNull()
})

test('memory that is held on a machine that was removed is given back once, to nobody', async () => {
  const { pool, become } = poolOn([node('a', 256), node('b', 256)])
  const leases = await Promise.all([pool.take(), pool.take(aRevision({ functionId: 'f2' }))])
  await become(node('b', 256))
  expect(pool.pool.reservedBytes).toBe(256 * mib)
  for (const lease of leases) pool.release(lease)
  for (const worker of pool.workers.all.filter(({ machine }) => machine === 'a')) worker.die()
  await pool.pass(50)
  expect(pool.pool.reservedBytes).toBe(128 * mib)
})
