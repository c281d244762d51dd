import { describe, expect, test, vi } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { idFrom, timeOrderedId } from '../../src/domain/ids.ts'
import { noShares } from '../../src/domain/platform/limits.ts'
import type { Principal } from '../../src/domain/platform/principal.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import type { Job } from '../../src/domain/triggers/job.ts'
import { cronPatterns } from '../../src/scheduler/cron-patterns.ts'
import { Scheduler } from '../../src/scheduler/scheduler.ts'
import { Targets } from '../../src/services/functions/targets.ts'
import { Invocation } from '../../src/services/runs/invocation.ts'
import { Jobs } from '../../src/services/triggers/jobs.ts'
import { aFn, aJob, anAlias, aRuntime, builtAt } from '../support/builders.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FakeLedger } from '../support/fake-ledger.ts'
import { FakePool, returned } from '../support/fake-pool.ts'
import { testDatabase } from '../support/test-databases.ts'

const second = 1000
const minute = 60 * second
/** The first full minute of the tests. */
const t0 = builtAt + 55 * second
const who: Principal = { projectId: 'red', roles: [], isAdmin: false }

/** What lasts through a crash, and processes that come and go over it. */
function setUp() {
  const { database, stores } = testDatabase()
  const store = stores.jobs
  const ledger = new FakeLedger()
  const clock = new FakeClock()
  const runtime = aRuntime()
  stores.runtimes.insert(runtime)
  const fn = aFn({ projectId: 'red', runtimeId: runtime.id })
  stores.functions.insert(fn)

  const addJob = (overrides: Partial<Job> = {}): Job => {
    const job = aJob({ projectId: 'red', functionId: fn.id, pattern: '* * * * *', nextExecutionTime: t0, ...overrides })
    store.insert(job)
    return job
  }

  function startProcess(limits: { maxQueued?: number } = {}) {
    const pool = new FakePool()
    const targets = new Targets({ ...stores, random: Math.random })
    const scheduler = new Scheduler({ clock, log: silentLog })
    const common = { pool, ledger, clock, newId: timeOrderedId, log: silentLog }
    const invocation = new Invocation({ ...common, limits: { ...runLimits, ...limits } })
    const patterns = cronPatterns()
    const jobs = new Jobs({ ...common, shares: noShares, store, timers: scheduler, patterns, targets, invocation })
    /** Ends of the runs that have begun, in order, when `hold` is on. */
    const ends: (() => void)[] = []
    const hold = () => {
      pool.behaviour = () => new Promise<Outcome>((resolve) => ends.push(() => resolve(returned(null))))
    }
    const start = () => {
      invocation.recover((projectId, ref) => targets.resolveIn(projectId, ref), jobs.runs.follow)
      scheduler.start({
        onDue: (due, nowMs) => void jobs.runs.fire(due, nowMs),
        onSoon: (soon) => jobs.runs.expect(soon),
        onSetBack: (backMs, nowMs) => jobs.runs.setBack(backMs, nowMs),
      })
      jobs.runs.start()
    }
    const crash = () => scheduler.close()
    return { pool, targets, scheduler, invocation, jobs, ends, hold, start, crash }
  }

  /** Executions in the order they were accepted. */
  const executions = () => [...ledger.rows.values()]
  const row = (job: Job) => store.find(job.id) as Job
  return { database, stores, store, ledger, clock, fn, runtime, addJob, startProcess, executions, row }
}

const runLimits = {
  maxQueued: 1000,
  maxQueuedBytes: 1_000_000,
  maxAsyncRunning: 100,
  maxAsyncRunningPerFunction: 100,
  maxAttempts: 3,
  maxAsyncAgeMs: 3_600_000,
  maxCallDepth: 16,
  retryPauseMs: 100,
  cancelGraceMs: 50,
  maxLogBytes: 1000,
  logExecutions: 'all' as const,
}

