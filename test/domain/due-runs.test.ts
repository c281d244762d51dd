import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { afterRuns, dueRuns } from '../../src/domain/runs/due-runs.ts'
import type { CronPatterns, Job } from '../../src/domain/triggers/job.ts'
import { aJob } from '../support/builders.ts'

/** Every full minute, whatever the pattern. */
const everyMinute: CronPatterns = {
  hasFixedTimes: () => false,
  check() {},
  next: (_pattern, _timezone, afterMs) => (Math.floor(afterMs / minute) + 1) * minute,
}
const minute = 60_000
const job = (overrides: Partial<Job>): Job => aJob({ nextExecutionTime: 10 * minute, ...overrides })
/** Due times in minutes. */
const due = (of: Job, nowMin: number, presentSinceMin: number, heldBack = false) => {
  const window = { nowMs: nowMin * minute, presentSinceMs: presentSinceMin * minute, heldBack }
  const { times, leftOutMs, nextMs } = dueRuns(of, everyMinute, window)
  return {
    times: times.map((ms) => ms / minute),
    leftOut: leftOutMs === null ? null : leftOutMs / minute,
    next: nextMs === null ? null : nextMs / minute,
  }
}

describe('which runs are due', () => {
  test('none before the time', () => {
    expect(due(job({}), 9.99, 0)).toEqual({ times: [], leftOut: null, next: 10 })
  })

  test('the one run whose time has come', () => {
    expect(due(job({}), 10, 0)).toEqual({ times: [10], leftOut: null, next: 11 })
  })

  test('all that came while the server was there but late', () => {
    expect(due(job({ missed: 'skip' }), 12.5, 9)).toEqual({ times: [10, 11, 12], leftOut: null, next: 13 })
  })

  test('a job that runs once is due at its time, and never again', () => {
    expect(due(job({ pattern: null, count: 1 }), 10, 0)).toEqual({ times: [10], leftOut: null, next: null })
  })

  test('never more than the job has left', () => {
    expect(due(job({ count: 2 }), 15, 0).times).toEqual([10, 11])
    expect(due(job({ count: 0 }), 15, 0).times).toEqual([10])
    expect(due(job({ count: 2, missed: 'all' }), 20, 15).times).toEqual([10, 11])
  })
})

describe('runs that were missed', () => {
  test('skip makes none of them', () => {
    expect(due(job({ missed: 'skip' }), 20, 20)).toEqual({ times: [20], leftOut: 10, next: 21 })
    expect(due(job({ missed: 'skip', pattern: null, count: 1 }), 20, 20)).toEqual({
      times: [],
      leftOut: 10,
      next: null,
    })
  })

  test('once makes one for all of them', () => {
    expect(due(job({ missed: 'once' }), 20.5, 20.25)).toEqual({ times: [10], leftOut: 11, next: 21 })
    expect(due(job({ missed: 'once', pattern: null, count: 1 }), 20, 20)).toEqual({
      times: [10],
      leftOut: null,
      next: null,
    })
  })

  test('all makes each of them, up to the limit', () => {
    expect(due(job({ missed: 'all' }), 14.5, 14.25)).toEqual({
      times: [10, 11, 12, 13, 14],
      leftOut: null,
      next: 15,
    })
    expect(due(job({ missed: 'all', missedLimit: 3 }), 14.5, 14.25)).toEqual({
      times: [10, 11, 12],
      leftOut: 13,
      next: 15,
    })
  })

  test('what is due since the server is back is run besides', () => {
    expect(due(job({ missed: 'once' }), 21.5, 20).times).toEqual([10, 20, 21])
  })

  test('a run that was held back is made even when the rule is skip', () => {
    expect(due(job({ missed: 'skip' }), 20.5, 20.25, true).times).toEqual([10])
  })
})

test('due times are matches in order, none twice, none after now; the next one is after now', () => {
  const any = fc.record({
    first: fc.integer({ min: 0, max: 50 }),
    now: fc.integer({ min: 0, max: 100 * minute }),
    present: fc.integer({ min: 0, max: 100 * minute }),
    missed: fc.constantFrom('skip' as const, 'once' as const, 'all' as const),
    missedLimit: fc.integer({ min: 1, max: 60 }),
    count: fc.option(fc.integer({ min: 0, max: 60 })),
  })
  fc.assert(
    fc.property(any, ({ first, now, present, ...rules }) => {
      const of = job({ nextExecutionTime: first * minute, ...rules })
      const presentSinceMs = Math.min(present, now)
      const { times, nextMs } = dueRuns(of, everyMinute, { nowMs: now, presentSinceMs })
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
      expect(times.every((at) => at >= first * minute && at <= now && at % minute === 0)).toBe(true)
      if (rules.count !== null) expect(times.length).toBeLessThanOrEqual(Math.max(1, rules.count))
      if (first * minute <= now) expect(nextMs).toBeGreaterThan(now)
      if (rules.missed === 'skip') expect(times.every((at) => at >= presentSinceMs)).toBe(true)
    }),
  )
})

describe('after its runs a job', () => {
  const now = 99 * minute

  test('has one less to go for each run, and its next time', () => {
    expect(afterRuns(job({ count: 5 }), 2, 11 * minute, 12 * minute, now)).toMatchObject({
      status: 'running',
      count: 3,
      nextExecutionTime: 12 * minute,
      updatedAt: now,
    })
  })

  test('is done when none is left, and its next time stays at the last run', () => {
    expect(afterRuns(job({ count: 2 }), 2, 11 * minute, 12 * minute, now)).toMatchObject({
      status: 'done',
      count: 0,
      nextExecutionTime: 11 * minute,
    })
  })

  test('is done when it runs once, whether it ran or was left out', () => {
    const once = job({ pattern: null, count: 1 })
    expect(afterRuns(once, 1, 10 * minute, null, now)).toMatchObject({ status: 'done', count: 0 })
    expect(afterRuns(once, 0, 10 * minute, null, now)).toMatchObject({ status: 'done', count: 1 })
  })

  test('keeps its count when its runs were left out', () => {
    expect(afterRuns(job({ count: 1 }), 0, 11 * minute, 12 * minute, now)).toMatchObject({
      status: 'running',
      count: 1,
    })
  })
})
