import { Cron } from 'croner'
import { FaasError, invalid } from '../domain/errors.ts'
import type { CronPatterns } from '../domain/triggers/job.ts'
import { nextFixedTime } from './fixed-times.ts'
import { offsetsOf } from './local-time.ts'

/** Number of compiled patterns to cache; beyond it the cache is cleared. */
const maxCached = 20_000
/** Longest accepted pattern. */
const maxLength = 255

interface Compiled {
  next(afterMs: number): number | null
  /** The last query and its result: any time from `askedMs` up to `nextMs` has the same result. */
  askedMs: number
  nextMs: number | null
}

/**
 * Cron patterns, as Qinling's users write them:
 * - five fields (minute, hour, day of month, month, day of week), names, ranges, lists, steps (`5/10` is `5-59/10`);
 * - a sixth field for seconds **at the end**, where croner wants it in front;
 * - `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`.
 *
 * When clocks change, as Vixie cron: a pattern whose minute and hour (and second) do not begin with `*` has fixed times of
 * day. Those in the gap run right after it, a second apart; those that come twice run the first time. Every other pattern
 * goes by what the clock shows: it leaves the gap out and runs in both hours.
 */
export function cronPatterns(): CronPatterns {
  const cache = new Map<string, Compiled>()

  const compiled = (pattern: string, timezone: string): Compiled => {
    const key = `${timezone} ${pattern}`
    const known = cache.get(key)
    if (known !== undefined) return known
    const made = { next: compile(pattern, timezone), askedMs: 0, nextMs: 0 }
    if (cache.size >= maxCached) cache.clear()
    cache.set(key, made)
    return made
  }

  return {
    check(pattern, timezone) {
      compiled(pattern, timezone)
    },
    hasFixedTimes,
    next(pattern, timezone, afterMs) {
      const entry = compiled(pattern, timezone)
      const isKnown = afterMs >= entry.askedMs && (entry.nextMs === null || afterMs < entry.nextMs)
      if (!isKnown) {
        entry.nextMs = entry.next(afterMs)
        entry.askedMs = afterMs
      }
      return entry.nextMs
    },
  }
}

function compile(pattern: string, timezone: string): Compiled['next'] {
  const { text, mode } = forCroner(pattern)
  const inZone = zone(timezone)
  try {
    const isByClock = 'timezone' in inZone && !hasFixedTimes(pattern)
    const cron = new Cron(text, { mode, sloppyRanges: true, ...(isByClock ? inZone : { utcOffset: 0 }) })
    const next = (afterMs: number) => cron.nextRun(new Date(afterMs))?.getTime() ?? null
    if (isByClock || !('timezone' in inZone)) return next
    const offsetAt = offsetsOf(timezone)
    return (afterMs) => nextFixedTime(next, offsetAt, afterMs)
  } catch (error) {
    if (error instanceof FaasError) throw error
    throw invalid(`The pattern '${pattern}' is not valid: ${wrongField(pattern) ?? reason(error)}`)
  }
}

/** Whether the pattern names fixed times of day; like Vixie cron, this checks the first character. */
export function hasFixedTimes(pattern: string): boolean {
  const fields = pattern.trim().split(/\s+/)
  if (fields.length === 1) return fields[0]?.toLowerCase() !== '@hourly'
  return [fields[0], fields[1], fields[5] ?? '0'].every((field) => field !== undefined && !/^[*?]/.test(field))
}

const fieldNames = ['minute', 'hour', 'day of the month', 'month', 'day of the week', 'second'] as const
/** Values that each field accepts; lists, ranges and steps of them are accepted too. */
const taken = ['0 to 59', '0 to 23', '1 to 31', '1 to 12 or JAN to DEC', '0 to 7 or SUN to SAT', '0 to 59'] as const
const shortcuts = '@hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually'

/** The first field that is invalid by itself, as written; null: the problem involves several fields. */
function wrongField(pattern: string): string | null {
  const fields = pattern.trim().split(/\s+/)
  if (fields.length === 1) return `${fields[0]} is not supported; write five or six fields, or ${shortcuts}.`
  const at = fields.findIndex((field, index) => !isField(field, index))
  return at < 0 ? null : `its ${fieldNames[at]} is '${fields[at]}', and must be ${taken[at]}.`
}

/** Croner expects seconds first. */
function isField(field: string, at: number): boolean {
  const place = at === 5 ? 0 : at + 1
  const alone = Array.from({ length: 6 }, (_, index) => (index === place ? field : '*')).join(' ')
  try {
    return new Cron(alone, { mode: '6-part', sloppyRanges: true, utcOffset: 0 }) !== null
  } catch {
    return false
  }
}

function forCroner(pattern: string): { text: string; mode: '5-part' | '6-part' } {
  const fields = pattern.trim().split(/\s+/)
  if (pattern.length > maxLength) throw invalid(`The pattern is longer than ${maxLength} characters.`)
  const [first = '', ...rest] = fields
  if (fields.length === 1 && first.startsWith('@')) return { text: first.toLowerCase(), mode: '5-part' }
  if (fields.length === 5) return { text: fields.join(' '), mode: '5-part' }
  if (fields.length === 6) return { text: [rest.at(-1), first, ...rest.slice(0, -1)].join(' '), mode: '6-part' }
  throw invalid(
    `The pattern '${pattern}' has ${fields.length} fields; a pattern has five, or six with seconds at the end.`,
  )
}

/** UTC is passed as an offset: without a time zone lookup a query takes 5 µs instead of 90. */
function zone(timezone: string): { timezone: string } | { utcOffset: number } {
  if (timezone === 'UTC') return { utcOffset: 0 }
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw invalid(`The time zone '${timezone}' is not known; use an IANA name such as Europe/Berlin.`)
  }
  return { timezone }
}

/** Croner's message without its class name. */
const reason = (error: unknown): string => (error instanceof Error ? error.message.replace(/^Cron\w*: /, '') : '')