describe('a job whose time has come', () => {
  test('makes an async execution in its project, which says where it comes from', async () => {
    const { clock, addJob, startProcess, executions, fn } = setUp()
    const job = addJob({ functionInput: '{"a":1}' })
    startProcess().start()
    await clock.pass(t0 - builtAt - 1)
    expect(executions()).toEqual([])
    await clock.pass(1)
    expect(executions()).toMatchObject([
      {
        id: idFrom(job.id, t0),
        projectId: 'red',
        functionId: fn.id,
        sync: false,
        trigger: 'job',
        description: `Created by Job ${job.id}`,
        input: '{"a":1}',
        status: 'success',
      },
    ])
  })

  test('gets its next time, and a count lower by one', async () => {
    const { clock, addJob, startProcess, row } = setUp()
    const job = addJob({ count: 3 })
    startProcess().start()
    await clock.pass(minute)
    expect(row(job)).toMatchObject({ status: 'running', count: 2, nextExecutionTime: t0 + minute, updatedAt: t0 })
  })

  test('is done when its count is used up, and its next time stays', async () => {
    const { clock, addJob, startProcess, row, executions } = setUp()
    const job = addJob({ count: 2 })
    const { scheduler, start } = startProcess()
    start()
    await clock.pass(10 * minute)
    expect(row(job)).toMatchObject({ status: 'done', count: 0, nextExecutionTime: t0 + minute })
    expect(executions()).toHaveLength(2)
    expect(scheduler.size).toBe(0)
  })

  test('is done after its one time', async () => {
    const { clock, addJob, startProcess, row, executions } = setUp()
    const job = addJob({ pattern: null, count: 1 })
    startProcess().start()
    await clock.pass(10 * minute)
    expect(row(job)).toMatchObject({ status: 'done', count: 0, nextExecutionTime: t0 })
    expect(executions()).toHaveLength(1)
  })

  test('has its function warmed shortly before', async () => {
    const { clock, addJob, startProcess, fn } = setUp()
    for (let n = 0; n < 3; n++) addJob()
    const { pool, start } = startProcess()
    start()
    await clock.pass(24 * second)
    expect(pool.asked).toEqual([])
    await clock.pass(second)
    expect(pool.asked).toEqual([`expect ${fn.id} ${t0}`])
  })

  test('is one of thousands: all run, written in few transactions', async () => {
    const { clock, addJob, startProcess, executions, store } = setUp()
    for (let n = 0; n < 1200; n++) addJob()
    const updates = vi.spyOn(store, 'updateAll')
    startProcess({ maxQueued: 10_000 }).start()
    await clock.pass(minute)
    await settled()
    expect(executions()).toHaveLength(1200)
    expect(updates.mock.calls.map(([jobs]) => jobs.length)).toEqual([200, 200, 200, 200, 200, 200])
  })
})

