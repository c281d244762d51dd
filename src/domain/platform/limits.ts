import { type LimitFacts, LimitReached } from '../errors.ts'
import { type Rate, TokenBuckets } from '../rate.ts'

/**
 * Limits of a project's or function's use of shared resources. One table for pool, queue, bodies, ledger and stores; each asks
 * `Shares`. Null: only the limits of the whole server apply.
 */
export const limitFacts = {
  running: 'running calls of its functions',
  rate: 'calls of its functions per second, with bursts of ten times this number',
  queued_runs: 'accepted runs that wait',
  queued_bytes: 'bytes of input of the runs that wait',
  worker_memory_mb: 'MiB of memory of its workers, those of min_workers included',
  starts: 'containers that are being started for it',
  bodies_bytes: 'bytes of its request bodies, uploads included, that are being received or processed',
  functions: 'functions',
  jobs: 'jobs that are not finished',
  webhooks: 'webhooks',
  sources: 'sources of events',
  aliases: 'aliases',
  secrets: 'secrets',
  access_keys: 'access keys',
  whisk_entities: 'packages, triggers and rules of OpenWhisk',
  packages: 'different packages of its functions and versions',
  package_bytes: 'bytes of these packages on the disk, unpacked, and of what builds keep for the next',
  gb_seconds_per_day: 'GB-seconds of its workers while calls run in them, a day (UTC)',
  record_bytes: 'bytes of the records of its executions; the oldest are removed beyond that',
} as const

export type LimitName = keyof typeof limitFacts
export const limitNames = Object.keys(limitFacts) as LimitName[]
export type ProjectLimits = Record<LimitName, number | null>

/** The limits that apply to a run: those of its function and its project. */
export interface LimitedRun {
  projectId: string
  functionId: string
  maxRunning: number | null
  maxRate: number | null
  maxGbSecondsPerDay: number | null
}

/** The limits of projects, for code that hands out shared resources. */
export interface Shares {
  limitOf(projectId: string, name: LimitName): number | null
  /** Begins a call and returns a function to call at its end. Null: no limit applies. Throws LimitReached. */
  enter(run: LimitedRun): (() => void) | null
  /** The same for a run that can wait; a number is the ms until the next check. */
  tryEnter(run: LimitedRun): (() => void) | null | number
  /** Throws LimitReached when the project already holds `used` and `more` would exceed the limit. */
  refuseMore(projectId: string, name: LimitName, used: number, more?: number): void
}

/** No limits per project or function. */
export const noShares: Shares = {
  limitOf: () => null,
  enter: () => null,
  tryEnter: () => null,
  refuseMore: () => {},
}

/** A burst may have as many calls as the rate allows in this many seconds. */
const burstSeconds = 10
export const rateOf = (perSecond: number): Rate => ({ perSecond, burst: Math.max(1, perSecond * burstSeconds) })

/** Pause before checking again for a run that waits for another's end. */
const runningPauseMs = 50

/** The call limits of a run, and their current use. Pure: see `admission`. */
export interface CallView {
  of: 'function' | 'project'
  running: number
  maxRunning: number | null
  maxRate: number | null
  /** Ms until the rate allows another call; 0: now. */
  rateWaitMs: number
}

/** The limit that refuses another call, if any: the function's first. Pure. */
export function admission(views: readonly CallView[]): { limit: LimitFacts; waitMs: number } | null {
  for (const { of, running, maxRunning, maxRate, rateWaitMs } of views) {
    const [runningName, rateName] = of === 'function' ? ['max_running', 'max_rate'] : ['running', 'rate']
    if (maxRunning !== null && running >= maxRunning) {
      return { limit: { name: runningName, of, value: maxRunning, used: running }, waitMs: runningPauseMs }
    }
    if (maxRate !== null && rateWaitMs > 0) {
      return { limit: { name: rateName, of, value: maxRate, used: null }, waitMs: rateWaitMs }
    }
  }
  return null
}

export function limitReached(limit: LimitFacts, waitMs = 1000): LimitReached {
  const whose = limit.of === 'function' ? 'This function' : 'This project'
  const used = limit.used === null ? '' : `, and ${limit.used} are used`
  const message = `${whose} has reached its limit ${limit.name}: ${limit.value}${used}; try again later.`
  return new LimitReached(limit, message, waitMs / 1000)
}

/** Counts and rates of calls, in memory, only where a limit exists. */
export class CallCounters {
  #running = new Map<string, number>()
  #rates = new TokenBuckets()

  view(of: CallView['of'], key: string, maxRunning: number | null, maxRate: number | null, nowMs: number): CallView {
    const rateWaitMs = maxRate === null ? 0 : this.#rates.peek(key, rateOf(maxRate), nowMs)
    return { of, running: this.#running.get(key) ?? 0, maxRunning, maxRate, rateWaitMs }
  }

  begin(key: string, maxRate: number | null, nowMs: number): void {
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1)
    if (maxRate !== null) this.#rates.take(key, rateOf(maxRate), nowMs)
  }

  end(key: string): void {
    const running = (this.#running.get(key) ?? 0) - 1
    if (running > 0) this.#running.set(key, running)
    else this.#running.delete(key)
  }
}

/** Limits of a project as the operator set them; a missing name has the default. */
export interface StoredLimits {
  projectId: string
  limits: Partial<ProjectLimits>
  updatedAt: number
}

export interface LimitStore {
  set(stored: StoredLimits): void
  list(): StoredLimits[]
}
