import { setImmediate as nextTurn } from 'node:timers/promises'
import { invalid, notFound } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { type Job, type JobStatus, type Missed, type Overlap, unfinished } from '../../domain/job.ts'
import type { Shares } from '../../domain/limits.ts'
import { patternInWords } from '../../domain/pattern-words.ts'
import { canSee, type Principal } from '../../domain/principal.ts'
import { timeFromText } from '../../domain/time-text.ts'
import type { TargetRef, Targets } from '../functions/targets.ts'
import { JobRuns, type JobRunsParts } from './job-runs.ts'

/** Fields of a new job; absent: the default. */
export interface NewJob extends TargetRef {
  name?: string
  functionInput?: string
  pattern?: string
  /** Date text in a common format, read as UTC. */
  firstExecutionTime?: string
  count?: number
  timezone?: string
  overlap?: Overlap
  missed?: Missed
  missedLimit?: number
}

/** Fields that may change; absent: unchanged. */
export interface JobChange {
  name?: string
  functionInput?: string
  status?: string
  pattern?: string
  nextExecutionTime?: string
  timezone?: string
  overlap?: Overlap
  missed?: Missed
  missedLimit?: number
}

export interface CalendarRow {
  job: Job
  times: number[]
  /** True when it is due more often than `times` lists. */
  hasMore: boolean
}

export interface JobsParts extends JobRunsParts {
  targets: Pick<Targets, 'resolveIn' | 'functionIdOf' | 'named'>
  shares: Pick<Shares, 'refuseMore'>
  newId: NewId
}

/** Minimum distance of a time from now. */
export const leastAheadMs = 60_000
const mostMissed = 1000
const mostShownRuns = 3
const mostPreviewed = 5
/** A job that is due more often in a day is drawn as a band, not as points. */
const mostInCalendar = 100
const mostJobsInCalendar = 500
const settable: readonly string[] = ['running', 'paused', 'cancelled'] satisfies JobStatus[]

/** Manages jobs by the rules of the contract (section 8). `job-runs.ts` makes their runs. */
export class Jobs {
  #parts: JobsParts
  readonly runs: JobRuns

  constructor(parts: JobsParts) {
    this.#parts = parts
    this.runs = new JobRuns(parts)
  }

  create(who: Principal, given: NewJob): Job {
    if (!given.functionId && !given.functionAlias) throw invalid('function_id or function_alias is required.')
    const { store, timers, newId, clock } = this.#parts
    const nowMs = clock.now()
    const missedLimit = checkedLimit(given.missedLimit ?? 100)
    const schedule = this.#schedule(given, nowMs)
    const { fn, version, alias } = this.#parts.targets.named(who, given)
    this.#parts.shares.refuseMore(who.projectId, 'jobs', store.list(who.projectId).filter(unfinished).length)
    const job: Job = {
      id: newId(),
      projectId: who.projectId,
      name: given.name ?? null,
      functionId: alias === null ? fn.id : null,
      functionVersion: alias === null ? version : 0,
      functionAlias: alias,
      functionInput: given.functionInput ?? null,
      status: 'running',
      ...schedule,
      overlap: given.overlap ?? 'allow',
      missed: given.missed ?? 'once',
      missedLimit,
      createdAt: nowMs,
      updatedAt: null,
    }
    store.insert(job)
    timers.set(job)
    return job
  }

  /** Jobs of a project, or of all when null; by created_at, then id. */
  list(projectId: string | null): Job[] {
    return this.#parts.store.list(projectId)
  }

  get(who: Principal, id: string): Job {
    const job = this.#parts.store.find(id)
    if (job === null || !canSee(who, job.projectId)) throw notFound('Job', id)
    return job
  }

  /** The next run times, at most three, as far as known; they show how the pattern's fields were understood. */
  nextRuns(job: Job): number[] {
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
    return { words: patternInWords(pattern), times }
  }

