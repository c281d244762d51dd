import { invalid } from '../../domain/errors.ts'
import { timeFromText } from '../../domain/time-text.ts'
import type { CronPatterns, Job } from '../../domain/triggers/job.ts'

/** When a job is due, by what a request says. */

/** Minimum distance of a time from now. */
export const minLeadMs = 60_000

export type Schedule = Pick<Job, 'pattern' | 'timezone' | 'count' | 'firstExecutionTime' | 'nextExecutionTime'>

/** Fields of a new job's schedule; absent: the default. */
export interface NewSchedule {
  pattern?: string
  /** Date text in a common format, read as UTC. */
  firstExecutionTime?: string
  count?: number
  timezone?: string
}

export function scheduleOf(patterns: CronPatterns, given: NewSchedule, nowMs: number): Schedule {
  const { count, timezone = 'UTC' } = given
  if (!given.pattern && !given.firstExecutionTime) throw invalid('pattern or first_execution_time is required.')
  if (count !== undefined && count < 0) throw invalid(`count is ${count}: it must not be negative.`)
  const startTime = given.firstExecutionTime ? timeAhead('first_execution_time', given.firstExecutionTime, nowMs) : null
  if (!given.pattern) {
    if (count !== undefined && count > 1) throw invalid('A pattern is required for a count greater than 1.')
    checkZone(patterns, timezone)
    return { pattern: null, timezone, count: 1, firstExecutionTime: startTime, nextExecutionTime: startTime }
  }
  const first = nextMatch(patterns, given.pattern, timezone, startTime === null ? nowMs : startTime - minLeadMs)
  return {
    pattern: given.pattern,
    timezone,
    count: count ?? null,
    firstExecutionTime: first,
    nextExecutionTime: first,
  }
}

/** The next time stays, unless it is given, a paused job resumes, or the time zone changes. */
export function nextTime(
  patterns: CronPatterns,
  job: Job,
  changed: Job,
  startTime: string | undefined,
  nowMs: number,
): number | null {
  if (changed.pattern === null) checkZone(patterns, changed.timezone)
  else patterns.check(changed.pattern, changed.timezone)
  if (startTime) return timeAhead('next_execution_time', startTime, nowMs)
  const resumes = job.status === 'paused' && changed.status === 'running'
  if (changed.pattern === null) return resumes ? stillAhead(job, nowMs) : job.nextExecutionTime
  if (!resumes && changed.timezone === job.timezone) return job.nextExecutionTime
  return nextMatch(patterns, changed.pattern, changed.timezone, nowMs)
}

function nextMatch(patterns: CronPatterns, pattern: string, timezone: string, afterMs: number): number {
  patterns.check(pattern, timezone)
  const next = patterns.next(pattern, timezone, afterMs)
  if (next === null) throw invalid(`The pattern '${pattern}' never matches.`)
  return next
}

/** A zone is checked independently of the pattern; a job that runs once has none. */
const checkZone = (patterns: CronPatterns, timezone: string): void => patterns.check('* * * * *', timezone)

function timeAhead(field: string, text: string, nowMs: number): number {
  const time = timeFromText(text)
  if (time === null) throw invalid(`${field} is not a time that can be read; write it as 2030-01-02T03:04:05Z.`)
  if (time < nowMs + minLeadMs) throw invalid(`${field} must be at least 60 seconds ahead.`)
  return time
}

function stillAhead(job: Job, nowMs: number): number | null {
  if ((job.nextExecutionTime ?? 0) < nowMs + minLeadMs) {
    throw invalid('The time of this job has passed or is less than 60 seconds ahead; give a next_execution_time.')
  }
  return job.nextExecutionTime
}

/** A repeated job stays repeated, and a single one stays single. */
export function checkedKind(job: Job, pattern: string | undefined): string | undefined {
  if (pattern && job.pattern === null) throw invalid('This job runs once; it cannot get a pattern.')
  if (pattern === '' && job.pattern !== null) throw invalid('This job is repeated; its pattern cannot be empty.')
  return pattern || undefined
}
