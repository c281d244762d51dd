import type { CronPatterns, Job } from './job.ts'

/** What decides whether a due run fell into a gap. */
export interface DueWindow {
  nowMs: number
  /** Runs due before this were missed: the server was not there, or the machine slept. */
  presentSinceMs: number
  /** The first run could not be accepted at its time (the queue was full): it is made up whatever the job's rule. */
  heldBack?: boolean
}

export interface DueRuns {
  /** Due times of the runs to make now, oldest first; never more than the job has left. */
  times: number[]
  /** The first missed run that the rule leaves out for good; null: there is none. */
  leftOutMs: number | null
  /** When the job is due after that; null: never again. */
  nextMs: number | null
}

/**
 * Which runs of a job are to be made now: those due since the server is present, and of those missed before what the
 * job's rule says: none, the first one for all of them, or the first `missedLimit`. Pure.
 */
export function dueRuns(job: Job, patterns: CronPatterns, window: DueWindow): DueRuns {
  const { nowMs, presentSinceMs } = window
  const first = job.nextExecutionTime
  if (first === null || first > nowMs) return { times: [], leftOutMs: null, nextMs: first }
  const most = missedAllowed(job, window.heldBack ?? false)
  const missed = first < presentSinceMs ? matches(job, patterns, first, presentSinceMs - 1, most + 1) : []
  const firstPresent = first < presentSinceMs ? after(job, patterns, presentSinceMs - 1) : first
  const present = firstPresent === null ? [] : matches(job, patterns, firstPresent, nowMs, runsLeft(job))
  const times = [...missed.slice(0, most), ...present].slice(0, runsLeft(job))
  return { times, leftOutMs: missed[most] ?? null, nextMs: after(job, patterns, nowMs) }
}

/**
 * The job after `made` of its due runs, the last of them due at `lastMs`. A run lowers the count, one that was left out
 * does not. Without a run left or a next time the job is done, and its next time stays where it was.
 */
export function afterRuns(job: Job, made: number, lastMs: number, nextMs: number | null, nowMs: number): Job {
  const count = job.count === null ? null : Math.max(0, job.count - made)
  const isDone = nextMs === null || (made > 0 && count === 0)
  if (isDone) return { ...job, count, status: 'done', nextExecutionTime: lastMs, updatedAt: nowMs }
  return { ...job, count, nextExecutionTime: nextMs, updatedAt: nowMs }
}

/** The next match after a time; null for a job that runs once. */
export function after(job: Job, patterns: CronPatterns, afterMs: number): number | null {
  return job.pattern === null ? null : patterns.next(job.pattern, job.timezone, afterMs)
}

/** A count of 0 on a new job means one run, as in the original. */
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
    at = after(job, patterns, at)
  }
  return found
}
