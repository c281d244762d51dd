import { beforeEach, describe, expect, it } from 'vitest'
import type { JobStore } from '../../../src/domain/job.ts'
import { aJob } from '../builders.ts'

/** What every JobStore promises. */
export function jobStoreContract(open: () => JobStore): void {
  describe('jobs', () => {
    let jobs: JobStore

    beforeEach(() => {
      jobs = open()
    })

    it('are not found when there are none', () => {
      expect(jobs.find('unknown')).toBeNull()
      expect(jobs.delete('unknown')).toBe(false)
      expect(jobs.listRunning()).toEqual([])
    })

    it('come back as they were written', () => {
      const plain = aJob()
      const full = aJob({
        name: 'nightly',
        functionId: null,
        functionVersion: null,
        functionAlias: 'live',
        functionInput: '{"a": 1}',
        status: 'paused',
        pattern: null,
        timezone: 'Asia/Shanghai',
        count: 3,
        overlap: 'queue',
        missed: 'all',
        missedLimit: 7,
        firstExecutionTime: null,
        nextExecutionTime: null,
        updatedAt: 1,
      })
      for (const job of [plain, full]) jobs.insert(job)
      expect(jobs.find(plain.id)).toEqual(plain)
      expect(jobs.find(full.id)).toEqual(full)
    })

    it('change in every field, one by one or together', () => {
      const [first, second] = [aJob(), aJob()]
      for (const job of [first, second]) jobs.insert(job)
      jobs.update({ ...first, status: 'paused' })
      expect(jobs.find(first.id)).toEqual({ ...first, status: 'paused' })
      const changed = [
        { ...first, count: 1, nextExecutionTime: 99 },
        { ...second, status: 'done' as const, updatedAt: 5 },
      ]
      jobs.updateAll(changed)
      expect(jobs.list(null)).toEqual(changed)
    })

    it('are listed by time, then id, and by project, function and alias', () => {
      const third = aJob({ id: 'b', createdAt: 2, functionId: null, functionAlias: 'live' })
      const second = aJob({ id: 'a', createdAt: 2 })
      const first = aJob({ id: 'c', createdAt: 1, projectId: 'other', functionId: null, functionAlias: 'live' })
      for (const job of [third, second, first]) jobs.insert(job)
      expect(jobs.list(null)).toEqual([first, second, third])
      expect(jobs.list('default')).toEqual([second, third])
      expect(jobs.listOfFunction(second.functionId as string)).toEqual([second])
      expect(jobs.listOfAlias('default', 'live')).toEqual([third])
      expect(jobs.listOfAlias('default', 'other')).toEqual([])
    })

    it('that are running are what a scheduler starts with', () => {
      const running = aJob()
      for (const status of ['paused', 'cancelled', 'done'] as const) jobs.insert(aJob({ status }))
      jobs.insert(running)
      expect(jobs.listRunning()).toEqual([running])
    })

    it('can be deleted', () => {
      const job = aJob()
      jobs.insert(job)
      expect(jobs.delete(job.id)).toBe(true)
      expect(jobs.find(job.id)).toBeNull()
    })
  })
}
