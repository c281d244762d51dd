import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Durations } from '../../src/domain/durations.ts'
import { makeRevision } from '../../src/domain/functions/revision.ts'
import { Stats } from '../../src/services/runs/stats.ts'
import { aFinishedExecution, aFn, aRuntime } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'

describe('durations', () => {
  test('have no percentile when there are none', () => {
    expect(new Durations().percentile(0.5)).toBeNull()
  })

  test('count zeros, which are below every bound', () => {
    const durations = new Durations()
    for (const ms of [0, 0, 0, 8]) durations.add(ms)
    expect(durations.percentile(0.5)).toBe(0)
    expect(durations.percentile(0.99)).toBeCloseTo(8, -0.5)
    expect([durations.below(10), durations.below(14), durations.count, durations.sumMs]).toEqual([3, 4, 4, 8])
  })

  test('know a percentile to 5 %, merged or not', () => {
    const some = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(some, some, fc.constantFrom(0.5, 0.95, 0.99), (ones, others, share) => {
        const [merged, second] = [new Durations(), new Durations()]
        for (const ms of ones) merged.add(ms)
        for (const ms of others) second.add(ms)
        merged.addAll(second)
        const sorted = [...ones, ...others].sort((a, b) => a - b)
        const exact = sorted[Math.ceil(sorted.length * share) - 1] as number
        const told = merged.percentile(share) as number
        expect(told / exact).toBeGreaterThan(0.95)
        expect(told / exact).toBeLessThan(1.05)
      }),
    )
  })
})

describe('stats', () => {
  const runtime = aRuntime()
  const fn = aFn({ memoryBytes: 512 * 1024 * 1024, runtimeId: runtime.id })
  const revision = makeRevision(fn, runtime, null)
  const phases = { queue: 0, acquire: 1, load: 0, resume: 0, run: 2000, total: 2001 }

  test('count how runs ended, how they started, and what they held', () => {
    const stats = new Stats({ clock: new FakeClock() })
    const run = (overrides: object) =>
      stats.record(aFinishedExecution({ functionId: fn.id, projectId: 'red', phases, ...overrides }), revision)
    run({})
    run({ status: 'failed', startKind: 'prewarmed', coldReason: 'first' })
    run({ status: 'failed', startKind: 'cold', coldReason: 'pool_empty' })
    stats.record(aFinishedExecution({ functionId: fn.id, projectId: 'red', status: 'error', phases: null }), null)
    const tally = stats.ofFunction(fn.id)
    expect(tally).toMatchObject({ success: 1, failed: 2, error: 1, starts: { warm: 2, prewarmed: 1, cold: 1 } })
    expect([...tally.coldReasons]).toEqual([['pool_empty', 1]])
    expect(tally.busyGbSeconds).toBeCloseTo(3)
    expect(tally.phases.run.percentile(0.5)).toBeCloseTo(2000, -2)
  })

  test('count per function for all callers, and per caller for all functions', () => {
    const stats = new Stats({ clock: new FakeClock() })
    for (const [functionId, projectId] of [
      ['f', 'red'],
      ['f', 'blue'],
      ['g', 'red'],
    ]) {
      stats.record(aFinishedExecution({ functionId, projectId }), revision)
    }
    expect(stats.ofFunction('f').executions).toBe(2)
    expect(stats.ofProject('red').executions).toBe(2)
    expect(stats.ofProject(null).executions).toBe(3)
    expect(stats.ofProject('green').executions).toBe(0)
  })

  test('are complete for thousands of functions', () => {
    const stats = new Stats({ clock: new FakeClock() })
    for (let n = 0; n < 2500; n++) stats.record(aFinishedExecution({ functionId: `f${n}` }), revision)
    expect(stats.ofProject(null).executions).toBe(2500)
    expect(stats.ofFunction('f0').executions).toBe(0)
    expect(stats.ofFunction('f2499').executions).toBe(1)
  })
})
