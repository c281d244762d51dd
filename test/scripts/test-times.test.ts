import { expect, test } from 'vitest'
import { timesOf } from '../../scripts/setup/test-times.ts'

const file = (path: string, from: number, to: number) => ({
  name: `/here/test/${path}.test.ts`,
  startTime: from * 1000,
  endTime: to * 1000,
})

test('Times are told ring by ring, in the order in which they began, with the files that took longest', () => {
  const files = [file('process/crash', 110, 210), file('http/jobs', 100, 104), file('layers', 104, 110)]
  expect(timesOf([...files, file('process/data', 120, 140)], ['process'])).toEqual([
    'fast: from 0 to 10 s, 2 files, together 10 s (layers 6, jobs 4)',
    'process: from 10 to 110 s, 2 files, together 120 s (crash 100, data 20)',
  ])
})

test('No lines are printed without files', () => {
  expect(timesOf([], ['process'])).toEqual([])
})
