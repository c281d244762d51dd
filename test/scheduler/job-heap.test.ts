import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JobHeap } from '../../src/scheduler/job-heap.ts'
import { aJob } from '../support/builders.ts'

const jobs = Array.from({ length: 12 }, () => aJob())
const step = fc.record({
  job: fc.constantFrom(...jobs),
  wakeMs: fc.integer({ min: 0, max: 50 }),
  what: fc.constantFrom('set', 'set', 'set', 'delete', 'take'),
})

test('whatever is set, moved and deleted, the first of the heap is the earliest', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new JobHeap()
      const model = new Map<string, number>()
      for (const { job, wakeMs, what } of steps) {
        if (what === 'set') {
          heap.set(job, wakeMs, wakeMs)
          model.set(job.id, wakeMs)
        } else {
          const id = what === 'take' ? (heap.first()?.job.id ?? job.id) : job.id
          expect(heap.delete(id)).toBe(model.delete(id))
        }
        expect(heap.size).toBe(model.size)
        expect(heap.first()?.wakeMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
      }
    }),
  )
})
