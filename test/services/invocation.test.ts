import { describe, expect, test, vi } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { makeRevision } from '../../src/domain/functions/revision.ts'
import { idFrom, timeOrderedId } from '../../src/domain/ids.ts'
import { limitReached, noShares, type Shares } from '../../src/domain/platform/limits.ts'
import type { Caller, Revision } from '../../src/domain/platform/worker.ts'
import type { Execution } from '../../src/domain/runs/execution.ts'
import { silentLog } from '../../src/domain/runs/log.ts'
import { errorTypes, type Outcome } from '../../src/domain/runs/outcome.ts'
import type { Target } from '../../src/services/functions/targets.ts'
import {
  type AcceptedRun,
  Invocation,
  type InvocationParts,
  type RunRequest,
} from '../../src/services/runs/invocation.ts'
import { aFn, anExecution, aRequestHead, aRuntime } from '../support/builders.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { FakeLedger } from '../support/fake-ledger.ts'
import { FakePool, returned } from '../support/fake-pool.ts'

const limits = {
  maxQueued: 10,
  maxQueuedBytes: 1000,
  maxAsyncRunning: 10,
  maxAsyncRunningPerFunction: 10,
  maxAttempts: 3,
  maxAsyncAgeMs: 3_600_000,
  maxCallDepth: 16,
  retryPauseMs: 100,
  cancelGraceMs: 50,
  maxLogBytes: 20,
  logExecutions: 'all' as const,
}

const runtime = aRuntime()
const fn = aFn({ projectId: 'red', runtimeId: runtime.id })
const target: Target = { fn, version: 0, alias: null, revision: makeRevision(fn, runtime, null) }
const image = aFn({ projectId: 'red', runtimeId: null, code: { source: 'image', image: 'a:1' } })
const command: Target = { fn: image, version: 0, alias: null, revision: makeRevision(image, null, null) }

const ask = (overrides: Partial<RunRequest> = {}): RunRequest => ({
  target,
  projectId: 'blue',
  trigger: 'api',
  input: { kind: 'json', body: Buffer.from('{"a":1}') },
  ...overrides,
})

const failed = (kind: 'raised' | 'timeout' | 'killed' | 'platform'): Outcome => ({
  kind,
  error: { type: 'E', message: 'why', stack: null },
  runMs: 7,
  cpuMs: null,
  memoryPeakMb: null,
})

function setUp(overrides: Partial<InvocationParts> = {}) {
  const pool = new FakePool()
  const ledger = new FakeLedger()
  const clock = new FakeClock()
  const ended: { execution: Execution; revision: Revision | null }[] = []
  const invocation = new Invocation({
    ...{ pool, ledger, clock, newId: timeOrderedId, log: silentLog, limits },
    onEnd: (execution, revision) => ended.push({ execution: { ...execution }, revision }),
    ...overrides,
  })
  const rows = () => [...ledger.rows.values()]
  return { pool, ledger, clock, invocation, ended, rows }
}

describe('the line in the log', () => {
  const linesOf = async (logExecutions: 'failed' | 'all', outcome: Outcome) => {
    const lines: string[] = []
    const log = { ...silentLog, warn: () => lines.push('warn'), infoText: () => lines.push('info') }
    const { pool, invocation } = setUp({ log, limits: { ...limits, logExecutions } })
    pool.behaviour = () => outcome
    await invocation.run(ask())
    return lines
  }

  test.each([
    ['failed', failed('platform'), ['warn']],
    ['failed', failed('raised'), ['info']],
    ['failed', returned(1), []],
    ['all', returned(1), ['info']],
  ] as const)('%s: %j', async (logExecutions, outcome, lines) => {
    expect(await linesOf(logExecutions, outcome)).toEqual(lines)
  })
})

