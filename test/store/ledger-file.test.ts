import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/domain/clock.ts'
import { FaasError } from '../../src/domain/errors.ts'
import type { Execution } from '../../src/domain/runs/execution.ts'
import { type Log, silentLog } from '../../src/domain/runs/log.ts'
import { type LedgerOptions, SqliteLedger } from '../../src/store/ledger.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { aFinishedExecution, anExecution, builtAt } from '../support/builders.ts'
import { rowsOf } from '../support/contracts/ledger-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { waitUntil } from '../support/wait-until.ts'

let folder: string
let path: string
let opened: SqliteLedger[]
let fatal: Error[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  path = join(folder, 'ledger.db')
  opened = []
  fatal = []
})
afterEach(async () => {
  for (const ledger of opened) await ledger.end()
  rmSync(folder, { recursive: true, force: true })
})

const open = (options: Partial<LedgerOptions> = {}): SqliteLedger => {
  const onFatal = (error: Error) => fatal.push(error)
  const ledger = new SqliteLedger({ path, clock: systemClock, log: silentLog, onFatal, ...options })
  opened.push(ledger)
  return ledger
}
const record = (ledger: SqliteLedger, execution: Execution): Execution => {
  ledger.open(execution)
  ledger.close(execution)
  return execution
}
const internal = expect.objectContaining({ name: 'FaasError', code: 'internal' })

describe('what was recorded', () => {
  it('is there after an end and a new start, with its counts', async () => {
    const first = open()
    const over = record(first, aFinishedExecution())
    const waiting = anExecution({ sync: false })
    await first.accept(waiting)
    await first.end()
    const second = open()
    expect(await rowsOf(second)).toEqual([{ ...over, log: '' }, waiting])
    expect(second.counts(over.functionId, 0)).toEqual({ count: 2, lastAt: builtAt })
    expect(second.unfinished()).toEqual([waiting])
  })

  it('is in a file for its owner only', async () => {
    const ledger = open()
    await ledger.accept(anExecution())
    for (const file of ['', '-wal', '-shm']) expect(statSync(path + file).mode & 0o777).toBe(0o600)
  })

  it('is complete under load, and nothing is recorded twice', async () => {
    const ledger = open()
    const closed = Array.from({ length: 5000 }, () => record(ledger, aFinishedExecution()))
    const accepted = Array.from({ length: 500 }, () => anExecution({ sync: false }))
    await Promise.all(accepted.map((execution) => ledger.accept(execution)))
    await ledger.flushed()
    const ids = (await rowsOf(ledger)).map(({ id }) => id)
    expect(ids.toSorted()).toEqual([...closed, ...accepted].map(({ id }) => id).toSorted())
    expect(ledger.counts(anExecution().functionId, 0).count).toBe(5500)
  })

  it('may be megabytes, and a list of it comes in parts', async () => {
    const ledger = open()
    const large = 'x'.repeat(3 * 1024 * 1024)
    for (let i = 0; i < 6; i++) record(ledger, aFinishedExecution({ input: large, log: large }))
    const sizes: number[] = []
    for await (const slice of ledger.list({ projectId: null, conditions: [] }, { limit: null, marker: null })) {
      sizes.push(slice.length)
    }
    expect(sizes).toEqual([2, 2, 2])
  })

  it('is listed in windows when few of many rows match', async () => {
    const ledger = open()
    const all = Array.from({ length: 1700 }, (_, i) =>
      record(
        ledger,
        aFinishedExecution({ status: i % 600 === 0 ? 'failed' : 'success', createdAt: builtAt + (i >> 3) }),
      ),
    )
    const conditions = [{ column: 'status' as const, op: 'eq' as const, values: ['failed'] }]
    const failed = all.filter((_, i) => i % 600 === 0).map(({ id }) => id)
    expect((await rowsOf(ledger, { conditions })).map(({ id }) => id)).toEqual(failed)
    expect((await rowsOf(ledger, { conditions }, { limit: 2 })).map(({ id }) => id)).toEqual(failed.slice(0, 2))
  })

  it('is searched in windows, between which others may read', async () => {
    const ledger = open()
    for (let i = 0; i < 1200; i++) record(ledger, aFinishedExecution({ status: 'success' }))
    const conditions = [{ column: 'status' as const, op: 'eq' as const, values: ['failed'] }]
    const sizes: number[] = []
    for await (const slice of ledger.list({ projectId: null, conditions }, { limit: null, marker: null })) {
      sizes.push(slice.length)
    }
    expect(sizes).toEqual([0, 0])
  })

  it('without a description fulfils no condition on it', async () => {
    const ledger = open()
    record(ledger, aFinishedExecution({ description: null }))
    for (const op of ['eq', 'neq', 'has', 'nin'] as const) {
      expect(await rowsOf(ledger, { conditions: [{ column: 'description', op, values: ['x'] }] })).toEqual([])
    }
  })
})

