import { beforeEach, describe, expect, it } from 'vitest'
import type { JobStore } from '../../../src/domain/triggers/job.ts'
import { aJob } from '../builders.ts'
import { triggerStoreContract } from './trigger-store.ts'

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

/** The contract of every JobStore. */
export function jobStoreContract(open: () => JobStore): void {
  triggerStoreContract({ what: 'jobs', open, make: aJob, full })

  describe('jobs', () => {
    let jobs: JobStore

    beforeEach(() => {
      jobs = open()
    })

    it('change together', () => {
      const [first, second] = [aJob(), aJob()]
      for (const job of [first, second]) jobs.insert(job)
      const changed = [
        { ...first, count: 1, nextExecutionTime: 99 },
        { ...second, status: 'done' as const, updatedAt: 5 },
      ]
      jobs.updateAll(changed)
      expect(jobs.list(null)).toEqual(changed)
    })

    it('that are running are what a scheduler starts with', () => {
      expect(jobs.listRunning()).toEqual([])
      const running = aJob()
      for (const status of ['paused', 'cancelled', 'done'] as const) jobs.insert(aJob({ status }))
      jobs.insert(running)
      expect(jobs.listRunning()).toEqual([running])
    })
  })
}