test('refusals of a project that retries constantly are sent one after the other, those of others at once', async () => {
  const full: Shares = {
    ...noShares,
    enter: () => {
      throw limitReached({ name: 'running', of: 'project', value: 1, used: 1 })
    },
  }
  const { invocation, clock } = setUp({ shares: full })
  const told: string[] = []
  const refuse = (projectId: string) => {
    const own = { ...target, revision: { ...target.revision, projectId } }
    void invocation.run(ask({ target: own })).catch(({ code }: FaasError) => told.push(`${projectId} ${code}`))
  }
  for (let n = 0; n < 60; n++) refuse('red')
  refuse('blue')
  await settled()
  expect(told.filter((one) => one === 'red limit_reached')).toHaveLength(51)
  expect(told).toContain('blue limit_reached')
  clock.advance(100)
  await settled()
  expect(told).toHaveLength(61)
})

describe('a run that is waited for', () => {
  test.each([
    [failed('raised'), 'failed'],
    [failed('timeout'), 'failed'],
    [failed('killed'), 'failed'],
    [failed('platform'), 'error'],
    [returned(1), 'success'],
    [{ ...returned(1), kind: 'streamed', status: 200 } as Outcome, 'success'],
  ])('ends as the function did, once: $kind', async (outcome, status) => {
    const { pool, invocation, rows, ended } = setUp()
    pool.behaviour = () => outcome
    const finished = await invocation.run(ask())
    expect(finished.outcome).toEqual(outcome)
    expect(finished.execution).toMatchObject({ status, sync: true, attempt: 1, durationMs: outcome.runMs })
    expect(rows()).toEqual([finished.execution])
    expect(ended).toEqual([{ execution: finished.execution, revision: target.revision }])
    expect(pool.leased).toBe(0)
    expect(invocation.unfinishedCount()).toEqual({ running: 0, queued: 0 })
  })

  test('is an error of the platform when there is no worker, without inner words', async () => {
    const { pool, invocation } = setUp()
    pool.refusal = new FaasError('no_worker', 'Every worker is busy.')
    expect((await invocation.run(ask())).execution).toMatchObject({
      status: 'error',
      startKind: null,
      error: { type: errorTypes.platform, message: 'Every worker is busy.' },
    })
    pool.refusal = new Error('socket /run/secret broke')
    expect((await invocation.run(ask())).execution.error?.message).not.toContain('secret')
  })

  test('gives its worker back when the call throws', async () => {
    const { pool, invocation } = setUp()
    pool.behaviour = () => {
      throw new Error('broken')
    }
    expect((await invocation.run(ask())).execution.status).toBe('error')
    expect(pool.leased).toBe(0)
  })

  test('is the function failing when its code cannot be loaded', async () => {
    const { pool, invocation } = setUp()
    pool.loadFailure = {
      ...{ kind: 'load_failure', outcome: failed('raised'), worker: 'w', startKind: 'cold', coldReason: 'first' },
      ...{ loadMs: 3, log: 'line 1\n' },
    }
    expect((await invocation.run(ask())).execution).toMatchObject({
      ...{ status: 'failed', worker: 'w', startKind: 'cold', coldReason: 'first', log: 'line 1\n' },
      phases: { load: 3 },
    })
  })

  test('says in its log that it was the load that failed', async () => {
    const roomy = { ...limits, maxLogBytes: 1000 }
    const { pool, invocation } = setUp({ limits: roomy })
    pool.breakCode()
    const { execution } = await invocation.run(ask())
    expect(execution.log).toBe('loading\n\n[the code could not be loaded: SyntaxError: broken]\n')
  })

  test('is always a cold start when it is of an image', async () => {
    const { invocation } = setUp()
    const { execution } = await invocation.run(ask({ target: command }))
    expect(execution).toMatchObject({ status: 'success', isImageRun: true, startKind: 'cold', functionId: image.id })
  })

  test('has its phases', async () => {
    const { pool, invocation, clock } = setUp()
    pool.behaviour = () => {
      clock.advance(12)
      return returned(1)
    }
    const acquire = pool.acquire.bind(pool)
    pool.acquire = async (revision) => {
      clock.advance(5)
      return acquire(revision)
    }
    const { execution } = await invocation.run(ask())
    expect(execution.phases).toEqual({ queue: 0, acquire: 5, load: 0, resume: 0, run: 12, total: 17 })
  })

  test('shows its log while it runs, cut at the limit', async () => {
    const { pool, invocation } = setUp()
    let live: string | undefined
    pool.behaviour = (call) => {
      call.onLog('stdout', 'hello\n')
      live = invocation.live(call.executionId)?.log
      call.onLog('stderr', 'and much more than that\n')
      return returned(1)
    }
    const { execution } = await invocation.run(ask())
    expect(live).toBe('hello\n')
    expect(execution.log).toMatch(/^hello\nand much more \n\[the log is cut here/)
    expect(invocation.live(execution.id)).toBeUndefined()
  })
})

describe('a run that is accepted', () => {
  test('is refused when too many wait, or it cannot be made durable', async () => {
    const { invocation, ledger, pool, rows } = setUp({ limits: { ...limits, maxQueued: 1, maxAsyncRunning: 1 } })
    pool.behaviour = () => new Promise(() => {})
    ledger.refusal = new FaasError('internal', 'disk full')
    await expect(invocation.accept(ask())).rejects.toThrow('disk full')
    ledger.refusal = null
    await invocation.accept(ask())
    await invocation.accept(ask())
    await expect(invocation.accept(ask())).rejects.toMatchObject({ code: 'queue_full' })
    expect(rows()).toHaveLength(2)
  })

  test('is durable before it begins, and then runs', async () => {
    const { invocation, ledger, pool } = setUp()
    const begun: boolean[] = []
    pool.behaviour = (call) => {
      begun.push(ledger.rows.get(call.executionId)?.status === 'running')
      return returned({ ok: true })
    }
    const { execution, finished, duplicate } = await invocation.accept(ask({ trigger: 'async' }))
    expect(duplicate).toBe(false)
    expect(await finished).toMatchObject({ id: execution.id, status: 'success', sync: false, output: '{"ok":true}' })
    expect(begun).toEqual([true])
    expect(ledger.rows.get(execution.id)).toMatchObject({ status: 'success' })
  })

  test('is accepted once under one id', async () => {
    const { invocation, pool, rows } = setUp()
    const executionId = idFrom('a job', 1)
    await invocation.accept(ask({ executionId }))
    const again = await invocation.accept(ask({ executionId }))
    expect(again.duplicate).toBe(true)
    await again.finished
    expect(pool.calls).toHaveLength(1)
    expect(rows()).toHaveLength(1)
    expect(invocation.unfinishedCount().queued).toBe(0)
  })

  test('is tried again when the platform fails, and not when the function does', async () => {
    const { invocation, pool, clock } = setUp()
    const outcomes = [failed('platform'), failed('platform'), failed('raised')]
    pool.behaviour = () => outcomes.shift() as Outcome
    const { execution, finished } = await invocation.accept(ask())
    await settled()
    expect(execution).toMatchObject({ status: 'running', attempt: 1, error: null, durationMs: null })
    await clock.pass(1000)
    expect(await finished).toMatchObject({ status: 'failed', attempt: 3 })
    expect(pool.calls.map(({ call }) => call.attempt)).toEqual([undefined, 2, 3])
  })

  test('waits as long as it takes, at no cost, while the platform cannot begin it', async () => {
    const { invocation, pool, clock } = setUp()
    pool.refusal = new FaasError('engine_failed', 'The engine does not answer.')
    const { execution, finished } = await invocation.accept(ask())
    await clock.pass(20 * 60_000)
    expect(execution).toMatchObject({ status: 'running', attempt: 0 })
    pool.refusal = null
    await clock.pass(60_000)
    expect(await finished).toMatchObject({ status: 'success', attempt: 1 })
  })

  test('is not retried when it is too old, and says why it could not begin', async () => {
    const { invocation, pool, clock } = setUp()
    pool.refusal = new FaasError('engine_failed', 'The engine does not answer.')
    const { finished } = await invocation.accept(ask())
    await clock.pass(limits.maxAsyncAgeMs + 60_000)
    const { status, error, attempt } = await finished
    expect({ status, attempt }).toEqual({ status: 'error', attempt: 0 })
    expect(error?.message).toBe(
      'The run did not succeed within 60 minutes of its acceptance. The engine does not answer.',
    )
  })

  test('counts an attempt when the sandbox of its image runs, and none before', async () => {
    const { invocation, pool, clock } = setUp()
    let isAway = true
    pool.behaviour = (call) => {
      if (isAway) return failed('platform')
      call.onBegin?.()
      return failed('platform')
    }
    const { execution, finished } = await invocation.accept(ask({ target: command }))
    await clock.pass(10 * 60_000)
    expect(execution).toMatchObject({ status: 'running', attempt: 0 })
    isAway = false
    await clock.pass(10 * 60_000)
    expect(await finished).toMatchObject({ status: 'error', attempt: 3 })
  })

  test('is an error when the last try fails', async () => {
    const { invocation, pool, clock, ended } = setUp()
    pool.behaviour = () => failed('platform')
    const { finished } = await invocation.accept(ask())
    await clock.pass(1000)
    expect(await finished).toMatchObject({ status: 'error', attempt: 3 })
    expect(pool.calls).toHaveLength(3)
    expect(ended).toHaveLength(1)
  })

  test('waits for the run before it, whose failure does not affect it', async () => {
    const { invocation, pool } = setUp()
    const before = Promise.withResolvers<void>()
    const { finished } = await invocation.accept(ask({ after: before.promise }))
    await settled()
    expect(pool.calls).toHaveLength(0)
    expect(invocation.unfinishedCount()).toEqual({ running: 0, queued: 1 })
    before.reject(new Error('whatever'))
    expect((await finished).status).toBe('success')
  })
})

describe('a run with terms of its own', () => {
  test('is tried again after what it names, as often as it says, at its own pace', async () => {
    const { invocation, pool, clock } = setUp()
    pool.behaviour = () => failed('raised')
    const retries = { on: ['failed' as const], maxAttempts: 4, firstPauseMs: 10_000, factor: 1 }
    const { execution, finished } = await invocation.accept(ask({ terms: { retries } }))
    await clock.pass(9_999)
    expect(execution).toMatchObject({ status: 'running', attempt: 1 })
    await clock.pass(30_001)
    expect(await finished).toMatchObject({ status: 'failed', attempt: 4 })
  })

  test('does not begin before its time, and its age counts from then', async () => {
    const { invocation, pool, clock } = setUp()
    pool.refusal = new FaasError('engine_failed', 'The engine does not answer.')
    const runAtMs = clock.now() + 2 * limits.maxAsyncAgeMs
    const { execution } = await invocation.accept(ask({ terms: { runAtMs } }))
    await clock.pass(2 * limits.maxAsyncAgeMs - 1)
    expect(execution).toMatchObject({ attempt: 0, status: 'running' })
    pool.refusal = null
    await clock.pass(1)
    expect(execution).toMatchObject({ attempt: 1, status: 'success' })
  })

  test('of its function counts where the call says nothing', async () => {
    const { invocation, pool, clock } = setUp()
    pool.behaviour = () => failed('platform')
    const once = { ...target, fn: { ...fn, retries: { on: [] } } }
    const { finished } = await invocation.accept(ask({ target: once }))
    expect(await finished).toMatchObject({ status: 'error', attempt: 1, deadAt: clock.now() })
  })

  test.each<Partial<RunRequest>>([{}, { terms: { retries: { maxAttempts: 1 } } }])(
    'is counted on disk before it begins: %#',
    async (asked) => {
      const { invocation, pool, ledger } = setUp()
      const written = Promise.withResolvers<void>()
      vi.spyOn(ledger, 'begun').mockImplementation(async (execution) => {
        await written.promise
        ledger.close(execution)
      })
      const { finished } = await invocation.accept(ask(asked))
      await settled()
      expect(pool.calls.length).toBe(0)
      written.resolve()
      expect(await finished).toMatchObject({ attempt: 1 })
      expect(pool.calls.length).toBe(1)
    },
  )

  test('does not begin while the disk takes no word of it, and loses no attempt', async () => {
    const { invocation, pool, ledger, clock } = setUp()
    const begun = vi.spyOn(ledger, 'begun')
    begun.mockRejectedValueOnce(new FaasError('storage_full', 'The disk is full.'))
    const { finished } = await invocation.accept(ask())
    await settled()
    expect([pool.calls.length, pool.leased]).toEqual([0, 0])
    clock.advance(60_000)
    expect(await finished).toMatchObject({ status: 'success', attempt: 1 })
  })

  test('tells who asked of its end and keeps its trace, also when it is tried again', async () => {
    const { invocation, pool, clock } = setUp()
    const outcomes = [failed('platform'), returned(1)]
    pool.behaviour = () => outcomes.shift() as Outcome
    invocation.recover(() => target)
    const onOutcome = vi.fn()
    const { finished } = await invocation.accept(ask({ onOutcome, traceparent: '00-a-b-01' }))
    await clock.pass(1000)
    await finished
    expect(onOutcome.mock.calls).toEqual([[returned(1)]])
    expect(pool.calls.map(({ call }) => call.traceparent)).toEqual(['00-a-b-01', '00-a-b-01'])
  })

  test('is tried again with what its function is by then', async () => {
    const { invocation, pool, clock } = setUp()
    pool.behaviour = (_call, revision) => (revision.timeoutMs === 1 ? returned('mended') : failed('platform'))
    invocation.recover(() => ({ ...target, revision: { ...target.revision, timeoutMs: 1 } }))
    const { finished } = await invocation.accept(ask())
    await settled()
    await clock.pass(200)
    expect(await finished).toMatchObject({ status: 'success', output: '"mended"', attempt: 2 })
  })
})

describe('a dead letter', () => {
  test.each([
    [failed('raised'), true],
    [failed('timeout'), true],
    [returned(1), false],
  ] as const)('is an accepted run that will not be tried again: %j', async (outcome, isDead) => {
    const { invocation, pool } = setUp()
    pool.behaviour = () => outcome
    const { finished } = await invocation.accept(ask())
    expect((await finished).deadAt !== null).toBe(isDead)
    expect((await invocation.run(ask())).execution.deadAt).toBeNull()
  })

  test('runs again under its id when it is redriven, as when it was new', async () => {
    const { invocation, pool, clock, ledger } = setUp()
    invocation.recover(() => target)
    pool.behaviour = () => failed('platform')
    const first = await invocation.accept(ask())
    await clock.pass(1000)
    const dead = await first.finished
    expect(dead).toMatchObject({ status: 'error', attempt: 3 })
    pool.behaviour = () => returned(2)
    const fresh = { ...dead, status: 'running' as const, attempt: 0, deadAt: null }
    const again = await invocation.redrive(fresh)
    expect(await again.finished).toMatchObject({ id: dead.id, status: 'success', attempt: 1, deadAt: null })
    expect(ledger.rows.get(dead.id)).toMatchObject({ status: 'success' })
    await expect(invocation.redrive({ ...fresh, id: idFrom('nothing') })).rejects.toMatchObject({ code: 'not_found' })
    expect(invocation.unfinishedCount()).toEqual({ running: 0, queued: 0 })
  })
})

describe('a run that is cancelled', () => {
  const cancelledError = { type: 'Cancelled', message: expect.stringContaining('cancelled') }

  test('ends at once when it waits, and does not begin', async () => {
    const { invocation, pool, rows } = setUp({ limits: { ...limits, maxAsyncRunning: 1 } })
    pool.behaviour = () => new Promise(() => {})
    await invocation.accept(ask())
    const { execution, finished } = await invocation.accept(ask())
    await settled()
    invocation.cancel(execution.id)
    expect(await finished).toMatchObject({ status: 'failed', attempt: 0, deadAt: null, error: cancelledError })
    expect(rows().map(({ status }) => status)).toEqual(['running', 'failed'])
    expect(pool.calls).toHaveLength(1)
    expect(invocation.unfinishedCount().queued).toBe(0)
  })

  test('ends at once when it waits for its time', async () => {
    const { invocation, clock } = setUp()
    const { execution, finished } = await invocation.accept(ask({ terms: { runAtMs: clock.now() + 1e9 } }))
    invocation.cancel(execution.id)
    expect(await finished).toMatchObject({ status: 'failed', runAt: null, error: cancelledError })
  })

  test.each(['run', 'accept'] as const)('is told so when it is at work, with the grace: %s', async (how) => {
    const { invocation, pool } = setUp()
    pool.behaviour = () => new Promise(() => {})
    const executionId = idFrom(how)
    const asked = invocation[how](ask({ executionId }))
    await settled()
    invocation.cancel(executionId)
    invocation.cancel(executionId)
    const answer = await asked
    if ('finished' in answer) await answer.finished
    expect(answer.execution).toMatchObject({ status: 'failed', attempt: 1, deadAt: null, error: cancelledError })
    expect(pool.asked).toEqual([`cancel ${executionId} ${limits.cancelGraceMs}`])
    expect(pool.leased).toBe(0)
  })

  test('after its end is as it was', async () => {
    const { invocation, pool } = setUp()
    const end = Promise.withResolvers<Outcome>()
    pool.behaviour = () => end.promise
    const { execution, finished } = await invocation.accept(ask())
    await settled()
    end.resolve(returned(1))
    await settled()
    invocation.cancel(execution.id)
    expect((await finished).status).toBe('success')
  })

  test('leaves the line for a worker', async () => {
    const { invocation, pool } = setUp()
    pool.acquire = (_revision: Revision, caller?: Caller) =>
      new Promise<never>((_resolve, reject) => {
        caller?.signal.addEventListener('abort', () => reject(new FaasError('no_worker', 'left')))
      })
    const { execution, finished } = await invocation.accept(ask())
    await settled()
    invocation.cancel(execution.id)
    expect(await finished).toMatchObject({ status: 'failed', attempt: 0, error: cancelledError })
  })
})

describe('the end of a run', () => {
  test('is reported to its waiting caller', async () => {
    const { invocation, pool } = setUp()
    const end = Promise.withResolvers<Outcome>()
    pool.behaviour = () => end.promise
    const { execution } = await invocation.accept(ask())
    const isOver = vi.fn()
    void invocation.untilOver(execution.id, new AbortController().signal).then(isOver)
    await settled()
    expect(isOver).not.toHaveBeenCalled()
    end.resolve(returned(1))
    await settled()
    expect(isOver).toHaveBeenCalled()
  })

  test('is not waited for by who has left', async () => {
    const { invocation } = setUp()
    const left = new AbortController()
    const waiting = invocation.untilOver(idFrom('nothing'), left.signal)
    left.abort()
    await waiting
    await invocation.untilOver(idFrom('nothing'), left.signal)
  })
})

describe('after a restart', () => {
  const left = (overrides: Partial<Execution> = {}) =>
    anExecution({ functionId: fn.id, sync: false, projectId: 'red', input: 'eA==', inputKind: 'bytes', ...overrides })

  test('accepted runs go on, with their input, and count one try more', async () => {
    const { invocation, ledger, pool } = setUp()
    const execution = left()
    ledger.rows.set(execution.id, execution)
    expect(invocation.recover(() => target)).toBe(1)
    await settled()
    expect(pool.calls[0]?.call).toMatchObject({ executionId: execution.id, input: { kind: 'bytes' } })
    expect(pool.calls[0]?.call.input.body.toString()).toBe('x')
    expect(ledger.rows.get(execution.id)).toMatchObject({ status: 'success', attempt: 2 })
  })

  test('get the request that started them again', async () => {
    const { invocation, ledger, pool } = setUp()
    const http = aRequestHead({ method: 'POST', headers: [['x-signature', 'abc']], body: 'AAEC' })
    pool.behaviour = () => new Promise<Outcome>(() => {})
    const { execution } = await invocation.accept(ask({ trigger: 'webhook', http }))
    const next = setUp()
    next.ledger.rows.set(execution.id, { ...(ledger.rows.get(execution.id) as Execution) })
    next.invocation.recover(() => target)
    await settled()
    expect(next.pool.calls[0]?.call.http).toEqual(http)
  })

  test('what had only waited begins for the first time; what had begun is counted before it begins again', async () => {
    const { invocation, ledger, pool } = setUp()
    const waited = left({ attempt: 0 })
    const begun = left({ attempt: 1 })
    for (const execution of [waited, begun]) ledger.rows.set(execution.id, execution)
    const atBegin: (number | undefined)[] = []
    pool.behaviour = (call) => {
      atBegin.push(ledger.rows.get(call.executionId)?.attempt)
      return returned(1)
    }
    invocation.recover(() => target)
    await settled()
    expect(atBegin).toEqual([1, 2])
  })

  test('one that brings the server down takes none with it that waited, and ends when its attempts are used up', async () => {
    let rows = new Map<string, Execution>()
    const poison = left({ attempt: 0 })
    const innocent = Array.from({ length: 8 }, () => left({ attempt: 0 }))
    for (const execution of [poison, ...innocent]) rows.set(execution.id, execution)
    let crashes = 0
    for (; [...rows.values()].some(({ status }) => status === 'running'); crashes++) {
      expect(crashes, 'crashes').toBeLessThan(10)
      const { invocation, ledger, pool } = setUp({ limits: { ...limits, maxAttempts: 5 } })
      for (const [id, row] of rows) ledger.rows.set(id, { ...row })
      // Once it has begun, nothing ends any more: all that is left are the rows.
      let isDown = false
      pool.behaviour = async (call) => {
        if (call.executionId === poison.id) isDown = true
        await settled()
        return isDown ? new Promise<Outcome>(() => {}) : returned(1)
      }
      invocation.recover(() => target)
      await settled()
      await settled()
      await settled()
      rows = ledger.rows
    }
    expect(rows.get(poison.id)).toMatchObject({ status: 'error', attempt: 5 })
    for (const { id } of innocent) expect(rows.get(id)?.status).toBe('success')
    expect(Math.max(...innocent.map(({ id }) => rows.get(id)?.attempt ?? 0))).toBeLessThan(5)
  })

  test('what waited for its next try is tried, when a crash at work would have been its end', async () => {
    const { invocation, ledger, pool, clock } = setUp()
    const execution = left({ attempt: 1, runAt: clock.now() + 5_000, terms: { retries: { on: ['failed'] } } })
    ledger.rows.set(execution.id, execution)
    invocation.recover(() => target)
    await clock.pass(4_999)
    expect(pool.calls).toHaveLength(0)
    await clock.pass(1)
    expect(ledger.rows.get(execution.id)).toMatchObject({ status: 'success', attempt: 2, runAt: null })
  })

  test('what was at work and may not begin again does not', async () => {
    const { invocation, ledger, pool } = setUp()
    const execution = left({ attempt: 1, terms: { retries: { maxAttempts: 1 } } })
    ledger.rows.set(execution.id, execution)
    invocation.recover(() => target)
    await settled()
    expect(pool.calls).toHaveLength(0)
    expect(ledger.rows.get(execution.id)).toMatchObject({
      status: 'error',
      deadAt: expect.any(Number),
      error: { message: 'The server ended while this run was running, once.' },
    })
  })

  test('those whose function is gone end as errors that say so', async () => {
    const { invocation, ledger } = setUp()
    const execution = left()
    ledger.rows.set(execution.id, execution)
    invocation.recover(() => {
      throw new FaasError('not_found', 'Function f was not found.')
    })
    await settled()
    expect(ledger.rows.get(execution.id)).toMatchObject({
      status: 'error',
      error: { message: 'Function f was not found.' },
    })
  })

  test('those whose runtime is not ready yet wait for it', async () => {
    const { invocation, ledger, clock } = setUp()
    const execution = left()
    ledger.rows.set(execution.id, execution)
    let isReady = false
    invocation.recover(() => {
      if (!isReady) throw new FaasError('runtime_unavailable', 'creating')
      return target
    })
    await settled()
    expect(ledger.rows.get(execution.id)).toMatchObject({ status: 'running' })
    isReady = true
    await clock.pass(200)
    expect(ledger.rows.get(execution.id)).toMatchObject({ status: 'success' })
  })

  test('those that take turns wait for each other', async () => {
    const { invocation, ledger, pool } = setUp()
    const ends: (() => void)[] = []
    pool.behaviour = () => new Promise((resolve) => ends.push(() => resolve(returned(1))))
    for (const execution of [left(), left()]) ledger.rows.set(execution.id, execution)
    let last: Promise<unknown> | undefined
    invocation.recover(
      () => target,
      (run: AcceptedRun) => {
        const before = last
        last = run.finished
        return before
      },
    )
    await settled()
    expect(pool.calls).toHaveLength(1)
    ends.shift()?.()
    await settled()
    expect(pool.calls).toHaveLength(2)
  })
})

test('a run that could not be tried is recorded with the reason', () => {
  const { invocation, rows, ended } = setUp()
  const run = { executionId: idFrom('x'), projectId: 'red', functionId: fn.id, functionVersion: 3, functionAlias: null }
  const input = { kind: 'text' as const, body: Buffer.from('in') }
  const made = { trigger: 'job' as const, triggerId: 'j', description: 'd' }
  invocation.recordUntried({ ...run, ...made, input }, new FaasError('not_found', 'gone'))
  expect(rows()).toMatchObject([{ status: 'error', input: 'in', functionVersion: 3, error: { message: 'gone' } }])
  expect(ended).toMatchObject([{ revision: null }])
})

describe('a run whose record is deleted', () => {
  test('does not begin when it waits', async () => {
    const { invocation, pool, ledger, ended } = setUp()
    const before = Promise.withResolvers<void>()
    const { execution, finished } = await invocation.accept(ask({ after: before.promise }))
    invocation.forget(execution.id)
    await ledger.delete(execution.id)
    before.resolve()
    await finished
    expect(pool.calls).toHaveLength(0)
    expect(ended).toEqual([])
  })

  test('is not waited for any more', async () => {
    const { invocation } = setUp()
    const { execution } = await invocation.accept(ask({ after: new Promise(() => {}) }))
    const waiting = invocation.untilOver(execution.id, new AbortController().signal)
    invocation.forget(execution.id)
    await waiting
  })

  test('leaves no record when it has begun', async () => {
    const { invocation, pool, rows, ledger } = setUp()
    pool.behaviour = (call) => {
      invocation.forget(call.executionId)
      ledger.rows.delete(call.executionId)
      return returned(1)
    }
    await invocation.run(ask())
    expect(rows()).toEqual([])
  })
})

describe('while the server stops', () => {
  test('nothing is taken any more', async () => {
    const { invocation } = setUp()
    await invocation.close()
    await expect(invocation.run(ask())).rejects.toMatchObject({ code: 'shutting_down' })
    await expect(invocation.accept(ask())).rejects.toMatchObject({ code: 'shutting_down' })
  })

  test('an accepted run that is cut off stays unfinished for the next start', async () => {
    const { invocation, pool, rows } = setUp({ limits: { ...limits, maxAttempts: 1 } })
    const cut = Promise.withResolvers<Outcome>()
    pool.behaviour = () => cut.promise
    await invocation.accept(ask())
    await settled()
    const closing = invocation.close()
    cut.resolve(failed('platform'))
    await closing
    expect(rows()).toMatchObject([{ status: 'running' }])
  })

  test('it waits for accepted runs that have begun', async () => {
    const { invocation, pool, rows } = setUp()
    const end = Promise.withResolvers<Outcome>()
    pool.behaviour = () => end.promise
    await invocation.accept(ask())
    await settled()
    const isClosed = vi.fn()
    const closing = invocation.close().then(isClosed)
    await settled()
    expect(isClosed).not.toHaveBeenCalled()
    end.resolve(returned(1))
    await closing
    expect(rows()).toMatchObject([{ status: 'success' }])
  })
})
