import { describe, expect, test } from 'vitest'
import { FaasError } from '../../src/domain/errors.ts'
import { cronPatterns } from '../../src/scheduler/cron-patterns.ts'

const patterns = cronPatterns()

/** The next matches after a time, as ISO texts. */
function upcoming(pattern: string, timezone: string, from: string, count: number): string[] {
  const found: string[] = []
  let at: number | null = Date.parse(from)
  while (found.length < count) {
    at = patterns.next(pattern, timezone, at)
    if (at === null) break
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'))
  }
  return found
}

test.each([
  ['', 'UTC', 'five'],
  ['* * * *', 'UTC', 'has 4 fields'],
  ['* * * * * * *', 'UTC', 'has 7 fields'],
  ['60 * * * *', 'UTC', "its minute is '60', and must be 0 to 59"],
  ['5-70 * * * *', 'UTC', "its minute is '5-70'"],
  ['* 25 * * * 0', 'UTC', "its hour is '25', and must be 0 to 23"],
  ['* * 32 * *', 'UTC', "its day of the month is '32', and must be 1 to 31"],
  ['* * * 13 *', 'UTC', "its month is '13', and must be 1 to 12"],
  ['* * * * mun', 'UTC', "its day of the week is 'mun', and must be 0 to 7 or SUN to SAT"],
  ['* * * * * 99', 'UTC', "its second is '99'"],
  ['1,,2 * * * *', 'UTC', "its minute is '1,,2'"],
  ['*/0 * * * *', 'UTC', 'not valid'],
  ['@reboot', 'UTC', 'not supported; write five or six fields, or @hourly'],
  ['@often', 'UTC', 'not valid'],
  ['2030-01-01T00:00:00', 'UTC', 'has 1 fields'],
  [`${'1,'.repeat(200)}1 * * * *`, 'UTC', 'longer than 255'],
  ['* * * * *', 'Mars/Olympus', 'time zone'],
])('the pattern %j in %s is refused with a sentence', (pattern, timezone, says) => {
  expect(() => patterns.check(pattern, timezone)).toThrow(FaasError)
  expect(() => patterns.check(pattern, timezone)).toThrow(says)
})

test.each([
  ['* * * * *', '2030-01-02T03:05:00Z'],
  ['*/15 * * * *', '2030-01-02T03:15:00Z'],
  ['5/10 * * * *', '2030-01-02T03:05:00Z'],
  ['0 9-17/4 * * *', '2030-01-02T09:00:00Z'],
  ['0,30 4,5 * * *', '2030-01-02T04:00:00Z'],
  ['0 9 * * mon-fri', '2030-01-02T09:00:00Z'],
  ['0 0 1 JAN,feb *', '2030-02-01T00:00:00Z'],
  ['0 0 * * 7', '2030-01-06T00:00:00Z'],
  ['0 0 13 * fri', '2030-01-04T00:00:00Z'],
  ['0 0 29 2 *', '2032-02-29T00:00:00Z'],
  ['@hourly', '2030-01-02T04:00:00Z'],
  ['@midnight', '2030-01-03T00:00:00Z'],
  ['@Daily', '2030-01-03T00:00:00Z'],
  ['@weekly', '2030-01-06T00:00:00Z'],
  ['@monthly', '2030-02-01T00:00:00Z'],
  ['@yearly', '2031-01-01T00:00:00Z'],
  ['@annually', '2031-01-01T00:00:00Z'],
  ['  0   4 * * * ', '2030-01-02T04:00:00Z'],
])('%s comes next at %s', (pattern, next) => {
  expect(upcoming(pattern, 'UTC', '2030-01-02T03:04:05Z', 1)).toEqual([next])
})

test('a sixth field is for seconds and comes last', () => {
  expect(upcoming('* * * * * */20', 'UTC', '2030-01-02T03:04:05Z', 3)).toEqual([
    '2030-01-02T03:04:20Z',
    '2030-01-02T03:04:40Z',
    '2030-01-02T03:05:00Z',
  ])
  expect(upcoming('30 4 * * * 15', 'UTC', '2030-01-02T03:04:05Z', 1)).toEqual(['2030-01-02T04:30:15Z'])
})

test('the next match is strictly later, to the millisecond', () => {
  const minute = Date.parse('2030-01-02T03:05:00Z')
  expect(patterns.next('* * * * *', 'UTC', minute - 1)).toBe(minute)
  expect(patterns.next('* * * * *', 'UTC', minute)).toBe(minute + 60_000)
  expect(patterns.next('* * * * *', 'UTC', minute + 1)).toBe(minute + 60_000)
})

test('answers that are remembered are those of a new question', () => {
  const asked = ['2030-01-02T09:00:00Z', '2030-01-02T08:59:59Z', '2030-01-01T00:00:00Z', '2030-01-05T12:00:00Z']
  const known = cronPatterns()
  for (const from of [...asked, ...asked.toReversed()]) {
    const fresh = cronPatterns().next('0 9 * * mon-fri', 'Europe/Berlin', Date.parse(from))
    expect(known.next('0 9 * * mon-fri', 'Europe/Berlin', Date.parse(from))).toBe(fresh)
  }
})

test('a date that never comes has no next match', () => {
  expect(patterns.next('0 0 31 2 *', 'UTC', Date.parse('2030-01-01T00:00:00Z'))).toBeNull()
})

describe('when the clocks change', () => {
  test('a daily time that does not exist runs at the end of the gap', () => {
    expect(upcoming('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00Z',
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ])
  })

  test('a daily time that comes twice runs the first time', () => {
    expect(upcoming('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T00:30:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ])
  })

  test('a repeated pattern leaves the gap out and runs in both hours', () => {
    expect(upcoming('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:00:00Z', 3)).toEqual([
      '2026-03-29T00:30:00Z',
      '2026-03-29T01:00:00Z',
      '2026-03-29T01:30:00Z',
    ])
    expect(upcoming('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 4)).toEqual([
      '2026-10-25T00:00:00Z',
      '2026-10-25T01:00:00Z',
      '2026-10-25T02:00:00Z',
      '2026-10-25T03:00:00Z',
    ])
  })

  test('a working hour stays where the people are', () => {
    expect(upcoming('0 9 * * *', 'America/New_York', '2026-03-07T00:00:00Z', 2)).toEqual([
      '2026-03-07T14:00:00Z',
      '2026-03-08T13:00:00Z',
    ])
  })
})
