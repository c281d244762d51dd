import { expect, test } from 'vitest'
import { describeCron } from '../../src/domain/triggers/cron-description.ts'

test.each([
  ['* * * * *', 'every minute'],
  ['*/5 * * * *', 'every 5 minutes'],
  ['0 9 * * mon-fri', 'at 09:00, on Monday to Friday'],
  ['30 6,18 * * *', 'at 06:30 and 18:30'],
  ['0 12 * * * 30', 'at 12:00:30'],
  ['* * * * * */10', 'every 10 seconds'],
  ['5/10 * * * *', 'at minute 5 and every 10 after it'],
  ['10-20 3 * * *', 'at minute 10 to 20, in the hour from 03:00'],
  ['*/15 8-17 * * 1-5', 'every 15 minutes, at hour 8 to 17, on Monday to Friday'],
  ['0 0 1 * *', 'at 00:00, on day 1 of the month'],
  ['0 0 1,15 * 0', 'at 00:00, on day 1 and 15 of the month or on Sunday'],
  ['0 8 * dec,1 7', 'at 08:00, on Sunday, in December and January'],
  ['0 8 * * fri#2', 'at 08:00, on Friday number 2'],
  ['@hourly', 'at minute 0'],
  ['@Weekly', 'at 00:00, on Sunday'],
])('the pattern %s says: %s', (pattern, words) => {
  expect(describeCron(pattern)).toBe(words)
})
