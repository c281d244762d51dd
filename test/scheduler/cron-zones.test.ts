import { describe, expect, test } from 'vitest'
import { cronPatterns } from '../../src/scheduler/cron-patterns.ts'

/**
 * A year of each zone with the turn to the next, against a walker that shares nothing with the product: it looks at every minute
 * there is, asks what a clock of the zone shows, and does what Vixie cron does when that jumps. Each jump of a zone is in it once,
 * which the first test counts.
 */

const minuteMs = 60_000
const [from, to] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2027-01-15T00:00:00Z')]

interface Fields {
  minute: Set<number>
  hour: Set<number>
  day: Set<number>
  month: Set<number>
  weekday: Set<number>
  /** Either of the two is enough when both are said. */
  eitherDay: boolean
  isFixed: boolean
}

function setOf(field: string, low: number, high: number): Set<number> {
  const found = new Set<number>()
  for (const part of field.split(',')) {
    const [range = '*', step = '1'] = part.split('/')
    const [first, last = first] = range === '*' ? [low, high] : range.split('-').map(Number)
    for (let value = first as number; value <= (last as number); value += Number(step)) found.add(value)
  }
  return found
}

function parsed(pattern: string): Fields {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = pattern.split(' ')
  return {
    minute: setOf(minute, 0, 59),
    hour: setOf(hour, 0, 23),
    day: setOf(day, 1, 31),
    month: setOf(month, 1, 12),
    weekday: setOf(weekday, 0, 6),
    eitherDay: day !== '*' && weekday !== '*',
    isFixed: !minute.startsWith('*') && !hour.startsWith('*'),
  }
}

const dayMinutes = 1440

/** Whether a minute that a clock shows, counted as if it were UTC, is one of the pattern. */
function matcherOf(fields: Fields): (shown: number) => boolean {
  const ofDay = Array.from(
    { length: dayMinutes },
    (_, n) => fields.hour.has(Math.floor(n / 60)) && fields.minute.has(n % 60),
  )
  const days = new Map<number, boolean>()
  const isDay = (day: number): boolean => {
    const time = new Date(day * dayMinutes * minuteMs)
    const [byDay, byWeekday] = [fields.day.has(time.getUTCDate()), fields.weekday.has(time.getUTCDay())]
    return fields.month.has(time.getUTCMonth() + 1) && (fields.eitherDay ? byDay || byWeekday : byDay && byWeekday)
  }
  return (shown) => {
    if (!ofDay[shown % dayMinutes]) return false
    const day = Math.floor(shown / dayMinutes)
    const known = days.get(day) ?? isDay(day)
    days.set(day, known)
    return known
  }
}

/** What a clock of the zone shows at each minute of that time: asked day by day, and closer where it changes. */
function shownIn(timezone: string): Int32Array {
  const format = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
  const offset = (at: number): number => {
    const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT'
    const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  }
  // Zones change at whole quarters of an hour.
  const quarterMs = 15 * minuteMs
  const shown = new Int32Array((to - from) / minuteMs)
  let minute = 0
  for (let day = from; day < to; day += 96 * quarterMs) {
    const [first, next] = [offset(day), offset(day + 96 * quarterMs)]
    for (let quarter = 0; quarter < 96; quarter++) {
      const own = first === next ? first : offset(day + quarter * quarterMs)
      for (let n = 0; n < 15; n++, minute++) shown[minute] = from / minuteMs + minute + own
    }
  }
  return shown
}

/** Every time at which the pattern is due. */
function walked(fields: Fields, shownAt: Int32Array): number[] {
  const fits = matcherOf(fields)
  const due: number[] = []
  let highest = Number.NEGATIVE_INFINITY
  let before = (shownAt[0] as number) - 1
  for (let minute = 0; minute < shownAt.length; minute++) {
    const shown = shownAt[minute] as number
    const at = from + minute * minuteMs
    if (fields.isFixed) {
      const isDue = shown > highest && fits(shown)
      if (isDue) due.push(at)
      const swallowed = shown > before + 1 ? countOf(fits, before + 1, shown) : 0
      for (let n = 0; n < swallowed; n++) due.push(at + (n + (isDue ? 1 : 0)) * 1000)
    } else if (fits(shown)) due.push(at)
    if (shown > highest) highest = shown
    if (shown > before) before = shown
  }
  return due
}

/** Matches between the two, when the clock jumped over them. */
function countOf(fits: (shown: number) => boolean, first: number, end: number): number {
  let count = 0
  for (let shown = first; shown < end; shown++) if (fits(shown)) count++
  return count
}

const zones = [
  ...['Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Australia/Sydney'],
  ...['Asia/Beirut', 'Africa/Cairo', 'America/Havana', 'Atlantic/Azores', 'Antarctica/Troll', 'Asia/Kolkata', 'UTC'],
]
const patterns = [
  ...['30 2 * * *', '0,30 2 * * *', '30 2,14 * * *', '0 1,2,3 * * *', '0 0 * * *', '5,50 0,23 * * *'],
  ...['15 2 1 * *', '30 2 * 3,10 0', '30 1 13 * 0', '*/15 2 * * *', '0 */3 * * *'],
]

/** Those whose clocks are never changed. */
const steady = ['America/Sao_Paulo', 'Asia/Kolkata', 'UTC']

describe.each(zones)('in %s', (timezone) => {
  const shownAt = shownIn(timezone)

  test('the clocks are put forward once and back once, or never', () => {
    const jumps = [...shownAt.keys()]
      .slice(1)
      .map((n) => (shownAt[n] as number) - (shownAt[n - 1] as number) - 1)
      .filter((minutes) => minutes !== 0)
    expect(jumps.map(Math.sign).sort()).toEqual(steady.includes(timezone) ? [] : [-1, 1])
  })

  test.each(patterns)('%s runs when Vixie cron runs it, at every minute', (pattern) => {
    const asked = cronPatterns()
    const expected = walked(parsed(pattern), shownAt)
    let at: number | null = from - 1
    for (const [n, one] of expected.entries()) {
      at = asked.next(pattern, timezone, at)
      if (at === one) continue
      const say = (ms: number | null) => (ms === null ? 'never' : new Date(ms).toISOString())
      expect.fail(`run ${n} is at ${say(at)}, and Vixie cron's is at ${say(one)}`)
    }
  })
})
