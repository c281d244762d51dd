import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../domain/clock.ts'
import { Durations } from '../../domain/durations.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import { afterRuns, dueRuns, jobsSetBack, nextAfter } from '../../domain/runs/due-runs.ts'
import type { Ledger } from '../../domain/runs/execution.ts'
import type { Log } from '../../domain/runs/log.ts'
import type { CronPatterns, Job, JobStore, JobTimers, SkippedRuns } from '../../domain/triggers/job.ts'
import type { Target, Targets } from '../functions/targets.ts'
import type { Follow, Invocation } from '../runs/invocation.ts'
import { runId, runOfJob, untriedRunOfJob } from './job-execution.ts'
import { UnfinishedRuns } from './unfinished-runs.ts'

export interface JobRunsParts {
  store: JobStore
  timers: JobTimers
  patterns: CronPatterns
  targets: Pick<Targets, 'resolveIn' | 'functionIdOf'>
  invocation: Pick<Invocation, 'accept' | 'recordUntried'>
  ledger: Pick<Ledger, 'find'>
  pool: Pick<Pool, 'expect'>
  clock: Clock
  log: Log
}

/** A run that is later than this counts as missed: the machine slept, or its clock was set. */
const latenessMs = 30_000
/** Pause before retrying a run that could not be accepted. */
const retryPauseMs = 1000
/** How long a run waits for an unavailable runtime; then it is recorded as an error. */
const runtimePatienceMs = 60_000
/** Limit of jobs that are handled together in a tick; more would block the event loop. */
const sliceSize = 200
/** Skipped runs that are kept of one job. */
const mostLeftOutKept = 10

interface Fired {
  job: Job
  /** Set while its runs wait to be accepted. */
  retryAtMs?: number
}

/**
 * Makes the runs of jobs that are due.
 *
 * A run's execution is accepted (durable) first, then the job's row moves on; the execution's id is derived from the job and the
 * due time. After a crash between the two writes, the next start finds the execution and only moves the row. So no run is lost
 * and none is made twice.
 *
 * - Queue full, ledger failing: the row stays, and the run is retried each second until it is accepted.
 * - Runtime not available: the same for a minute.
 * - Function, version or alias gone, or the minute over: an execution with status `error` records it, and the job continues.
 * - overlap `skip`: a run is skipped while the previous one is unfinished, and does not lower the count. `queue`: it is accepted
 *   and begins when the previous one has ended; at most `missed_limit` runs wait, further ones are skipped.
 */
export class JobRuns {
  #parts: JobRunsParts
  #presentSinceMs = 0
  /** Jobs that are due and do not have their next time yet. */
  #firing = new Map<string, Promise<void>>()
  /** When a job's due run could not be accepted for the first time. */
  #heldBackSince = new Map<string, number>()
  #turns = new UnfinishedRuns()
  #leftOut = new Map<string, SkippedRuns[]>()
  /** Delay of runs after their due times; missed runs are counted separately. */
  readonly lateness = new Durations()

  constructor(parts: JobRunsParts) {
    this.#parts = parts
  }