describe('kill -9', () => {
  let child: ChildProcess
  afterEach(() => child.kill('SIGKILL'))

  it.each([1, 16])('loses no accepted run of %i at once', async (atOnce) => {
    const program = new URL('../support/accepting-process.ts', import.meta.url)
    child = spawn(process.execPath, [fileURLToPath(program), path, String(atOnce)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output = child.stdout as NonNullable<typeof child.stdout>
    let bytes = 0
    output.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > 37 * 200 * atOnce) child.kill('SIGKILL')
    })
    const promised = (await text(output)).split('\n').filter((line) => line.length === 36)
    expect(promised.length).toBeGreaterThanOrEqual(200 * atOnce)

    const ledger = open()
    const unfinished = new Set(ledger.unfinished().map(({ id }) => id))
    expect(promised.filter((id) => !unfinished.has(id))).toEqual([])
    const rows = await rowsOf(ledger)
    for (const functionId of ['accepted', 'closed']) {
      const count = rows.filter((row) => row.functionId === functionId).length
      expect(ledger.counts(functionId, 0).count).toBeGreaterThanOrEqual(count)
    }
  })
})

describe('a run that lasts', () => {
  const stored = (): unknown[] => {
    const connection = openSqlite(path)
    const rows = connection.prepare('SELECT id, status FROM executions ORDER BY id').raw().all()
    connection.close()
    return rows
  }

  it('gets its row after a while, and its end later', async () => {
    const clock = new FakeClock()
    const ledger = open({ clock })
    const execution = anExecution({ createdAt: clock.now() })
    ledger.open(execution)
    clock.advance(150)
    await ledger.flushed()
    expect(stored()).toEqual([])
    clock.advance(200)
    await ledger.flushed()
    expect(stored()).toEqual([[execution.id, 'running']])
    execution.worker = 'w'
    expect(await ledger.find(execution.id)).toBe(execution)
    ledger.close({ ...execution, status: 'success' })
    await ledger.flushed()
    expect(stored()).toEqual([[execution.id, 'success']])
  })

  it('costs one row when it ends before', async () => {
    const clock = new FakeClock()
    const ledger = open({ clock })
    const execution = record(ledger, aFinishedExecution())
    clock.advance(10)
    await ledger.flushed()
    expect(stored()).toEqual([[execution.id, 'success']])
  })

  it('is recorded as an error when its process was gone', async () => {
    const first = open()
    const sync = anExecution()
    const waiting = anExecution({ sync: false })
    first.open(sync)
    await first.accept(waiting)
    await first.end()
    const error = { type: 'PlatformError', message: 'The server stopped.', stack: null }
    const second = open({ clock: new FakeClock(builtAt + 500) })
    expect(second.settle(error)).toBe(1)
    expect(await second.find(sync.id)).toEqual({ ...sync, status: 'error', error, updatedAt: builtAt + 500 })
    expect(second.unfinished()).toEqual([waiting])
    expect(second.settle(error)).toBe(0)
  })

  it('says whether it had begun when the server ended; one that had only waited had not', async () => {
    const clock = new FakeClock(builtAt)
    const first = open({ clock })
    const [waits, begins] = [anExecution({ sync: false, attempt: 0 }), anExecution({ sync: false, attempt: 0 })]
    for (const execution of [waits, begins]) await first.accept(execution)
    begins.attempt = 1
    await first.begun(begins)
    const attempts = () =>
      Object.fromEntries(
        open()
          .unfinished()
          .map(({ id, attempt }) => [id, attempt]),
      )
    expect(attempts(), 'at the moment that it is told').toEqual({ [waits.id]: 0, [begins.id]: 1 })
    Object.assign(begins, { worker: 'w1', startKind: 'warm' })
    clock.advance(400)
    await first.flushed()
    expect(await first.find(begins.id), 'when it lasts').toMatchObject({ attempt: 1, worker: 'w1' })
  })

  it('keeps the count of its attempts when it is tried again', async () => {
    const first = open()
    const execution = anExecution({ sync: false })
    await first.accept(execution)
    first.close({ ...execution, attempt: 2 })
    await first.end()
    expect(open().unfinished()).toEqual([{ ...execution, attempt: 2 }])
  })
})

