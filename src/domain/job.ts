import type { StoredTrigger, TriggerStore } from './trigger.ts'

export type JobStatus = 'running' | 'paused' | 'cancelled' | 'done'
/** When a run is due while the one before is unfinished: run both, leave this one out, run it afterwards. */
export type Overlap = 'allow' | 'skip' | 'queue'
/** Runs that fell into a downtime: none, one for all of them, all of them (up to `missedLimit`). */
export type Missed = 'skip' | 'once' | 'all'

export interface Job extends StoredTrigger {
  name: string | null
  functionInput: string | null
  status: JobStatus
  /** Cron pattern, or null for a one-shot job. */
  pattern: string | null
  /** IANA name the pattern is read in. */
  timezone: string
  /** Runs left; null = unlimited. */
  count: number | null
  overlap: Overlap
  missed: Missed
  missedLimit: number
  firstExecutionTime: number | null
  nextExecutionTime: number | null
}

/** Which of six fields of a pattern is for seconds. Ours are the last, as with Qinling; elsewhere they are often the first. */
export const secondsPlaces = ['last', 'first'] as const

/** The pattern as it is kept. */
export function withSecondsLast(pattern: string, seconds: (typeof secondsPlaces)[number]): string {
  const fields = pattern.trim().split(/\s+/)
  if (seconds === 'last' || fields.length !== 6) return pattern
  return [...fields.slice(1), fields[0] ?? ''].join(' ')
}

/** A run, or several, that a job left out for good. */
export interface LeftOut {
  /** When the first of them was due. */
  atMs: number
  /** `missed`: nobody was there to make it; `overlap`: a run before it was unfinished. */
  why: 'missed' | 'overlap'
}

export const unfinished = (job: Job): boolean => job.status === 'running' || job.status === 'paused'

export interface JobStore extends TriggerStore<Job> {
  /** All in one transaction: the jobs that were due together. */
  updateAll(jobs: Job[]): void
  /** Every job with status `running`: what the scheduler needs at start. */
  listRunning(): Job[]
}

/** Pure questions about cron patterns; fulfilled by the scheduler, the only part that knows croner. */
export interface CronPatterns {
  /** Throws FaasError `invalid_request` with a sentence when the pattern or the zone is not valid. */
  check(pattern: string, timezone: string): void
  /** The first match strictly after `afterMs`, or null when there is none. */
  next(pattern: string, timezone: string, afterMs: number): number | null
  /** It names times of day, and does not go by what the clock shows. */
  hasFixedTimes(pattern: string): boolean
}

/** What services tell the scheduler: the timers follow the stored jobs. */
export interface JobTimers {
  /** The job is new or changed: (re)arm it by status and `nextExecutionTime`; with `notBeforeMs`, not before that. */
  set(job: Job, notBeforeMs?: number): void
  clear(jobId: string): void
}
