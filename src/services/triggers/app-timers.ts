import { type AppFunction, type AppJobs, functionsOf, inputFor, timersIn } from '../../domain/functions/app-function.ts'
import type { Fn } from '../../domain/functions/function.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { type CronPatterns, isUnfinished, type Job, type JobStore } from '../../domain/triggers/job.ts'
import type { Jobs } from './jobs.ts'

export interface AppTimersParts {
  store: Pick<JobStore, 'list'>
  jobs: Pick<Jobs, 'create' | 'remove'>
  patterns: Pick<CronPatterns, 'check'>
  shares: Pick<Shares, 'refuseMore'>
}

/** Timers of apps are jobs, which are created and deleted to match the package. */
export class AppTimers implements AppJobs {
  #store: Pick<JobStore, 'list'>
  #jobs: Pick<Jobs, 'create' | 'remove'>
  #patterns: Pick<CronPatterns, 'check'>
  #shares: Pick<Shares, 'refuseMore'>

  constructor({ store, jobs, patterns, shares }: AppTimersParts) {
    this.#shares = shares
    this.#store = store
    this.#jobs = jobs
    this.#patterns = patterns
  }

  check(fn: Fn, functions: AppFunction[]): void {
    const wanted = timersIn(functions)
    for (const { pattern } of wanted) this.#patterns.check(pattern, 'UTC')
    const others = this.#store.list(fn.projectId).filter((job) => isUnfinished(job) && job.functionId !== fn.id)
    if (wanted.length > 0)
      this.#shares.refuseMore(fn.projectId, 'jobs', others.length + this.#ownBeside(fn), wanted.length)
  }

  /** Jobs of the app that were not made from its timers; they stay. */
  #ownBeside(fn: Fn): number {
    const own = this.#store.list(fn.projectId).filter((job) => isUnfinished(job) && job.functionId === fn.id)
    return own.length - this.#jobsOf(fn).length
  }

  idsOf(fn: Fn): Set<string> {
    return new Set(this.#jobsOf(fn).map(({ id }) => id))
  }

  async follow(who: Principal, before: Fn | null, fn: Fn): Promise<void> {
    const there = before === null ? [] : this.#jobsOf(before)
    const wanted = timersIn(functionsOf(fn))
    const isKept = (job: Job) =>
      wanted.some(({ pattern, input }) => input === job.functionInput && pattern === job.pattern)
    for (const job of there) if (!isKept(job)) await this.#jobs.remove(job.id)
    const kept = new Set(there.filter(isKept).map(({ functionInput }) => functionInput))
    // The function's project owns them, even when an admin of another project deploys it.
    const owner = { ...who, projectId: fn.projectId }
    for (const { name, pattern, input } of wanted) {
      if (kept.has(input)) continue
      this.#jobs.create(owner, {
        functionId: fn.id,
        name,
        pattern,
        functionInput: input,
        overlap: 'skip',
        missed: 'skip',
      })
    }
  }

  #jobsOf(fn: Fn): Job[] {
    const inputs = new Set(functionsOf(fn).map(({ name }) => inputFor(name)))
    if (inputs.size === 0) return []
    return this.#store
      .list(fn.projectId)
      .filter((job) => job.functionId === fn.id && isUnfinished(job) && inputs.has(job.functionInput ?? ''))
  }
}