describe('pruning', () => {
  const dayMs = 86_400_000
  const ids = async (ledger: SqliteLedger) => (await rowsOf(ledger)).map(({ id }) => id)

  it('removes what is finished and old, and nothing that runs', async () => {
    const ledger = open({ clock: steppingClock(builtAt + 10 * dayMs) })
    record(ledger, aFinishedExecution({ id: 'old', createdAt: builtAt }))
    record(ledger, aFinishedExecution({ id: 'young', createdAt: builtAt + 9 * dayMs }))
    await ledger.accept(anExecution({ id: 'waits', sync: false, createdAt: builtAt }))
    expect(await ledger.prune(2 * dayMs, 0)).toBe(1)
    expect(await ids(ledger)).toEqual(['waits', 'young'])
  })

  it('keeps the newest of each project, up to the number asked for', async () => {
    const ledger = open({ clock: steppingClock(builtAt) })
    const recordMany = (projectId: string, count: number) => {
      for (let i = 0; i < count; i++) {
        record(
          ledger,
          aFinishedExecution({ id: `${projectId}-${String(i).padStart(4, '0')}`, projectId, createdAt: i >> 1 }),
        )
      }
    }
    recordMany('busy', 1203)
    recordMany('quiet', 3)
    expect(await ledger.prune(0, 5)).toBe(1198)
    const kept = await ids(ledger)
    expect(kept.filter((id) => id.startsWith('quiet'))).toHaveLength(3)
    expect(kept.filter((id) => id.startsWith('busy'))).toEqual([1198, 1199, 1200, 1201, 1202].map((i) => `busy-${i}`))
  })

  it('with zero keeps everything', async () => {
    const ledger = open({ clock: steppingClock(builtAt + 1000 * dayMs) })
    record(ledger, aFinishedExecution({ createdAt: 0 }))
    expect(await ledger.prune(0, 0)).toBe(0)
  })

  /** Stands still, but pauses pass. */
  const steppingClock = (now: number) => ({ ...systemClock, now: () => now })
})

