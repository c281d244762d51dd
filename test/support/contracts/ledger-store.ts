import { beforeEach, describe, expect, it } from 'vitest'
import type { Condition, Execution, ExecutionFilter, Ledger, Page } from '../../../src/domain/runs/execution.ts'
import { aFinishedExecution, anExecution, aRequestHead, builtAt } from '../builders.ts'

/** What every Ledger promises while its process lives. */
export function ledgerContract(make: () => Ledger): void {
  let ledger: Ledger

  beforeEach(() => {
    ledger = make()
  })

  const record = (execution: Execution): Execution => {
    ledger.open({ ...execution, status: 'running' })
    ledger.close(execution)
    return execution
  }
  const ids = async (filter: Partial<ExecutionFilter> = {}, page: Partial<Page> = {}): Promise<string[]> =>
    (await rowsOf(ledger, filter, page)).map(({ id }) => id)

  describe('an execution', () => {
    it('that was never made is not found, and there is nothing to delete', async () => {
      expect(await ledger.find('unknown')).toBeNull()
      expect(await ledger.delete('unknown')).toBe(false)
    })

    it('is found as soon as it is open', async () => {
      const execution = anExecution()
      ledger.open(execution)
      expect(await ledger.find(execution.id)).toEqual(execution)
    })

    it('is found with every field when it is over', async () => {
      const full = aFinishedExecution({
        functionVersion: 3,
        functionAlias: 'live',
        description: 'what für 你',
        status: 'failed',
        trigger: 'webhook',
        triggerId: 'hook',
        input: 'AAEC',
        inputKind: 'bytes',
        output: null,
        error: { type: 'TypeError', message: 'no', stack: 'at main' },
        isImageRun: true,
        log: 'a\0b 日志\n',
        startKind: 'cold',
        coldReason: 'evicted',
      })
      const plain = anExecution({ status: 'success', output: 'null', durationMs: 0, updatedAt: builtAt })
      for (const execution of [record(full), record(plain)]) expect(await ledger.find(execution.id)).toEqual(execution)
    })

    it('is found when it was accepted, and when it is over', async () => {
      const execution = anExecution({ sync: false, input: '{"a":1}', inputKind: 'json' })
      expect(await ledger.accept(execution)).toBe(true)
      expect(await ledger.find(execution.id)).toEqual(execution)
      const over = { ...execution, status: 'success' as const, output: '2', log: 'done\n', attempt: 2 }
      ledger.close(over)
      expect(await ledger.find(execution.id)).toEqual(over)
    })

    it('keeps the request that it is told until it is over', async () => {
      const request = aRequestHead({ method: 'PUT', headers: [['x-signature', 'für 你']], body: 'AAEC' })
      const execution = anExecution({ sync: false, trigger: 'webhook', request })
      await ledger.accept(execution)
      expect(ledger.unfinished()).toEqual([execution])
      ledger.begun({ ...execution, attempt: 2 })
      await ledger.flushed()
      expect(ledger.unfinished()).toMatchObject([{ request }])
      ledger.close({ ...execution, status: 'success' })
      await ledger.flushed()
      expect(await ledger.find(execution.id)).toMatchObject({ status: 'success', request: null })
    })

    it('is accepted once', async () => {
      const first = anExecution({ sync: false })
      const answers = await Promise.all([ledger.accept(first), ledger.accept({ ...first, input: 'other' })])
      expect(answers.toSorted()).toEqual([false, true])
      expect(await ledger.accept(first)).toBe(false)
      expect(ledger.counts(first.functionId, 0).count).toBe(1)
    })

    it('is gone when it was deleted, in any state, and does not come back when its run ends', async () => {
      const over = record(aFinishedExecution())
      const open = anExecution()
      ledger.open(open)
      const accepted = anExecution({ sync: false })
      await ledger.accept(accepted)
      for (const { id } of [over, open, accepted]) expect(await ledger.delete(id)).toBe(true)
      for (const execution of [open, accepted]) ledger.close({ ...execution, status: 'success' })
      for (const { id } of [over, open, accepted]) {
        expect(await ledger.find(id)).toBeNull()
        expect(await ledger.delete(id)).toBe(false)
      }
      expect(await ids()).toEqual([])
    })
  })

  describe('counts', () => {
    it('are zero for what never ran', () => {
      expect(ledger.counts('unknown', 0)).toMatchObject({ count: 0 })
    })

    it('go up with each run of a version, and not down when its record goes', async () => {
      const execution = record(aFinishedExecution({ functionId: 'f', createdAt: builtAt }))
      ledger.open(anExecution({ functionId: 'f', createdAt: builtAt + 5 }))
      await ledger.accept(anExecution({ functionId: 'f', sync: false, functionVersion: 2, createdAt: builtAt + 1 }))
      await ledger.delete(execution.id)
      expect(ledger.counts('f', 0)).toEqual({ count: 2, lastAt: builtAt + 5 })
      expect(ledger.counts('f', 2)).toEqual({ count: 1, lastAt: builtAt + 1 })
      expect(ledger.counts('f', 1).count).toBe(0)
    })
  })

  describe('a list', () => {
    it('of nothing is empty', async () => {
      expect(await ids()).toEqual([])
    })

    it('refuses a marker that is not a row', async () => {
      await expect(ids({}, { marker: 'unknown' })).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('takes a marker of another project for one that is not there', async () => {
      const foreign = record(aFinishedExecution({ projectId: 'other' }))
      const asked = { projectId: 'default' }
      const why = (marker: string) => ids(asked, { marker }).catch((error: Error) => error.message.replace(marker, ''))
      expect(await why(foreign.id)).toBe(await why('unknown'))
      expect(await ids({ projectId: 'other' }, { marker: foreign.id })).toEqual([])
    })

    it('has what is open, waits or is over, by time, then id, without logs', async () => {
      const over = record(aFinishedExecution({ id: 'b', createdAt: 2, log: 'long' }))
      record(aFinishedExecution({ id: 'a', createdAt: 2 }))
      ledger.open(anExecution({ id: 'd', createdAt: 3 }))
      await ledger.accept(anExecution({ id: 'c', createdAt: 1, sync: false }))
      expect(await ids()).toEqual(['c', 'a', 'b', 'd'])
      expect((await rowsOf(ledger)).find(({ id }) => id === 'b')).toEqual({ ...over, log: '' })
    })

    it('gives the newest first when that is asked for, pages too', async () => {
      for (const [at, id] of ['a', 'b', 'c', 'd', 'e'].entries()) record(aFinishedExecution({ id, createdAt: at >> 1 }))
      expect(await ids({}, { newestFirst: true })).toEqual(['e', 'd', 'c', 'b', 'a'])
      expect(await ids({}, { newestFirst: true, limit: 2, marker: 'd' })).toEqual(['c', 'b'])
      expect(await ids({}, { newestFirst: true, limit: 2, marker: 'a' })).toEqual([])
    })

    it('goes on after a marker, for as many as are wanted', async () => {
      const all = Array.from({ length: 20 }, (_, i) => ({ id: `id-${String(i).padStart(2, '0')}`, createdAt: i >> 2 }))
      for (const each of all) record(aFinishedExecution(each))
      const expected = all.map(({ id }) => id)
      expect(await ids({}, { limit: 7 })).toEqual(expected.slice(0, 7))
      expect(await ids({}, { limit: 7, marker: 'id-06' })).toEqual(expected.slice(7, 14))
      expect(await ids({}, { limit: null, marker: 'id-17' })).toEqual(expected.slice(18))
      expect(await ids({}, { limit: 5, marker: 'id-19' })).toEqual([])
      expect(await ids({}, { limit: 0 })).toEqual([])
    })

    it('is of one project, or of all', async () => {
      record(aFinishedExecution({ id: 'a' }))
      record(aFinishedExecution({ id: 'b', projectId: 'other' }))
      expect(await ids({ projectId: 'other' })).toEqual(['b'])
      expect(await ids({ projectId: 'nobody' })).toEqual([])
      expect(await ids({ projectId: null })).toEqual(['a', 'b'])
    })

    const rows: [id: string, Partial<Execution>][] = [
      ['a', { functionId: 'f1', status: 'success', description: 'Created by Job 1', trigger: 'job', triggerId: 'j1' }],
      ['b', { functionId: 'f1', status: 'failed', description: "100% 'quoted'", startKind: 'cold' }],
      ['c', { functionId: 'f2', status: 'success', description: 'by hand', projectId: 'other', functionAlias: 'live' }],
      ['d', { functionId: 'f3', status: 'error', description: '日志' }],
    ]
    const where = (column: Condition['column'], op: Condition['op'], ...values: string[]) => ({ column, op, values })
    it.each<[Condition[], string]>([
      [[where('status', 'eq', 'success')], 'ac'],
      [[where('status', 'eq', 'nonsense')], ''],
      [[where('status', 'neq', 'success')], 'bd'],
      [[where('status', 'in', 'failed', 'error', 'nonsense')], 'bd'],
      [[where('status', 'nin', 'failed', 'error')], 'ac'],
      [[where('status', 'in')], ''],
      [[where('status', 'gt', 'failed')], 'ac'],
      [[where('status', 'gte', 'failed')], 'abc'],
      [[where('status', 'lt', 'failed')], 'd'],
      [[where('status', 'lte', 'failed')], 'bd'],
      [[where('function_id', 'eq', 'f1')], 'ab'],
      [[where('function_id', 'neq', 'f1')], 'cd'],
      [[where('function_id', 'in', 'f2', 'f3')], 'cd'],
      [[where('function_id', 'eq', 'f1'), where('status', 'eq', 'failed')], 'b'],
      [[where('function_id', 'eq', 'f1'), where('function_id', 'eq', 'f2')], ''],
      [[where('function_id', 'has', '1')], 'ab'],
      [[where('description', 'has', 'Job')], 'a'],
      [[where('description', 'has', "% 'q")], 'b'],
      [[where('description', 'eq', '日志')], 'd'],
      [[where('description', 'has', '_')], ''],
      [[where('project_id', 'eq', 'other')], 'c'],
      [[where('project_id', 'neq', 'other')], 'abd'],
      [[where('trigger_id', 'eq', 'j1')], 'a'],
      [[where('trigger_id', 'eq', 'j2')], ''],
      [[where('trigger_id', 'eq', 'j1'), where('status', 'eq', 'failed')], ''],
      [[where('trigger', 'eq', 'job')], 'a'],
      [[where('trigger', 'neq', 'job')], 'bcd'],
      [[where('start_kind', 'eq', 'cold')], 'b'],
      [[where('function_alias', 'eq', 'live')], 'c'],
      [[where('created_at', 'lt', String(builtAt + 2))], 'ab'],
      [[where('created_at', 'gte', String(builtAt + 2)), where('created_at', 'lte', String(builtAt + 2))], 'c'],
      [[where('status', 'eq', 'running')], 'e'],
      [[where('status', 'eq', 'running'), where('function_id', 'eq', 'f1')], 'e'],
      [[where('status', 'eq', 'running'), where('function_id', 'eq', 'f2')], ''],
    ])('%j finds "%s"', async (conditions, expected) => {
      for (const [n, [id, overrides]] of rows.entries()) {
        record(aFinishedExecution({ id, createdAt: builtAt + n, ...overrides }))
      }
      ledger.open(anExecution({ id: 'e', functionId: 'f1', description: 'x' }))
      const isAboutRunning = conditions.some(({ values }) => values[0] === 'running')
      const found = await ids({ conditions })
      expect(found.filter((id) => isAboutRunning || id !== 'e').join('')).toBe(expected)
    })
  })

  it('unfinished are the accepted runs that have not ended, oldest first', async () => {
    const [second, first, over] = [2, 1, 0].map((createdAt) => anExecution({ sync: false, createdAt, input: 'x' }))
    for (const execution of [second, first, over]) await ledger.accept(execution as Execution)
    ledger.close({ ...(over as Execution), status: 'success' })
    ledger.open(anExecution())
    await ledger.flushed()
    expect(ledger.unfinished()).toEqual([first, second])
  })
}

export async function rowsOf(
  ledger: Ledger,
  filter: Partial<ExecutionFilter> = {},
  page: Partial<Page> = {},
): Promise<Execution[]> {
  const rows: Execution[] = []
  const slices = ledger.list({ projectId: null, conditions: [], ...filter }, { limit: null, marker: null, ...page })
  for await (const slice of slices) rows.push(...slice)
  return rows
}
