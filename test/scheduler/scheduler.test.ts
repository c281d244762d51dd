import { expect, test, vi } from 'vitest'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { Job } from '../../src/domain/triggers/job.ts'
import { Scheduler } from '../../src/scheduler/scheduler.ts'
import { aJob, builtAt } from '../support/builders.ts'
import { FakeClock } from '../support/fake-clock.ts'

const dueIn = (ms: number, overrides: Partial<Job> = {}): Job => aJob({ nextExecutionTime: builtAt + ms, ...overrides })

function setUp() {
  const clock = new FakeClock()
  const scheduler = new Scheduler({ clock, log: silentLog, leadMs: 5000 })
  /** What was due, as `name@ms since the start`, and how many ticks that took. */
  const fired: string[] = []
  const announced: string[] = []
  const ticks: Job[][] = []
  scheduler.start({
    onDue(jobs, nowMs) {
      ticks.push(jobs)
      for (const job of jobs) fired.push(`${job.name}@${nowMs - builtAt}`)
    },
    onSoon(jobs) {
      for (const job of jobs) announced.push(`${job.name}@${clock.now() - builtAt}`)
    },
  })
  return { clock, scheduler, fired, announced, ticks }
}

test('a job that is not running, or has no next time, has no timer', () => {
  const { scheduler, clock, fired } = setUp()
  for (const status of ['paused', 'cancelled', 'done'] as const) scheduler.set(dueIn(1000, { status }))
  scheduler.set(aJob({ nextExecutionTime: null }))
  expect(scheduler.size).toBe(0)
  clock.advance(10_000)
  expect(fired).toEqual([])
})

test('a job is due at its millisecond, once', () => {
  const { clock, scheduler, fired } = setUp()
  scheduler.set(dueIn(55_000, { name: 'a' }))
  clock.advance(54_999)
  expect(fired).toEqual([])
  clock.advance(1)
  expect(fired).toEqual(['a@55000'])
  clock.advance(3_600_000)
  expect(fired).toEqual(['a@55000'])
})

test('never early: a timer that fires before its time is armed again', () => {
  const { clock, scheduler, fired } = setUp()
  clock.earlyMs = 3
  scheduler.set(dueIn(20_000, { name: 'a' }))
  clock.advance(60_000)
  expect(fired).toEqual(['a@20000'])
})

test('jobs that are due together come in one tick, in the order of their times', () => {
  const { clock, scheduler, fired, ticks } = setUp()
  for (const [name, ms] of Object.entries({ d: 30_000, a: 10_000, c: 10_000, b: 9_000 })) {
    scheduler.set(dueIn(ms, { name }))
  }
  clock.advance(30_000)
  expect(fired[0]).toBe('b@9000')
  expect(fired.slice(1, 3).toSorted()).toEqual(['a@10000', 'c@10000'])
  expect(fired[3]).toBe('d@30000')
  expect(ticks).toHaveLength(3)
})

test('a new time replaces the one before, earlier or later, and a cleared job is not due', () => {
  const { clock, scheduler, fired } = setUp()
  const [earlier, later, gone, paused] = ['earlier', 'later', 'gone', 'paused'].map((name) => dueIn(20_000, { name }))
  for (const job of [earlier, later, gone, paused]) scheduler.set(job as Job)
  scheduler.set({ ...(earlier as Job), nextExecutionTime: builtAt + 6_000 })
  scheduler.set({ ...(later as Job), nextExecutionTime: builtAt + 40_000 })
  scheduler.set({ ...(paused as Job), status: 'paused' })
  scheduler.clear((gone as Job).id)
  clock.advance(60_000)
  expect(fired).toEqual(['earlier@6000', 'later@40000'])
})

test('a job whose run could not be accepted is due again not before the given time, unannounced', () => {
  const { clock, scheduler, fired, announced } = setUp()
  scheduler.set(dueIn(0, { name: 'a' }), builtAt + 1000)
  clock.advance(999)
  expect(fired).toEqual([])
  clock.advance(1)
  expect(fired).toEqual(['a@1000'])
  expect(announced).toEqual([])
})

test('jobs are announced once, some time before they are due', () => {
  const { clock, scheduler, fired, announced } = setUp()
  scheduler.set(dueIn(20_000, { name: 'far' }))
  scheduler.set(dueIn(2_000, { name: 'near' }))
  clock.advance(30_000)
  expect(announced).toEqual(['near@0', 'far@15000'])
  expect(fired).toEqual(['near@2000', 'far@20000'])
})

test('a wall clock that is set forward is noticed within 30 seconds', () => {
  const { clock, scheduler, fired } = setUp()
  scheduler.set(dueIn(3_600_000, { name: 'a' }))
  clock.advance(1000)
  clock.setWall(builtAt + 3_600_000)
  clock.advance(30_000)
  expect(fired).toHaveLength(1)
})

test('a wall clock that is set back makes a job wait for its wall time', () => {
  const { clock, scheduler, fired } = setUp()
  scheduler.set(dueIn(20_000, { name: 'a' }))
  clock.advance(10_000)
  clock.setWall(builtAt - 60_000)
  clock.advance(79_999)
  expect(fired).toEqual([])
  clock.advance(1)
  expect(fired).toEqual(['a@20000'])
})

test('a job weeks ahead is due to the millisecond', () => {
  const { clock, scheduler, fired } = setUp()
  const weeks = 50 * 86_400_000
  scheduler.set(dueIn(weeks, { name: 'a' }))
  clock.advance(weeks - 1)
  expect(fired).toEqual([])
  clock.advance(1)
  expect(fired).toEqual([`a@${weeks}`])
})

test('10,000 jobs: one timer, and a tick touches only what is due', () => {
  const { clock, scheduler, ticks } = setUp()
  for (let n = 0; n < 10_000; n++) scheduler.set(dueIn(60_000 + n * 1000))
  expect(clock.armed).toBe(1)
  const nowCalls = vi.spyOn(clock, 'now')
  clock.advance(62_000)
  expect(ticks.map((jobs) => jobs.length)).toEqual([1, 1, 1])
  expect(nowCalls.mock.calls.length).toBeLessThan(50)
  clock.advance(10_000_000)
  expect(ticks).toHaveLength(10_000)
})

test('a listener that throws does not stop the clock', () => {
  const clock = new FakeClock()
  const scheduler = new Scheduler({ clock, log: silentLog })
  const names: (string | null)[] = []
  scheduler.start({
    onDue(jobs) {
      names.push(...jobs.map((job) => job.name))
      throw new Error('broken')
    },
  })
  scheduler.set(dueIn(1000, { name: 'a' }))
  scheduler.set(dueIn(2000, { name: 'b' }))
  clock.advance(5000)
  expect(names).toEqual(['a', 'b'])
})

test('jobs that were set before the start are due after it', () => {
  const clock = new FakeClock()
  const scheduler = new Scheduler({ clock, log: silentLog })
  const onDue = vi.fn()
  scheduler.set(dueIn(-5000))
  clock.advance(1000)
  scheduler.start({ onDue })
  clock.advance(0)
  expect(onDue).toHaveBeenCalledOnce()
})

test('nothing is due after close, and no timer is left', () => {
  const { clock, scheduler, fired } = setUp()
  scheduler.set(dueIn(1000))
  scheduler.close()
  expect(clock.armed).toBe(0)
  clock.advance(10_000)
  expect(fired).toEqual([])
})