  /** Sets timers for all running jobs; runs that were due before now count as missed. Call it after `Invocation.recover`. */
  start(): void {
    const nowMs = this.#parts.clock.now()
    this.#presentSinceMs = nowMs
    const jobs = this.#parts.store.listRunning()
    this.#goBy(nowMs, jobs, ({ createdAt, updatedAt }) => Math.max(createdAt, updatedAt ?? 0) - nowMs)
    for (const job of this.#parts.store.listRunning()) this.#parts.timers.set(job)
  }

  /** The wall clock was set back while the server ran. */
  setBack(backMs: number, nowMs: number): void {
    this.#presentSinceMs = nowMs
    const jobs = this.#parts.store.listRunning().filter(({ id }) => !this.#firing.has(id))
    for (const job of this.#goBy(nowMs, jobs, () => backMs)) this.#parts.timers.set(job)
  }

  /** Moves jobs whose times were computed by a clock that was ahead to the current time. Returns those that changed. */
  #goBy(nowMs: number, jobs: Job[], backOf: (job: Job) => number): Job[] {
    const { store, patterns, log } = this.#parts
    const changed = jobsSetBack(jobs, patterns, nowMs, backOf)
    if (changed.length === 0) return []
    log.warn({ jobs: changed.length }, 'the clock was set back: jobs go by the new time')
    store.updateAll(changed)
    return changed
  }

  /** Resolves when no job is being fired. */
  async close(): Promise<void> {
    await Promise.all(this.#firing.values())
  }

  /** Runs that a job skipped since the server started, the newest first. */
  leftOut(jobId: string): readonly SkippedRuns[] {
    return this.#leftOut.get(jobId) ?? []
  }

  /** The job was deleted. */
  forget(jobId: string): void {
    this.#leftOut.delete(jobId)
  }

  /** Resolves when the job is not being fired, so that its row may be changed. */
  async settled(jobId: string): Promise<void> {
    while (this.#firing.has(jobId)) await this.#firing.get(jobId)
  }

  /** Makes the due runs of these jobs, then sets their next times. Resolves when everything is written; never rejects. */
  async fire(due: Job[], nowMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const job of due) {
      this.#firing.set(job.id, promise)
      this.#noteLateness(job, nowMs)
    }
    try {
      for (let at = 0; at < due.length; at += sliceSize) {
        await this.#fireSlice(due.slice(at, at + sliceSize), nowMs)
      }
    } finally {
      for (const job of due) this.#firing.delete(job.id)
      resolve()
    }
  }

  /** These jobs are due soon: the pool may warm a worker. */
  expect(jobs: Job[]): void {
    const earliest = new Map<string, { target: Target; atMs: number }>()
    for (const job of jobs) {
      const target = this.#targetOrNothing(job)
      const atMs = job.nextExecutionTime
      if (target === undefined || atMs === null || target.revision.kind === 'command') continue
      const known = earliest.get(target.revision.key)
      if (known === undefined || atMs < known.atMs) earliest.set(target.revision.key, { target, atMs })
    }
    for (const { target, atMs } of earliest.values()) this.#parts.pool.expect(target.revision, atMs)
  }

  /** For `Invocation.recover`: a job's runs that continue after a restart count as unfinished and take turns as before. */
  follow: Follow = (run) => {
    const { trigger, triggerId: jobId } = run.execution
    if (trigger !== 'job' || jobId === null) return undefined
    const before = this.#turns.last(jobId)
    this.#turns.take(jobId, run)
    return this.#parts.store.find(jobId)?.overlap === 'queue' ? before : undefined
  }

  #noteLateness({ nextExecutionTime }: Job, nowMs: number): void {
    const lateMs = nowMs - (nextExecutionTime ?? nowMs)
    if (lateMs >= 0 && lateMs < latenessMs) this.lateness.add(lateMs)
  }

  #noteLeftOut({ id }: Job, leftOut: SkippedRuns): void {
    this.#leftOut.set(id, [leftOut, ...this.leftOut(id)].slice(0, mostLeftOutKept))
  }

  async #fireSlice(jobs: Job[], nowMs: number): Promise<void> {
    const { store, timers, log } = this.#parts
    const fired = await Promise.all(jobs.map((job) => this.#fireOne(job, nowMs)))
    // Lets the runs reach their workers before waiting for the disk.
    await nextTurn()
    try {
      store.updateAll(fired.map(({ job }) => job).filter((job, n) => job !== jobs[n]))
      for (const { job, retryAtMs } of fired) timers.set(job, retryAtMs)
    } catch (error) {
      log.error({ err: error, jobs: jobs.length }, 'the next times of jobs could not be written; trying again')
      for (const job of jobs) timers.set(job, nowMs + retryPauseMs)
    }
  }

  async #fireOne(before: Job, nowMs: number): Promise<Fired> {
    try {
      const job = await this.#withoutRunsBeforeCrash(before, nowMs)
      return job.status === 'running' ? await this.#makeDueRuns(job, nowMs) : { job }
    } catch (error) {
      this.#parts.log.error({ err: error, job: before.id }, 'a due job failed; trying again')
      return { job: before, retryAtMs: nowMs + retryPauseMs }
    }
  }

