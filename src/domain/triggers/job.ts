import type { StoredTrigger, TriggerStore } from './trigger.ts'

export type JobStatus = 'running' | 'paused' | 'cancelled' | 'done'
/** When a run is due while the previous one is unfinished: run both, skip this one, or run it afterwards. */
export type OverlapPolicy = 'allow' | 'skip' | 'queue'
/** What happens to runs missed during a downtime: none is made, one for all of them, or all (up to `missedLimit`). */
export type MissedRunPolicy = 'skip' | 'once' | 'all'

export interface Job extends StoredTrigger {
  name: string | null
  functionInput: string | null
  status: JobStatus
  /** Cron pattern, or null for a job that runs once. */
  pattern: string | null
  /** IANA name of the time zone for the pattern. */
  timezone: string
  /** Runs left; null = unlimited. */
  count: number | null
  overlap: OverlapPolicy
  missed: MissedRunPolicy
  missedLimit: number
  firstExecutionTime: number | null
  nextExecutionTime: number | null
}

/** Which of a pattern's six fields is for seconds: the last, as in Qinling, or the first, as in many other systems. */
export const secondsPlaces = ['last', 'first'] as const

/** The pattern in its stored form. */
export function withSecondsLast(pattern: string, seconds: (typeof secondsPlaces)[number]): string {
  const fields = pattern.trim().split(/\s+/)
  if (seconds === 'last' || fields.length !== 6) return pattern
  return [...fields.slice(1), fields[0] ?? ''].join(' ')
}

/** One or more runs that a job skipped. */
export interface SkippedRuns {
  /** Due time of the first of them. */
  atMs: number
  /** `missed`: the server was not running; `overlap`: an earlier run was unfinished. */
  why: 'missed' | 'overlap'
}

export const isUnfinished = (job: Job): boolean => job.status === 'running' || job.status === 'paused'

export interface JobStore extends TriggerStore<Job> {
  /** Updates the jobs that were due together in one transaction. */
  updateAll(jobs: Job[]): void
  /** Every job with status `running`: the scheduler's content at the start. */
  listRunning(): Job[]
}

/** Pure operations on cron patterns; implemented by the scheduler, the only part that uses croner. */
export interface CronPatterns {
  /** Throws FaasError `invalid_request` with a sentence when the pattern or the zone is invalid. */
  check(pattern: string, timezone: string): void
  /** The first match strictly after `afterMs`, or null. */
  next(pattern: string, timezone: string, afterMs: number): number | null
  /** True when the pattern names fixed times of day, which matters when clocks change. */
  hasFixedTimes(pattern: string): boolean
}

/** How services update the scheduler, whose timers follow the stored jobs. */
export interface JobTimers {
  /** A new or changed job: sets its timer by status and `nextExecutionTime`; with `notBeforeMs`, not before that. */
  set(job: Job, notBeforeMs?: number): void
  clear(jobId: string): void
}
