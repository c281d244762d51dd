import { invalid } from '../errors.ts'

/** Converts a schedule of Azure Functions to a pattern: six fields with seconds first, five fields, or an interval `hh:mm:ss`. */
export function cronOfNcrontab(schedule: string, name: string): string {
  const interval = /^(\d+):(\d\d):(\d\d)$/.exec(schedule.trim())
  if (interval !== null) return everyInterval(interval.slice(1).map(Number) as [number, number, number], schedule, name)
  const fields = schedule.trim().split(/\s+/)
  if (fields.length === 5) return fields.join(' ')
  if (fields.length !== 6)
    throw invalid(
      `The schedule "${schedule}" of the timer ${name} is not valid: write five or six fields, or hh:mm:ss.`,
    )
  const [seconds = '', ...others] = fields
  return seconds === '0' || seconds === '00' ? others.join(' ') : [...others, seconds].join(' ')
}

/** A pattern can express only intervals that divide the next larger unit. */
function everyInterval([hours, minutes, seconds]: [number, number, number], schedule: string, name: string): string {
  const total = hours * 3600 + minutes * 60 + seconds
  const goesInto = (unit: number) => total > 0 && unit % total === 0
  if (goesInto(60)) return total === 60 ? '* * * * *' : `* * * * * */${total}`
  if (total % 60 === 0 && goesInto(3600)) return total === 3600 ? '0 * * * *' : `*/${total / 60} * * * *`
  if (total % 3600 === 0 && goesInto(86_400)) return total === 86_400 ? '0 0 * * *' : `0 */${total / 3600} * * *`
  throw invalid(
    `The interval ${schedule} of the timer ${name} cannot be written as a cron pattern: use one that divides an hour or a day.`,
  )
}