  /** Skips runs that an earlier process accepted without writing the job's row before a crash. */
  async #withoutRunsBeforeCrash(before: Job, nowMs: number): Promise<Job> {
    const { ledger, patterns } = this.#parts
    let job = before
    for (;;) {
      const at = job.nextExecutionTime
      if (job.status !== 'running' || at === null || at >= this.#presentSinceMs) return job
      if ((await ledger.find(runId(job, at))) === null) return job
      job = afterRuns(job, 1, at, nextAfter(job, patterns, at), nowMs)
    }
  }

  async #makeDueRuns(job: Job, nowMs: number): Promise<Fired> {
    const heldSince = this.#heldBackSince.get(job.id)
    const presentSinceMs = Math.max(this.#presentSinceMs, nowMs - latenessMs)
    const due = dueRuns(job, this.#parts.patterns, { nowMs, presentSinceMs, heldBack: heldSince !== undefined })
    if (due.leftOutMs !== null) {
      this.#parts.log.warn({ job: job.id, missed: job.missed }, 'missed runs of a job are left out')
      this.#noteLeftOut(job, { atMs: due.leftOutMs, why: 'missed' })
    }
    let made = 0
    let lastMs = job.nextExecutionTime as number
    for (const atMs of due.times) {
      const result = await this.#makeRun(job, atMs, nowMs - (heldSince ?? nowMs))
      if (result === 'later') {
        this.#heldBackSince.set(job.id, heldSince ?? nowMs)
        const left = made === 0 ? job : afterRuns(job, made, lastMs, atMs, nowMs)
        return { job: left, retryAtMs: nowMs + retryPauseMs }
      }
      if (result === 'made') made++
      lastMs = atMs
    }
    this.#heldBackSince.delete(job.id)
    return { job: afterRuns(job, made, lastMs, due.nextMs, nowMs) }
  }

  async #makeRun(job: Job, atMs: number, heldMs: number): Promise<'made' | 'left_out' | 'later'> {
    const { targets, invocation, log } = this.#parts
    if (this.#turns.mustLeaveOut(job)) {
      log.info({ job: job.id, overlap: job.overlap }, 'a due run is left out: runs before it are unfinished')
      this.#noteLeftOut(job, { atMs, why: 'overlap' })
      return 'left_out'
    }
    let target: Target
    try {
      target = targets.resolveIn(job.projectId, job)
    } catch (error) {
      return this.#cannotRun(job, atMs, heldMs, error)
    }
    try {
      const after = job.overlap === 'queue' ? this.#turns.last(job.id) : undefined
      const { patterns, clock } = this.#parts
      const run = await invocation.accept(runOfJob(job, { atMs, nowMs: clock.now(), patterns }, target, after))
      if (!run.duplicate) this.#turns.take(job.id, run)
      return 'made'
    } catch (error) {
      log.warn({ job: job.id, err: error }, 'a due run could not be accepted; trying again')
      return 'later'
    }
  }

  #cannotRun(job: Job, atMs: number, heldMs: number, error: unknown): 'made' | 'later' {
    const { targets, invocation, log } = this.#parts
    const mayPass = !(error instanceof FaasError) || error.code === 'runtime_unavailable'
    if (mayPass && heldMs < runtimePatienceMs) return 'later'
    log.error({ job: job.id, err: error }, 'a due job has nothing to run')
    const functionId = targets.functionIdOf(job.projectId, job)
    if (functionId === null) return 'made'
    invocation.recordUntried(untriedRunOfJob(job, atMs, functionId), error)
    return 'made'
  }

  #targetOrNothing(job: Job): Target | undefined {
    try {
      return this.#parts.targets.resolveIn(job.projectId, job)
    } catch {
      return undefined
    }
  }
}
