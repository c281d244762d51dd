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

/**
 * The due time before this one; null: the job is newer, or its runs are years apart. Looks back twice as far until there is one,
 * then halves the rest: some 60 questions for any pattern, where a walk would take one for each run of a busy hour.
 */
function lastRun(job: Job, atMs: number, patterns: CronPatterns): number | null {
  const runAfter = (ms: number): number | null => {
    const run = nextRun(job, ms, patterns)
    return run !== null && run < atMs ? run : null
  }
  const oldest = job.createdAt - 1
  let reachMs = 1000
  while (runAfter(atMs - reachMs - 1) === null) {
    if (atMs - reachMs <= oldest || reachMs > longestReachMs) return null
    reachMs *= 2
  }
  let [from, to] = [Math.max(atMs - reachMs - 1, oldest), atMs - 1]
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2)
    if (runAfter(middle) === null) to = middle
    else from = middle
  }
  return runAfter(from)
}

const longestReachMs = 4 * 366 * 86_400_000
