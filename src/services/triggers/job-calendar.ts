import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { describeCron } from '../../domain/triggers/cron-description.ts'
import type { CronPatterns, Job, JobStore } from '../../domain/triggers/job.ts'

export interface CalendarRow {
  job: Job
  times: number[]
  /** True when it is due more often than `times` lists. */
  hasMore: boolean
}

const mostShownRuns = 3
const mostPreviewed = 5
/** A job that is due more often in a day is drawn as a band, not as points. */
const mostInCalendar = 100
const mostJobsInCalendar = 500

/** Tells people when jobs are due. */
export class JobCalendars {
  #parts: { store: JobStore; patterns: CronPatterns; clock: Clock }

  constructor(parts: { store: JobStore; patterns: CronPatterns; clock: Clock }) {
    this.#parts = parts
  }

  /** The next run times, at most three, as far as known; they show how the pattern's fields were understood. */
  next(job: Job): number[] {
    const { nextExecutionTime: first, pattern, timezone, count } = job
    if (first === null || job.status !== 'running') return []
    const runs = [first]
    const most = Math.min(mostShownRuns, count ?? mostShownRuns)
    for (let last: number | null = first; pattern !== null && runs.length < most; ) {
      last = this.#parts.patterns.next(pattern, timezone, last)
      if (last === null) break
      runs.push(last)
    }
    return runs
  }

  /** The next times of a pattern and its description in words, for editors. Throws FaasError with the mistake. */
  preview(pattern: string, timezone: string): { words: string; times: number[] } {
    const { patterns, clock } = this.#parts
    patterns.check(pattern, timezone)
    const times: number[] = []
    for (let at = patterns.next(pattern, timezone, clock.now()); at !== null && times.length < mostPreviewed; ) {
      times.push(at)
      at = patterns.next(pattern, timezone, at)
    }
    return { words: describeCron(pattern), times }
  }

  /** When the running jobs of a project (or of all when null) are due until then; yields to other work in between. */
  async calendar(projectId: string | null, untilMs: number): Promise<CalendarRow[]> {
    const rows: CalendarRow[] = []
    for (const job of this.#parts.store.list(projectId)) {
      if (job.status !== 'running' || (job.nextExecutionTime ?? untilMs) >= untilMs) continue
      const times = this.#timesUntil(job, untilMs)
      rows.push({ job, times: times.slice(0, mostInCalendar), hasMore: times.length > mostInCalendar })
      if (rows.length === mostJobsInCalendar) break
      await nextTurn()
    }
    return rows
  }

  #timesUntil({ nextExecutionTime, pattern, timezone, count }: Job, untilMs: number): number[] {
    const times: number[] = []
    const most = Math.min(mostInCalendar + 1, count ?? mostInCalendar + 1)
    for (let at = nextExecutionTime; at !== null && at < untilMs && times.length < most; ) {
      times.push(at)
      at = pattern === null ? null : this.#parts.patterns.next(pattern, timezone, at)
    }
    return times
  }
}
