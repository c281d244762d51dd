import { invalid, notFound } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import {
  isUnfinished,
  type Job,
  type JobStatus,
  type MissedRunPolicy,
  type OverlapPolicy,
} from '../../domain/triggers/job.ts'
import type { TargetRef, Targets } from '../functions/targets.ts'
import { JobCalendars } from './job-calendar.ts'
import { JobRuns, type JobRunsParts } from './job-runs.ts'
import { checkedKind, type NewSchedule, nextTime, scheduleOf } from './job-schedule.ts'

/** Fields of a new job; absent: the default. */
export interface NewJob extends TargetRef, NewSchedule {
  name?: string
  functionInput?: string
  overlap?: OverlapPolicy
  missed?: MissedRunPolicy
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
  overlap?: OverlapPolicy
  missed?: MissedRunPolicy
  missedLimit?: number
}

export interface JobsParts extends JobRunsParts {
  targets: Pick<Targets, 'resolveIn' | 'functionIdOf' | 'named'>
  shares: Pick<Shares, 'refuseMore'>
  newId: NewId
}

const mostMissed = 1000
const settable: readonly string[] = ['running', 'paused', 'cancelled'] satisfies JobStatus[]

/** Manages jobs by the rules of the contract (section 8). `job-runs.ts` makes their runs, `job-calendar.ts` tells when. */
export class Jobs {
  #parts: JobsParts
  readonly runs: JobRuns
  readonly times: JobCalendars

  constructor(parts: JobsParts) {
    this.#parts = parts
    this.runs = new JobRuns(parts)
    this.times = new JobCalendars(parts)
  }

  create(who: Principal, given: NewJob): Job {
    if (!given.functionId && !given.functionAlias) throw invalid('function_id or function_alias is required.')
    const { store, timers, patterns, newId, clock } = this.#parts
    const nowMs = clock.now()
    const missedLimit = checkedLimit(given.missedLimit ?? 100)
    const schedule = scheduleOf(patterns, given, nowMs)
    const { fn, version, alias } = this.#parts.targets.named(who, given)
    this.#parts.shares.refuseMore(who.projectId, 'jobs', store.list(who.projectId).filter(isUnfinished).length)
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
    return {
      ...changed,
      nextExecutionTime: nextTime(this.#parts.patterns, job, changed, change.nextExecutionTime, nowMs),
    }
  }
}

function checkedStatus(status: string | undefined): JobStatus | undefined {
  if (status === undefined || settable.includes(status)) return status as JobStatus | undefined
  throw invalid(`status must be one of ${settable.join(', ')}.`)
}

function checkedLimit(limit: number): number {
  if (limit < 1 || limit > mostMissed) throw invalid(`missed_limit must be from 1 to ${mostMissed}.`)
  return limit
}