describe('nothing is lost and nothing runs twice', () => {
  test('when the row cannot be written after the run was accepted', async () => {
    const { clock, addJob, startProcess, executions, store, row } = setUp()
    const job = addJob({ count: 2 })
    startProcess().start()
    const broken = vi.spyOn(store, 'updateAll').mockImplementationOnce(() => {
      throw new Error('disk full')
    })
    await clock.pass(minute - 2 * second)
    expect(broken).toHaveBeenCalledTimes(2)
    expect(executions().map(({ id }) => id)).toEqual([idFrom(job.id, t0)])
    expect(row(job)).toMatchObject({ count: 1, nextExecutionTime: t0 + minute })
  })

  test.each([
    ['skip', 3],
    ['once', 4],
    ['all', 5],
  ] as const)('when the process is killed between the two writes: missed %s', async (missed, runs) => {
    const { clock, addJob, startProcess, executions, store, row } = setUp()
    const job = addJob({ count: 5, missed })
    const first = startProcess()
    first.start()
    vi.spyOn(store, 'updateAll').mockImplementationOnce(() => {
      first.crash()
      throw new Error('killed')
    })
    await clock.pass(55 * second)
    first.crash()
    expect(row(job)).toMatchObject({ count: 5, nextExecutionTime: t0 })
    await clock.pass(2.5 * minute)

    startProcess().start()
    await clock.pass(2 * minute)
    const made = executions().map(({ id }) => id)
    const due = { skip: [0, 3, 4], once: [0, 1, 3, 4], all: [0, 1, 2, 3, 4] }[missed]
    expect(made).toEqual(due.map((n) => idFrom(job.id, t0 + n * minute)))
    expect(row(job).count).toBe(5 - runs)
  })

  test('when the process is killed between the two writes of the last run', async () => {
    const { clock, addJob, startProcess, executions, store, row } = setUp()
    const job = addJob({ pattern: null, count: 1 })
    const first = startProcess()
    first.start()
    vi.spyOn(store, 'updateAll').mockImplementationOnce(() => {
      first.crash()
      throw new Error('killed')
    })
    await clock.pass(minute)
    first.crash()
    startProcess().start()
    await clock.pass(minute)
    expect(executions()).toHaveLength(1)
    expect(row(job)).toMatchObject({ status: 'done', count: 0 })
  })

  test('while the queue is full: the run is made when there is room', async () => {
    const { clock, addJob, startProcess, executions, row } = setUp()
    const job = addJob({ missed: 'skip' })
    const full = startProcess({ maxQueued: 1 })
    full.hold()
    full.start()
    const target = full.targets.resolveIn('red', job)
    const input = { kind: 'none' as const, body: Buffer.alloc(0) }
    const busy = { target, projectId: 'red', trigger: 'async' as const, input }
    for (let n = 0; n < 101; n++) await full.invocation.accept(busy)
    await clock.pass(t0 - builtAt + 40 * second)
    expect(row(job).nextExecutionTime).toBe(t0)
    full.ends.shift()?.()
    await clock.pass(2 * second)
    expect(executions().at(-1)?.id).toBe(idFrom(job.id, t0))
    expect(row(job).nextExecutionTime).toBe(t0 + minute)
  })

  test('while the ledger fails', async () => {
    const { clock, addJob, startProcess, executions, ledger } = setUp()
    const jobs = [addJob(), addJob()]
    startProcess().start()
    ledger.refusal = new FaasError('internal', 'disk full')
    await clock.pass(58 * second)
    ledger.refusal = null
    await clock.pass(1.5 * second)
    expect(
      executions()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(jobs.map((job) => idFrom(job.id, t0)).toSorted())
  })

  test('when all of several missed runs cannot be accepted at once', async () => {
    const { clock, addJob, startProcess, executions, ledger, row } = setUp()
    const job = addJob({ missed: 'all', count: 10 })
    await clock.pass(4 * minute)
    const accept = ledger.accept.bind(ledger)
    let left = 2
    vi.spyOn(ledger, 'accept').mockImplementation(async (execution) => {
      if (left-- === 0) throw new FaasError('queue_full', 'full')
      return accept(execution)
    })
    startProcess().start()
    await clock.pass(0)
    expect(row(job)).toMatchObject({ count: 8, nextExecutionTime: t0 + 2 * minute })
    await clock.pass(second)
    expect(executions().map(({ id }) => id)).toEqual([0, 1, 2, 3].map((n) => idFrom(job.id, t0 + n * minute)))
    expect(row(job)).toMatchObject({ count: 6, nextExecutionTime: t0 + 4 * minute })
  })
})

describe('runs that fell into a downtime', () => {
  test.each([
    ['skip', []],
    ['once', [0]],
    ['all', [0, 1, 2]],
  ] as const)('%s', async (missed, due) => {
    const { clock, addJob, startProcess, executions, row } = setUp()
    const job = addJob({ missed, missedLimit: 3 })
    const once = addJob({ missed, pattern: null, count: 1 })
    await clock.pass(10.5 * minute)
    const { jobs, start } = startProcess()
    start()
    await clock.pass(second)
    const leftOut = missed === 'all' ? 3 : missed === 'once' ? 1 : 0
    expect(jobs.runs.leftOut(job.id)).toEqual([{ atMs: t0 + leftOut * minute, why: 'missed' }])
    const ofJob = executions().filter(({ description }) => description?.endsWith(job.id))
    expect(ofJob.map(({ id }) => id)).toEqual(due.map((n) => idFrom(job.id, t0 + n * minute)))
    expect(executions().length - ofJob.length).toBe(missed === 'skip' ? 0 : 1)
    expect(row(job)).toMatchObject({ status: 'running', nextExecutionTime: t0 + 10 * minute })
    expect(row(once)).toMatchObject({ status: 'done', count: missed === 'skip' ? 1 : 0 })
  })

  test('are missed ones too when the machine slept for an hour', async () => {
    const { clock, addJob, startProcess, executions, row } = setUp()
    const job = addJob({ missed: 'skip' })
    startProcess().start()
    clock.setWall(t0 + 60 * minute + 40 * second)
    await clock.pass(30 * second)
    expect(executions().map(({ id }) => id)).toEqual([idFrom(job.id, t0 + 61 * minute)])
    expect(row(job).nextExecutionTime).toBe(t0 + 62 * minute)
  })

  test('are not made when the job is paused', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    addJob({ status: 'paused' })
    await clock.pass(10 * minute)
    startProcess().start()
    await clock.pass(10 * minute)
    expect(executions()).toEqual([])
  })
})

