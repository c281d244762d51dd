import { expect, test } from 'vitest'
import { aRevision, mib, TestPool } from '../support/fake-workers-pool.ts'

/** The sum of the values reported to the meter. */
function metered(options: ConstructorParameters<typeof TestPool>[0] = {}) {
  const told = { busy: 0, idle: 0 }
  const meter = {
    held: (_revision: unknown, ms: number, isBusy: boolean) => {
      told[isBusy ? 'busy' : 'idle'] += ms
    },
    spent: () => {},
  }
  return { told, pool: new TestPool({ ...options, meter }) }
}

test('a worker is busy while calls run in it, however many, and idle between them', async () => {
  const { told, pool } = metered()
  const revision = aRevision({ concurrency: 2 })
  const first = await pool.take(revision)
  await pool.pass(1000)
  const second = await pool.take(revision)
  await pool.pass(1000)
  pool.release(first)
  await pool.pass(1000)
  pool.release(second)
  expect(told.busy).toBe(3000)
  const idleAtFirst = told.idle
  await pool.pass(5000)
  const third = await pool.take(revision)
  expect(told).toEqual({ busy: 3000, idle: idleAtFirst + 5000 })
  pool.release(third)
})

test('is reported on request for busy workers, and counts nothing twice', async () => {
  const { told, pool } = metered()
  const lease = await pool.take()
  await pool.pass(2000)
  pool.pool.noteHeld()
  expect(told.busy).toBe(2000)
  await pool.pass(1000)
  pool.release(lease)
  expect(told.busy).toBe(3000)
})

test('holds nothing once it has gone: what it was idle before counts', async () => {
  const { told, pool } = metered({ budgetMib: 128 })
  const revision = aRevision({ memoryBytes: 128 * mib })
  pool.release(await pool.take(revision))
  const { idle } = told
  await pool.pass(4000)
  pool.pool.retire(revision.functionId, null, 'new_code')
  expect(told.idle - idle).toBe(4000)
  await pool.pass(4000)
  pool.pool.noteHeld()
  expect(told.idle - idle).toBe(4000)
})
