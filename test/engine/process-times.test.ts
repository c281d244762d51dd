import { expect, test } from 'vitest'
import { timeOf, timesIn, timesOfGroups } from '../../src/engine/sandbox/process/process-times.ts'

test('are read behind a name with spaces and brackets, with those of children that were waited for', () => {
  const stat = '7 (a b) c) S 1 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5\n'
  expect(timesIn(stat)).toEqual({ group: 42, ms: 1270 })
})

test('of a process that is gone are none', () => {
  expect(timesIn('')).toBeNull()
  expect(timeOf(2 ** 30)).toBeNull()
})

test('of this process are in the sum of its group', async () => {
  const own = timeOf(process.pid) ?? 0
  expect(own).toBeGreaterThan(0)
  expect(Math.max(...(await timesOfGroups()).values())).toBeGreaterThanOrEqual(own)
})
