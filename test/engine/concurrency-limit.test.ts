/** How many workers of a function are at work at once: as many as serve it sooner, and no more. */
import { describe, expect, test } from 'vitest'
import { nextLimit } from '../../src/engine/pool/policy/concurrency-limit.ts'
import { settled } from '../support/fake-clock.ts'
import { aRevision, TestPool } from '../support/fake-workers-pool.ts'

const none = Number.POSITIVE_INFINITY

describe('the bound', () => {
  const rows: [what: string, view: Partial<Parameters<typeof nextLimit>[0]>, bound: number][] = [
    ['is none while there are processors', { stalledShare: 0.1 }, none],
    ['is none while calls stall now and then', { stalledShare: 0.4 }, none],
    ['is half of those at work when they mostly wait for a processor', {}, 32],
    ['halves again', { most: 32, atWork: 32 }, 16],
    ['is never below twice the processors', { most: 5, atWork: 5 }, 4],
    ['is not lowered for the fault of others', { atWork: 4 }, none],
    ['stays when those at work keep the processors busy', { most: 4, atWork: 4, stalledShare: 0.5 }, 4],
    ['is kept through one calm moment', { most: 4, atWork: 4, stalledShare: 0.05, calm: 1 }, 4],
    [
      'is given up soon when those at work wait for something else',
      { most: 4, atWork: 4, stalledShare: 0.05, calm: 3 },
      8,
    ],
  ]
  test.each(rows)('%s', (_what, view, bound) => {
    expect(nextLimit({ most: none, atWork: 64, stalledShare: 0.9, calm: 0, processors: 2, ...view })).toBe(bound)
  })
})

const callMs = 50

/** Repeats a number of calls whose workers have no processor for this share of the time. */
async function flood(
  pool: TestPool,
  calls: number,
  rounds: number,
  stalledShare: number,
  revision = aRevision(),
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    while (pool.held.length + pool.waiting.length < calls) pool.ask(revision)
    await settled()
    await pool.pass(callMs)
    for (const lease of pool.held) pool.release(lease, callMs * stalledShare)
  }
  while (pool.held.length + pool.waiting.length < calls) pool.ask(revision)
  await settled()
}

describe('a flood of calls of one function', () => {
  test('that compute has as many workers at work as serve it, and no more are started for it', async () => {
    const pool = new TestPool({ processors: () => 1 })
    await flood(pool, 16, 20, 0)
    await pool.pass(2000)
    expect(pool.held).toHaveLength(16)
    await flood(pool, 16, 40, 0.9)
    expect(pool.held).toHaveLength(2)
    const before = pool.workers.asked
    await flood(pool, 32, 10, 0.9)
    expect(pool.held).toHaveLength(2)
    expect(pool.workers.asked).toBe(before)
    expect(pool.waiting, 'nothing is refused').toHaveLength(30)
  })

  test('that compute starts no more workers than may be at work, also when there are fewer', async () => {
    const pool = new TestPool({ processors: () => 2 })
    await flood(pool, 16, 20, 0)
    await pool.pass(2000)
    await flood(pool, 16, 40, 0.9)
    expect(pool.held).toHaveLength(4)
    while (pool.held.length > 0) {
      for (const lease of pool.held) pool.release(lease)
      await settled()
    }
    for (const worker of pool.workers.alive.slice(1)) worker.die()
    await pool.pass(1000)
    const before = pool.workers.asked
    for (let n = 0; n < 32; n++) pool.ask()
    await pool.pass(3000)
    expect(pool.held).toHaveLength(4)
    expect(pool.workers.asked - before).toBe(3)
  })

  test('that begin to wait for something else are all at work again', async () => {
    const pool = new TestPool({ processors: () => 1 })
    await flood(pool, 16, 20, 0)
    await pool.pass(2000)
    await flood(pool, 16, 40, 0.9)
    expect(pool.held).toHaveLength(2)
    await flood(pool, 16, 60, 0.05)
    expect(pool.held).toHaveLength(16)
  })

  test('that compute for long are all let in after a while, by age', async () => {
    const pool = new TestPool({ processors: () => 1 })
    await flood(pool, 16, 20, 0)
    await pool.pass(2000)
    await flood(pool, 16, 40, 0.9)
    expect(pool.held).toHaveLength(2)
    await pool.pass(4000)
    expect(pool.held).toHaveLength(2)
    await pool.pass(2500)
    expect(pool.held).toHaveLength(16)
  })

  test('whose workers may not use a whole processor are not held back for what they may not use', async () => {
    const pool = new TestPool({ processors: () => 2 })
    const capped = aRevision({ cpuMaxMillicpu: 250 })
    await flood(pool, 64, 20, 0, capped)
    await pool.pass(2000)
    await flood(pool, 64, 40, 0.9, capped)
    expect(pool.held, 'as many as take twice the processors').toHaveLength(16)
  })

  test('that have waited long come before one that has just come', async () => {
    const pool = new TestPool({ processors: () => 1 })
    await flood(pool, 16, 20, 0)
    await pool.pass(2000)
    await flood(pool, 16, 40, 0.9)
    expect(pool.held).toHaveLength(2)
    for (let n = 0; n < 50; n++) {
      await pool.pass(110)
      const late = pool.ask()
      await settled()
      expect(late.lease).toBeNull()
    }
    expect(pool.held.length).toBeGreaterThan(2)
  })

  test('does not bound another function', async () => {
    const pool = new TestPool({ processors: () => 1 })
    await flood(pool, 16, 20, 0)
    await pool.pass(2000)
    await flood(pool, 16, 40, 0.9)
    const others = Array.from({ length: 5 }, () => pool.ask(aRevision({ functionId: 'other' })))
    await pool.pass(3000)
    expect(others.every(({ lease }) => lease !== null)).toBe(true)
  })
})
