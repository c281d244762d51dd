import type { Clock } from '../domain/clock.ts'
import type { Log } from '../domain/runs/log.ts'
import type { Job, JobTimers } from '../domain/triggers/job.ts'
import { JobHeap } from './job-heap.ts'

export interface SchedulerParts {
  clock: Clock
  log: Log
  /** Lead time of `onSoon`. */
  leadMs?: number
}

export interface DueListener {
  /** Called once per tick with all due jobs. They have no timer until they are set again. */
  onDue(jobs: Job[], nowMs: number): void
  /** Called once per due time with jobs that are due within `leadMs`, so that workers can be warmed. */
  onSoon?(jobs: Job[]): void
  /** The wall clock was set back by `backMs`: jobs may have to be set again. */
  onSetBack?(backMs: number, nowMs: number): void
}

/** Longest interval between checks of the wall clock, because it may be set and machines sleep. */
const recheckMs = 30_000
/** Smaller differences come from a slewed clock. */
const leastStepMs = 1000
const defaultLeadMs = 30_000

/**
 * Keeps the next time of every running job in one heap with one timer: a tick costs what is due, not what exists. A job never
 * runs early: the wall clock decides, and a timer that fires a millisecond too soon is set again.
 */
export class Scheduler implements JobTimers {
  #clock: Clock
  #log: Log
  #leadMs: number
  #heap = new JobHeap()
  #listener: DueListener | undefined
  #cancelTimer: (() => void) | undefined
  /** Difference between wall clock and monotonic clock at the last check. */
  #aheadMs: number
  /** Wall time for which the timer is set. */
  #armedFor = Number.POSITIVE_INFINITY

  constructor(parts: SchedulerParts) {
    this.#clock = parts.clock
    this.#log = parts.log
    this.#leadMs = parts.leadMs ?? defaultLeadMs
    this.#aheadMs = this.#clock.now() - this.#clock.elapsed()
  }

  /** Number of jobs with a timer. */
  get size(): number {
    return this.#heap.size
  }

  /** Starts ticking. Jobs may be set before. */
  start(listener: DueListener): void {
    this.#listener = listener
    this.#arm()
  }

  set(job: Job, notBeforeMs = 0): void {
    if (job.status !== 'running' || job.nextExecutionTime === null) return this.clear(job.id)
    const dueMs = Math.max(job.nextExecutionTime, notBeforeMs)
    const wakeMs = this.#listener?.onSoon === undefined || notBeforeMs > 0 ? dueMs : dueMs - this.#leadMs
    this.#heap.set(job, dueMs, wakeMs)
    if (wakeMs < this.#armedFor) this.#arm()
  }

  /** The timer stays: it will find nothing due and look for the next job. */
  clear(jobId: string): void {
    this.#heap.delete(jobId)
  }

  /** No ticks happen after this. */
  close(): void {
    this.#listener = undefined
    this.#disarm()
    this.#heap.clear()
  }

  #tick(): void {
    this.#disarm()
    const nowMs = this.#clock.now()
    this.#noticeSetBack(nowMs)
    const { due, soon } = this.#take(nowMs)
    try {
      if (due.length > 0) this.#listener?.onDue(due, nowMs)
      if (soon.length > 0) this.#listener?.onSoon?.(soon)
    } catch (error) {
      this.#log.error({ err: error, jobs: due.length }, 'a tick of the scheduler failed')
    } finally {
      this.#arm()
    }
  }

  #noticeSetBack(nowMs: number): void {
    const aheadMs = nowMs - this.#clock.elapsed()
    const backMs = Math.round(this.#aheadMs - aheadMs)
    this.#aheadMs = aheadMs
    if (backMs < leastStepMs) return
    this.#log.warn({ backMs }, 'the clock was set back')
    try {
      this.#listener?.onSetBack?.(backMs, nowMs)
    } catch (error) {
      this.#log.error({ err: error }, 'jobs could not be set by the new time')
    }
  }

  #take(nowMs: number): { due: Job[]; soon: Job[] } {
    const due: Job[] = []
    const soon: Job[] = []
    for (let first = this.#heap.first(); first !== undefined && first.wakeMs <= nowMs; first = this.#heap.first()) {
      if (first.dueMs <= nowMs) {
        due.push(first.job)
        this.#heap.delete(first.job.id)
      } else {
        soon.push(first.job)
        this.#heap.set(first.job, first.dueMs, first.dueMs)
      }
    }
    return { due, soon }
  }

  #arm(): void {
    if (this.#listener === undefined) return
    const first = this.#heap.first()
    this.#disarm()
    if (first === undefined) return
    const waitMs = Math.max(0, first.wakeMs - this.#clock.now())
    this.#armedFor = first.wakeMs
    this.#cancelTimer = this.#clock.after(Math.min(waitMs, recheckMs), () => this.#tick())
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
  }
}