describe('a clock that is set back', () => {
  const hour = 60 * minute

  test('by an hour: jobs go on within a minute, by the new time, and every minute has its run', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    addJob({ missed: 'skip' })
    const { start } = startProcess()
    start()
    await clock.pass(10 * minute)
    expect(executions()).toHaveLength(10)
    clock.setWall(clock.now() - hour)
    await clock.pass(minute)
    expect(executions().length).toBeGreaterThanOrEqual(10)
    await clock.pass(2 * hour)
    // Two hours and eleven minutes went by, and the clock shows one hour of them twice.
    const made = executions().length
    expect(made).toBeGreaterThanOrEqual(130)
    expect(made).toBeLessThanOrEqual(131)
    expect(executions().every(({ status }) => status === 'success')).toBe(true)
  })

  test('again and again: each time it goes on', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    addJob()
    startProcess().start()
    for (let n = 0; n < 3; n++) {
      await clock.pass(10 * minute)
      clock.setWall(clock.now() - 10 * minute)
    }
    await clock.pass(10 * minute)
    expect(executions().length).toBeGreaterThanOrEqual(37)
    expect(executions().length).toBeLessThanOrEqual(40)
  })

  test('by an hour: what has a time of day does not run at it twice; by more it was wrong, and all go by the new one', async () => {
    const { clock, addJob, startProcess, executions, row } = setUp()
    // At 03:06 each day; it is 03:04.
    const job = addJob({ pattern: '6 3 * * *', nextExecutionTime: t0 + minute })
    startProcess().start()
    await clock.pass(10 * minute)
    clock.setWall(clock.now() - hour)
    await clock.pass(2 * hour)
    expect(executions()).toHaveLength(1)
    expect(row(job).nextExecutionTime).toBe(t0 + minute + 24 * hour)
    clock.setWall(clock.now() - 48 * hour)
    await clock.pass(minute)
    expect(row(job).nextExecutionTime).toBeLessThan(t0)
  })

  test('while the server was not there, as when it began with a wrong date', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    const wrong = clock.now() + 4 * 365 * 24 * hour
    const nextExecutionTime = t0 + (wrong - clock.now())
    const job = { createdAt: wrong, updatedAt: wrong, nextExecutionTime, missed: 'skip' as const }
    addJob(job)
    const first = addJob({ ...job, firstExecutionTime: job.nextExecutionTime, createdAt: builtAt, updatedAt: null })
    startProcess().start()
    await clock.pass(2 * minute)
    expect(executions()).toHaveLength(2)
    expect(executions().some(({ triggerId }) => triggerId === first.id)).toBe(false)
  })

  test('does not touch jobs that are paused, have one time, or were put off by somebody', async () => {
    const { clock, addJob, startProcess, row } = setUp()
    const later = { nextExecutionTime: t0 + 5 * hour }
    const jobs = [addJob({ status: 'paused' }), addJob({ pattern: null, ...later }), addJob(later)]
    startProcess().start()
    await clock.pass(minute)
    clock.setWall(clock.now() - hour)
    await clock.pass(minute)
    expect(jobs.map((job) => row(job).nextExecutionTime)).toEqual(jobs.map((job) => job.nextExecutionTime))
  })
})

describe('a job that has nothing to run', () => {
  test('leaves an execution that says why, and goes on, as do the others', async () => {
    const { clock, addJob, startProcess, executions, fn, row, ledger } = setUp()
    const broken = addJob({ functionVersion: 7, count: 2 })
    const good = addJob()
    startProcess().start()
    await clock.pass(minute)
    expect(executions()).toHaveLength(2)
    expect(ledger.rows.get(idFrom(good.id, t0))).toMatchObject({ status: 'success' })
    expect(ledger.rows.get(idFrom(broken.id, t0))).toMatchObject({
      status: 'error',
      functionId: fn.id,
      functionVersion: 7,
      description: `Created by Job ${broken.id}`,
      error: { message: expect.stringContaining('Version 7') },
    })
    expect(row(broken)).toMatchObject({ status: 'running', count: 1, nextExecutionTime: t0 + minute })
  })

  test('not even a function to name: it goes on, as do the others', async () => {
    const { clock, addJob, startProcess, executions, row } = setUp()
    const broken = addJob({ functionId: null, functionAlias: 'gone' })
    const good = addJob()
    startProcess().start()
    await clock.pass(minute)
    expect(executions().map(({ id }) => id)).toEqual([idFrom(good.id, t0)])
    expect(row(broken)).toMatchObject({ status: 'running', nextExecutionTime: t0 + minute })
  })

  test('follows an alias that is moved', async () => {
    const { clock, addJob, startProcess, executions, stores, fn, runtime } = setUp()
    const second = aFn({ projectId: 'red', runtimeId: runtime.id })
    stores.functions.insert(second)
    const alias = anAlias({ projectId: 'red', name: 'live', functionId: fn.id })
    stores.aliases.insert(alias)
    addJob({ functionId: null, functionAlias: 'live' })
    startProcess().start()
    await clock.pass(minute)
    stores.aliases.update({ ...alias, functionId: second.id })
    await clock.pass(minute)
    expect(executions()).toMatchObject([
      { functionId: fn.id, functionAlias: 'live' },
      { functionId: second.id, functionAlias: 'live' },
    ])
  })

  test('waits a minute for its runtime, and then says so', async () => {
    const { clock, addJob, startProcess, executions, stores, runtime, row } = setUp()
    const job = addJob({ pattern: '@hourly' })
    stores.runtimes.update({ ...runtime, status: 'upgrading' })
    const { targets, start } = startProcess()
    start()
    await clock.pass(minute + 50 * second)
    expect(executions()).toEqual([])
    await clock.pass(10 * second)
    expect(executions()).toMatchObject([{ status: 'error', error: { message: expect.stringContaining('upgrading') } }])
    expect(row(job).nextExecutionTime).toBe(Date.parse('2030-01-02T04:00:00Z'))

    await clock.pass(53 * minute)
    stores.runtimes.update({ ...runtime, status: 'available' })
    targets.forgetRuntime(runtime.id)
    await clock.pass(minute)
    expect(executions()).toMatchObject([{ status: 'error' }, { status: 'success' }])
  })
})