  /** When the running jobs of a project (or of all when null) are due until then; yields to other work in between. */
  async calendar(projectId: string | null, untilMs: number): Promise<CalendarRow[]> {
    const rows: CalendarRow[] = []
    for (const job of this.list(projectId)) {
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

  async update(who: Principal, id: string, change: JobChange): Promise<Job> {
    await this.runs.settled(id)
    const job = this.get(who, id)
    const changed = this.#changed(job, change)
    this.#parts.store.update(changed)
    this.#parts.timers.set(changed)
    return changed
  }

  async delete(who: Principal, id: string): Promise<void> {
    await this.remove(this.get(who, id).id)
  }

  /** Removes a job for any caller. */
  async remove(id: string): Promise<void> {
    await this.runs.settled(id)
    this.#parts.store.delete(id)
    this.#parts.timers.clear(id)
    this.runs.forget(id)
  }

  #schedule(given: NewJob, nowMs: number): Schedule {
    const { patterns } = this.#parts
    const { count, timezone = 'UTC' } = given
    if (!given.pattern && !given.firstExecutionTime) throw invalid('pattern or first_execution_time is required.')
    if (count !== undefined && count < 0) throw invalid(`count is ${count}: it must not be negative.`)
    const asked = given.firstExecutionTime ? timeAhead('first_execution_time', given.firstExecutionTime, nowMs) : null
    if (!given.pattern) {
      if (count !== undefined && count > 1) throw invalid('A pattern is required for a count greater than 1.')
      checkZone(patterns, timezone)
      return { pattern: null, timezone, count: 1, firstExecutionTime: asked, nextExecutionTime: asked }
    }
    const first = nextMatch(patterns, given.pattern, timezone, asked === null ? nowMs : asked - leastAheadMs)
    return {
      pattern: given.pattern,
      timezone,
      count: count ?? null,
      firstExecutionTime: first,
      nextExecutionTime: first,
    }
  }

  #changed(job: Job, change: JobChange): Job {
    if (job.status === 'done' || job.status === 'cancelled') {
      throw invalid(`Job ${job.id} is ${job.status}; it cannot be changed any more.`)
    }
    if (Object.values(change).every((value) => value === undefined)) return job
    const nowMs = this.#parts.clock.now()
    const changed: Job = {
      ...job,
      name: change.name ?? job.name,
      functionInput: change.functionInput ?? job.functionInput,
      status: checkedStatus(change.status) ?? job.status,
      pattern: checkedKind(job, change.pattern) ?? job.pattern,
      timezone: change.timezone ?? job.timezone,
      overlap: change.overlap ?? job.overlap,
      missed: change.missed ?? job.missed,
      missedLimit: checkedLimit(change.missedLimit ?? job.missedLimit),
      updatedAt: nowMs,
    }
    return { ...changed, nextExecutionTime: this.#nextTime(job, changed, change, nowMs) }
  }

  /** The next time stays, unless it is given, a paused job resumes, or the time zone changes. */
  #nextTime(job: Job, changed: Job, change: JobChange, nowMs: number): number | null {
    const { patterns } = this.#parts
    if (changed.pattern === null) checkZone(patterns, changed.timezone)
    else patterns.check(changed.pattern, changed.timezone)
    if (change.nextExecutionTime) return timeAhead('next_execution_time', change.nextExecutionTime, nowMs)
    const resumes = job.status === 'paused' && changed.status === 'running'
    if (changed.pattern === null) return resumes ? stillAhead(job, nowMs) : job.nextExecutionTime
    if (!resumes && changed.timezone === job.timezone) return job.nextExecutionTime
    return nextMatch(patterns, changed.pattern, changed.timezone, nowMs)
  }
}

type Schedule = Pick<Job, 'pattern' | 'timezone' | 'count' | 'firstExecutionTime' | 'nextExecutionTime'>
type Patterns = JobsParts['patterns']

function nextMatch(patterns: Patterns, pattern: string, timezone: string, afterMs: number): number {
  patterns.check(pattern, timezone)
  const next = patterns.next(pattern, timezone, afterMs)
  if (next === null) throw invalid(`The pattern '${pattern}' never matches.`)
  return next
}

/** A zone is checked independently of the pattern; a job that runs once has none. */
const checkZone = (patterns: Patterns, timezone: string): void => patterns.check('* * * * *', timezone)

function timeAhead(field: string, text: string, nowMs: number): number {
  const time = timeFromText(text)
  if (time === null) throw invalid(`${field} is not a time that can be read; write it as 2030-01-02T03:04:05Z.`)
  if (time < nowMs + leastAheadMs) throw invalid(`${field} must be at least 60 seconds ahead.`)
  return time
}

function stillAhead(job: Job, nowMs: number): number | null {
  if ((job.nextExecutionTime ?? 0) < nowMs + leastAheadMs) {
    throw invalid('The time of this job has passed or is less than 60 seconds ahead; give a next_execution_time.')
  }
  return job.nextExecutionTime
}

function checkedStatus(status: string | undefined): JobStatus | undefined {
  if (status === undefined || settable.includes(status)) return status as JobStatus | undefined
  throw invalid(`status must be one of ${settable.join(', ')}.`)
}

/** A repeated job stays repeated, and a single one stays single. */
function checkedKind(job: Job, pattern: string | undefined): string | undefined {
  if (pattern && job.pattern === null) throw invalid('This job runs once; it cannot get a pattern.')
  if (pattern === '' && job.pattern !== null) throw invalid('This job is repeated; its pattern cannot be empty.')
  return pattern || undefined
}

function checkedLimit(limit: number): number {
  if (limit < 1 || limit > mostMissed) throw invalid(`missed_limit must be from 1 to ${mostMissed}.`)
  return limit
}
