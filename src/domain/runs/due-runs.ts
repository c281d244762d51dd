import type { CronPatterns, Job } from '../triggers/job.ts'

/** Facts that decide whether a due run was missed. */
export interface DueWindow {
  nowMs: number
  /** Runs due before this time were missed: the server was down, or the machine slept. */
  presentSinceMs: number
  /**
   * True when the first run could not be accepted at its time (full queue): it is made up whatever the job's rule for missed
   * runs.
   */
  heldBack?: boolean
}

export interface DueRuns {
  /** Due times of the runs to make now, oldest first; never more than the job has left. */
  times: number[]
  /** The first missed run that the rule drops; null: none. */
  leftOutMs: number | null
  /** The next due time after those; null: none. */
  nextMs: number | null
}

/**
 * Which runs of a job to make now: those due since the server is present and, of those missed before, what the job's rule says:
 * none, the first one for all of them, or the first `missedLimit`. Pure.
 */
export function dueRuns(job: Job, patterns: CronPatterns, window: DueWindow): DueRuns {
  const { nowMs, presentSinceMs } = window
  const first = job.nextExecutionTime
  if (first === null || first > nowMs) return { times: [], leftOutMs: null, nextMs: first }
  const most = missedAllowed(job, window.heldBack ?? false)
  const missed = first < presentSinceMs ? matches(job, patterns, first, presentSinceMs - 1, most + 1) : []
  const firstPresent = first < presentSinceMs ? nextAfter(job, patterns, presentSinceMs - 1) : first
  const present = firstPresent === null ? [] : matches(job, patterns, firstPresent, nowMs, runsLeft(job))
  const times = [...missed.slice(0, most), ...present].slice(0, runsLeft(job))
  return { times, leftOutMs: missed[most] ?? null, nextMs: nextAfter(job, patterns, nowMs) }
}

/**
 * The job after `made` of its due runs, the last of them due at `lastMs`. A run lowers the count, a skipped one does not. Without
 * a remaining run or a next time the job is done, and its next time stays unchanged.
 */
export function afterRuns(job: Job, made: number, lastMs: number, nextMs: number | null, nowMs: number): Job {
  const count = job.count === null ? null : Math.max(0, job.count - made)
  const isDone = nextMs === null || (made > 0 && count === 0)
  if (isDone) return { ...job, count, status: 'done', nextExecutionTime: lastMs, updatedAt: nowMs }
  return { ...job, count, nextExecutionTime: nextMs, updatedAt: nowMs }
}

/** The next match after a time; null for a job that runs once. */
export function nextAfter(job: Job, patterns: CronPatterns, afterMs: number): number | null {
  if (job.pattern === null) return null
  const shiftMs = shiftOf(job)
  const next = patterns.next(job.pattern, job.timezone, afterMs - shiftMs)
  return next === null ? null : next + shiftMs
}

/**
 * A clock that was set back shows times a second time. Runs are identified by their times, so the second occurrence is due a
 * millisecond later, the third two: patterns match whole seconds.
 */
const mostShiftMs = 99
function shiftOf({ nextExecutionTime }: Job): number {
  const ms = (nextExecutionTime ?? 0) % 1000
  return ms <= mostShiftMs ? ms : 0
}

/** A clock that is set back by more than this was wrong before: everything follows the new time. */
const wrongClockMs = 3 * 3_600_000

/**
 * The job after the clock was set back, with the rules of Vixie cron: a job with wildcard times follows the new time. A job with
 * fixed times does not run at them twice, a job before its first run keeps its first time, and a postponed one keeps the
 * postponed time. Pure.
 */
export function afterClockSetBack(job: Job, patterns: CronPatterns, nowMs: number, backMs: number): Job {
  const { pattern, timezone, status, nextExecutionTime, firstExecutionTime } = job
  if (status !== 'running' || pattern === null || nextExecutionTime === null) return job
  if (nextExecutionTime === firstExecutionTime) return job
  if (backMs <= wrongClockMs && patterns.hasFixedTimes(pattern)) return job
  const usual = patterns.next(pattern, timezone, nowMs + backMs)
  if (usual !== null && nextExecutionTime > usual + mostShiftMs) return job
  const next = patterns.next(pattern, timezone, nowMs)
  if (next === null || next >= nextExecutionTime) return job
  return { ...job, nextExecutionTime: next + ((shiftOf(job) + 1) % (mostShiftMs + 1)), updatedAt: nowMs }
}

/** Smaller differences may come from a slewed clock. */
const leastSetBackMs = 1000

/** The jobs whose times a clock computed that was ahead, by the time of now. `backOf`: how far the clock was set back for a job. */
export const jobsSetBack = (jobs: Job[], patterns: CronPatterns, nowMs: number, backOf: (job: Job) => number): Job[] =>
  jobs.flatMap((job) => {
    const backMs = backOf(job)
    const now = backMs < leastSetBackMs ? job : afterClockSetBack(job, patterns, nowMs, backMs)
    return now === job ? [] : [now]
  })

/** A count of 0 on a new job means one run, as in Qinling. */
const runsLeft = (job: Job): number => (job.count === null ? Number.POSITIVE_INFINITY : Math.max(1, job.count))

function missedAllowed(job: Job, heldBack: boolean): number {
  if (job.missed === 'skip') return heldBack ? 1 : 0
  return job.missed === 'once' ? 1 : job.missedLimit
}

/** The due times from `firstMs` to `lastMs`, at most `most` of them. */
function matches(job: Job, patterns: CronPatterns, firstMs: number, lastMs: number, most: number): number[] {
  const found: number[] = []
  for (let at: number | null = firstMs; at !== null && at <= lastMs && found.length < most; ) {
    found.push(at)
    at = nextAfter(job, patterns, at)
  }
  return found
}