describe('runs that overlap', () => {
  test.each([
    ['allow', 3, 3],
    ['skip', 1, 1],
    ['queue', 3, 1],
  ] as const)('%s: of three due runs %i are accepted and %i begun', async (overlap, accepted, begun) => {
    const { clock, addJob, startProcess, executions, row } = setUp()
    const job = addJob({ overlap, count: 10 })
    const { pool, start, hold, ends } = startProcess()
    hold()
    start()
    await clock.pass(3 * minute)
    expect(executions()).toHaveLength(accepted)
    expect(pool.calls).toHaveLength(begun)
    expect(row(job).count).toBe(10 - accepted)
    for (const end of ends.splice(0)) end()
    await settled()
    expect(pool.calls).toHaveLength(overlap === 'queue' ? 2 : begun)
  })

  test('a run that was left out does not hold up the next', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    addJob({ overlap: 'skip' })
    const { start, hold, ends } = startProcess()
    hold()
    start()
    await clock.pass(2 * minute)
    ends.shift()?.()
    await clock.pass(minute)
    expect(executions()).toHaveLength(2)
  })

  test('at most missed_limit runs wait for their turn', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    addJob({ overlap: 'queue', missedLimit: 2 })
    const { pool, start, hold, ends } = startProcess()
    hold()
    start()
    await clock.pass(10 * minute)
    expect(executions()).toHaveLength(3)
    for (let n = 0; n < 3; n++) {
      ends.shift()?.()
      await settled()
    }
    expect(pool.calls).toHaveLength(3)
  })

  test('take turns through a crash too', async () => {
    const { clock, addJob, startProcess } = setUp()
    addJob({ overlap: 'queue' })
    const first = startProcess()
    first.hold()
    first.start()
    await clock.pass(2 * minute)
    first.crash()
    const next = startProcess()
    next.hold()
    next.start()
    await settled()
    expect(next.pool.calls).toHaveLength(1)
    await clock.pass(minute)
    expect(next.pool.calls).toHaveLength(1)
    for (const expected of [2, 3]) {
      next.ends.shift()?.()
      await settled()
      expect(next.pool.calls).toHaveLength(expected)
    }
  })

  test('one left from before a crash counts for skip', async () => {
    const { clock, addJob, startProcess, executions } = setUp()
    addJob({ overlap: 'skip' })
    const first = startProcess()
    first.hold()
    first.start()
    await clock.pass(minute)
    first.crash()
    const next = startProcess()
    next.hold()
    next.start()
    await clock.pass(minute)
    expect(executions()).toHaveLength(1)
  })
})

describe('a job that is changed while its run is being accepted', () => {
  test.each(['pause', 'delete'])('%s', async (what) => {
    const { clock, addJob, startProcess, row, ledger } = setUp()
    const job = addJob()
    const { jobs, scheduler, start } = startProcess()
    start()
    const accept = ledger.accept.bind(ledger)
    const gate = Promise.withResolvers<void>()
    vi.spyOn(ledger, 'accept').mockImplementation(async (execution) => {
      await gate.promise
      return accept(execution)
    })
    await clock.pass(minute)
    const change = what === 'pause' ? jobs.update(who, job.id, { status: 'paused' }) : jobs.delete(who, job.id)
    await settled()
    gate.resolve()
    await change
    await clock.pass(5 * minute)
    expect(ledger.rows.size).toBe(1)
    expect(scheduler.size).toBe(0)
    if (what === 'pause') expect(row(job)).toMatchObject({ status: 'paused', nextExecutionTime: t0 + minute })
    else expect(row(job)).toBeNull()
  })
})
