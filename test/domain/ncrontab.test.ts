import { describe, expect, test } from 'vitest'
import { appFunctionsIn, timersIn } from '../../src/domain/functions/app-function.ts'
import { cronOfNcrontab } from '../../src/domain/triggers/ncrontab.ts'

describe('a schedule of Azure Functions', () => {
  test.each([
    ['0 */5 * * * *', '*/5 * * * *'],
    ['30 0 3 * * 1-5', '0 3 * * 1-5 30'],
    ['*/5 * * * *', '*/5 * * * *'],
    ['00:05:00', '*/5 * * * *'],
    ['00:00:10', '* * * * * */10'],
    ['00:01:00', '* * * * *'],
    ['01:00:00', '0 * * * *'],
    ['06:00:00', '0 */6 * * *'],
    ['24:00:00', '0 0 * * *'],
  ])('%s is the pattern %s', (schedule, pattern) => {
    expect(cronOfNcrontab(schedule, 't')).toBe(pattern)
  })

  test.each([
    ['* * *', /of the timer t is not valid: .*six fields/],
    ['00:07:00', /interval 00:07:00 of the timer t cannot be written as a cron pattern/],
    ['00:00:00', /cannot be written as a cron pattern/],
  ])('%s is refused', (schedule, message) => {
    expect(() => cronOfNcrontab(schedule, 't')).toThrow(message)
  })
})

test('of what a worker tells, functions are taken, and their timers found', () => {
  const timer = { name: 'nightly', trigger: 'timerTrigger', schedule: '0 0 3 * * *' }
  expect(appFunctionsIn([timer, null, 5, { name: 'x' }, { name: 'q', trigger: 'queueTrigger' }])).toEqual([
    timer,
    { name: 'q', trigger: 'queueTrigger' },
  ])
  expect(appFunctionsIn('none')).toBeUndefined()
  expect(timersIn([timer])).toEqual([{ name: 'nightly', pattern: '0 3 * * *', input: '{"target":"nightly"}' }])
})