describe('when the file cannot be written', () => {
  const clock = () => new FakeClock()
  const logged = (): Log & { lines: string[] } => {
    const lines: string[] = []
    const add = (_: object, message: string) => lines.push(message)
    return { lines, debug: add, info: add, warn: add, error: add, infoText() {} }
  }
  /** As a full disk does: the batch fails as a whole. */
  const lock = () => {
    const connection = openSqlite(path)
    connection.exec('BEGIN IMMEDIATE')
    return () => connection.close()
  }

  it('accepting fails, what ended is kept and written later, and reading goes on', async () => {
    const log = logged()
    const time = clock()
    const ledger = open({ clock: time, log, busyTimeoutMs: 20 })
    const before = record(ledger, aFinishedExecution())
    await ledger.flushed()
    const unlock = lock()
    const execution = anExecution({ sync: false })
    const kept = record(ledger, aFinishedExecution())
    await expect(ledger.accept(execution)).rejects.toEqual(internal)
    await expect(ledger.accept(execution)).rejects.toEqual(internal)
    await expect(ledger.delete(before.id)).rejects.toEqual(internal)
    expect(await ledger.find(before.id)).toEqual(before)
    expect(ledger.counts(before.functionId, 0).count).toBe(2)
    unlock()
    time.advance(1000)
    await ledger.flushed()
    expect((await rowsOf(ledger)).map(({ id }) => id)).toEqual([before.id, kept.id])
    expect(await ledger.accept(execution)).toBe(true)
    expect(ledger.counts(before.functionId, 0).count).toBe(3)
    expect(log.lines).toContain('the ledger could not be written; trying again')
  })

  it('what is to be dropped is dropped later, so that it does not run again after a start', async () => {
    const time = clock()
    const ledger = open({ clock: time, busyTimeoutMs: 20 })
    const run = anExecution({ sync: false })
    await ledger.accept(run)
    const unlock = lock()
    ledger.drop({ ...run, status: 'success' })
    await expect(ledger.flushed()).rejects.toEqual(internal)
    unlock()
    time.advance(1000)
    await ledger.flushed()
    expect(open().unfinished()).toEqual([])
  })

  it('output beyond the limit is dropped, and the loss is reported', async () => {
    const log = logged()
    const ledger = open({ clock: clock(), log, busyTimeoutMs: 20, maxPendingBytes: 8 * 1024 * 1024 })
    await ledger.flushed()
    const unlock = lock()
    const large = 'x'.repeat(1024 * 1024)
    for (let i = 0; i < 20; i++) record(ledger, aFinishedExecution({ log: large }))
    await expect(ledger.accept(anExecution())).rejects.toMatchObject({ code: 'queue_full' })
    expect(log.lines).toContain('executions are not recorded: the disk takes no more')
    unlock()
    await ledger.flushed()
    expect(await rowsOf(ledger)).toHaveLength(8)
    expect(log.lines.at(-1)).toBe('executions are recorded again')
  })

  it('accepts nothing that would take from the reserve, and writes the ends of what was accepted into it', async () => {
    const space = { isNearlyGone: false, refuseMore: (_bytes?: number): void => {} }
    const log = logged()
    const ledger = open({ space, log })
    const run = anExecution({ sync: false })
    await ledger.accept(run)
    space.refuseMore = () => {
      throw new FaasError('storage_full', 'no')
    }
    await expect(ledger.accept(anExecution({ sync: false }))).rejects.toMatchObject({ code: 'storage_full' })
    const recordedCall = record(ledger, aFinishedExecution())
    space.isNearlyGone = true
    record(ledger, aFinishedExecution())
    record(ledger, aFinishedExecution())
    ledger.close(Object.assign(run, { status: 'success' }))
    await ledger.flushed()
    expect((await rowsOf(ledger)).map(({ id }) => id)).toEqual([run.id, recordedCall.id])
    expect(await ledger.find(run.id)).toMatchObject({ status: 'success' })
    record(ledger, aFinishedExecution())
    expect(ledger.vitals()).toMatchObject({ lostRows: 3, isFailing: false })
    expect(log.lines, 'said once, whatever else is written').toEqual([
      'executions are not recorded: the disk takes no more',
    ])
    space.isNearlyGone = false
    record(ledger, aFinishedExecution())
    await ledger.flushed()
    expect(log.lines.slice(1)).toEqual(['executions are recorded again'])
  })

  it('a row that is wrong is refused, and those beside it are written', async () => {
    const log = logged()
    const ledger = open({ log })
    const wrong = anExecution({ status: null as never })
    const answers = [ledger.accept(anExecution()), ledger.accept(wrong), ledger.accept(anExecution())]
    const results = await Promise.allSettled(answers)
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(log.lines).toEqual(['executions were not recorded'])
    expect(ledger.counts(wrong.functionId, 0).count).toBe(2)
  })
})

describe('when the thread dies', () => {
  it('those who wait are told, and so is the server, once', async () => {
    const ledger = open()
    rmSync(path)
    mkdirSync(path)
    const waiting = [ledger.accept(anExecution()), ledger.flushed()]
    await Promise.all(waiting.map((each) => expect(each).rejects.toEqual(internal)))
    await waitUntil('it is told', () => fatal.length === 1)
    await pause(50)
    expect(fatal).toHaveLength(1)
    await expect(ledger.accept(anExecution())).rejects.toEqual(internal)
    await ledger.end()
  })
})

