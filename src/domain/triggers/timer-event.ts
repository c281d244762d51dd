import { type AppFunction, timersIn } from '../functions/app-function.ts'
import type { CronPatterns, Job } from './job.ts'

/** The input of a timer of an app: what Azure tells functions of their schedule. */

/** Null: the job is not the unchanged job of a timer in `functions`. `nowMs`: the time at which the run is made. */
export function inputOfTimer(
  job: Job,
  atMs: number,
  functions: AppFunction[],
  patterns: CronPatterns,
  nowMs: number,
): string | null {
  const timer = job.pattern === null ? undefined : timersIn(functions).find(({ input }) => input === job.functionInput)
  if (timer === undefined) return null
  const last = lastRun(job, atMs, patterns)
  const next = nextRun(job, atMs, patterns)
  const status = { Last: timeText(last), Next: timeText(next), LastUpdated: timeText(last) }
  const input = { Schedule: { AdjustForDST: true }, ScheduleStatus: status, IsPastDue: nowMs - atMs >= pastDueMs }
  return JSON.stringify({ target: timer.name, input })
}

/** A run this late was missed: the server was not running, or could not take more. */
const pastDueMs = 10_000

/** Azure's first date stands for none. */
const timeText = (ms: number | null): string => (ms === null ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString())

const nextRun = ({ pattern, timezone }: Job, afterMs: number, patterns: CronPatterns): number | null =>
  patterns.next(String(pattern), timezone, afterMs)

/** The due time before this one; null: the job is newer, or its runs are too far apart to look for. */
function lastRun(job: Job, atMs: number, patterns: CronPatterns): number | null {
  let reachMs = Math.max((nextRun(job, atMs, patterns) ?? atMs) - atMs, 1000)
  for (let tries = 0; tries < mostTries; tries++, reachMs *= 2) {
    let found = nextRun(job, Math.max(atMs - reachMs - 1, job.createdAt - 1), patterns)
    for (let steps = 0; found !== null && found < atMs && steps < mostSteps; steps++) {
      const following = nextRun(job, found, patterns)
      if (following === null || following >= atMs) return found
      found = following
    }
    if (atMs - reachMs <= job.createdAt) return null
  }
  return null
}

const mostTries = 16
const mostSteps = 1000
