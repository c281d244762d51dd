/** Converts AWS schedules, `rate(5 minutes)` and `cron(0 12 * * ? *)`, to cron patterns with five fields. Pure. */

/** Null: no pattern is equivalent. Times are in UTC, as in AWS. */
export function cronOfSchedule(expression: string): string | null {
  const [, kind, inside = ''] = /^\s*(rate|cron)\((.*)\)\s*$/.exec(expression) ?? []
  if (kind === 'rate') return ofRate(inside.trim())
  return kind === 'cron' ? ofCron(inside.trim().split(/\s+/)) : null
}

/** Only intervals that divide the next larger unit: `rate(7 minutes)` has no equivalent pattern. */
function ofRate(text: string): string | null {
  const [, count = '', unit] = /^(\d+)\s+(minute|hour|day)s?$/.exec(text) ?? []
  const every = Number(count)
  if (unit === 'minute' && every > 0 && 60 % every === 0) return every === 60 ? '0 * * * *' : `*/${every} * * * *`
  if (unit === 'hour' && every > 0 && 24 % every === 0) return every === 24 ? '0 0 * * *' : `0 */${every} * * *`
  return unit === 'day' && every === 1 ? '0 0 * * *' : null
}

/** Six fields, the year last; days of the week count from 1, Sunday. */
function ofCron(fields: string[]): string | null {
  if (fields.length === 5) return fields.join(' ') // a crontab, as other providers of the Serverless Framework take it
  const [minute, hour, day, month, weekday, year] = fields
  if (fields.length !== 6 || year !== '*' || fields.some((field) => /[LW#]/.test(field.replaceAll(/[A-Z]{3}/g, '')))) {
    return null
  }
  const anyDay = (field = '*') => (field === '?' ? '*' : field)
  const steps = (field = '*', most = 59) => field.replaceAll(/(?<![-\d])(\d+)\//g, `$1-${most}/`)
  const weekdays = anyDay(weekday).replaceAll(/(?<!\/)\d/g, (n) => String(Number(n) - 1))
  return [steps(minute), steps(hour, 23), anyDay(day), month, weekdays].join(' ')
}