it('a process that ends its ledger ends by itself', async () => {
  const module = join(import.meta.dirname, '../../src/store/ledger.ts')
  const program = `
    const { SqliteLedger } = await import(${JSON.stringify(module)})
    const { systemClock } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/domain/clock.ts'))})
    const ledger = new SqliteLedger({ path: ${JSON.stringify(path)}, clock: systemClock, onFatal() {} })
    await ledger.end()
    console.log(process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort|Timeout/.test(name)).length)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  expect(await text(child.stdout)).toBe('0\n')
})

describe('what functions use', () => {
  const used = { calls: 1, busyGbSeconds: 0.5, idleGbSeconds: 1, cpuSeconds: 0.25, bytesIn: 3, bytesOut: 4 }
  const row = { ...used, day: '2026-11-30', projectId: 'red', functionId: 'f' }
  const everything = { projectId: null, fromDay: '2026-01-01', toDay: '2026-12-31' }

  it('is added up by day, project and function, and is there after a start', async () => {
    const first = open()
    first.addUsage([row, { ...row, projectId: 'blue', functionId: 'g' }])
    first.addUsage([row, { ...row, day: '2026-11-29' }])
    await first.end()
    const ledger = open()
    expect(await ledger.usage(everything)).toEqual([
      { ...row, day: '2026-11-29' },
      { ...row, projectId: 'blue', functionId: 'g' },
      { ...row, calls: 2, busyGbSeconds: 1, idleGbSeconds: 2, cpuSeconds: 0.5, bytesIn: 6, bytesOut: 8 },
    ])
    expect(await ledger.usage({ ...everything, projectId: 'blue' })).toHaveLength(1)
    expect(await ledger.usage({ ...everything, toDay: '2026-11-29' })).toHaveLength(1)
    expect(ledger.usageOfDay('2026-11-30')).toHaveLength(2)
  })

  it('is removed when its day is old', async () => {
    const ledger = open()
    ledger.addUsage([row, { ...row, day: '2026-11-29' }])
    ledger.pruneUsage('2026-11-30')
    expect(await ledger.usage(everything)).toEqual([row])
  })
})

describe('the file of a ledger', () => {
  const large = 'x'.repeat(100_000)
  const old = (overrides: Partial<Execution> = {}) =>
    aFinishedExecution({ createdAt: builtAt, output: JSON.stringify(large), ...overrides })
  const bytesOnDisk = (): number => statSync(path).size

  it('becomes smaller when what is in it is removed', async () => {
    const ledger = open()
    for (let n = 0; n < 40; n++) record(ledger, old({ createdAt: 1000 + n }))
    await ledger.flushed()
    const checkpoint = () => {
      const connection = openSqlite(path)
      connection.pragma('wal_checkpoint(TRUNCATE)')
      connection.close()
    }
    checkpoint()
    const before = bytesOnDisk()
    expect(before).toBeGreaterThan(3_000_000)
    expect(await ledger.prune(1000, 0)).toBe(40)
    checkpoint()
    expect(bytesOnDisk()).toBeLessThan(before / 4)
  })

  it('keeps the newest bytes of each project, up to the limit, and says how many there are', async () => {
    const ledger = open()
    for (let n = 0; n < 10; n++) record(ledger, old({ id: `red-${n}`, projectId: 'red', createdAt: builtAt + n }))
    for (let n = 0; n < 3; n++) record(ledger, old({ id: `blue-${n}`, projectId: 'blue', createdAt: builtAt + n }))
    await ledger.flushed()
    const bytes = await ledger.recordBytes('red')
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(bytes).toBeLessThan(1_020_000)
    const removed = await ledger.prune(0, 0, (projectId) => (projectId === 'red' ? 350_000 : null))
    expect(removed).toBe(7)
    const left = (await rowsOf(ledger)).map(({ id }) => id).sort()
    expect(left).toEqual(['blue-0', 'blue-1', 'blue-2', 'red-7', 'red-8', 'red-9'])
  })

  it('counts what apps put into outputs that nobody reads', async () => {
    const ledger = open()
    const outputs = JSON.stringify([{ name: 'out', type: 'blob', to: 'a', messages: [large] }])
    record(ledger, old({ id: 'older', projectId: 'red', output: null, outputs }))
    record(ledger, old({ id: 'newer', projectId: 'red', output: null, outputs, createdAt: builtAt + 1 }))
    expect(ledger.vitals().pendingBytes).toBeGreaterThan(200_000)
    await ledger.flushed()
    expect(await ledger.recordBytes('red')).toBeGreaterThan(200_000)
    expect(await ledger.prune(0, 0, () => 150_000)).toBe(1)
    expect((await rowsOf(ledger)).map(({ id }) => id)).toEqual(['newer'])
  })

  it('holds no input of an accepted run that is to be kept without', async () => {
    const ledger = open()
    const run = anExecution({ sync: false, input: '"a secret"', inputKind: 'json' })
    await ledger.accept(run)
    ledger.close({ ...run, status: 'success', input: null, output: null, durationMs: 1 }, true)
    await ledger.flushed()
    expect(await ledger.find(run.id)).toMatchObject({ status: 'success', input: null, output: null })
  })

  it('holds no output and log of a short run that is to be kept without', async () => {
    const clock = new FakeClock(builtAt)
    const ledger = open({ clock })
    const run = anExecution({ sync: false })
    await ledger.accept(run)
    await ledger.begun(run)
    Object.assign(run, { status: 'success', output: '"a secret"', log: 'a secret', durationMs: 1 })
    ledger.close({ ...run, input: null, output: null, log: '' }, true)
    clock.advance(1000)
    await ledger.flushed()
    expect(await ledger.find(run.id)).toMatchObject({ status: 'success', output: null, log: '' })
  })
})
