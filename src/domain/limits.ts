import { LimitReached, type MetLimit } from './errors.ts'
import { type Rate, TokenBuckets } from './rate.ts'

/**
 * What one project, or one function, may take of what all share. One table for pool, queue, bodies, ledger and stores; each
 * asks `Shares`. Null: no limit of its own, only those of the whole server.
 */
export const limitFacts = {
  running: 'calls of its functions at work at once',
  rate: 'calls of its functions a second, ten times as many at once',
  queued_runs: 'accepted runs that wait',
  queued_bytes: 'bytes of input of the runs that wait',
  worker_memory_mb: 'MiB of memory of its workers, those of min_workers included',
  starts: 'containers being started for it at once',
  bodies_bytes: 'bytes of its request bodies, uploads among them, that are being received or at work',
  functions: 'functions',
  jobs: 'jobs that are not finished',
  webhooks: 'webhooks',
  whisk_entities: 'packages, triggers and rules of OpenWhisk',
  packages: 'different packages of its functions and versions',
  package_bytes: 'bytes of these packages on the disk, unpacked, and of what builds keep for the next',
  gb_seconds_per_day: 'GB-seconds of its workers while calls run in them, a day (UTC)',
  record_bytes: 'bytes of the records of its executions; the oldest are removed beyond',
} as const

export type LimitName = keyof typeof limitFacts
export const limitNames = Object.keys(limitFacts) as LimitName[]
export type ProjectLimits = Record<LimitName, number | null>

/** Limits of calls that the run of a function meets: its own, and those of its project. */
export interface LimitedRun {
  projectId: string
  functionId: string
  maxRunning: number | null
  maxRate: number | null
  maxGbSecondsPerDay: number | null
}

/** Asked by whoever gives out something that projects share. */
export interface Shares {
  limitOf(projectId: string, name: LimitName): number | null
  /** A call begins: what it returns is called at its end. Null: nothing limits it. Throws LimitReached. */
  enter(run: LimitedRun): (() => void) | null
  /** The same for a run that may wait; a number: ms until it may be worth asking again. */
  tryEnter(run: LimitedRun): (() => void) | null | number
  /** Throws LimitReached when the project holds `used` and that and `more` are too much. */
  refuseMore(projectId: string, name: LimitName, used: number, more?: number): void
}

/** Nothing is limited by project or function. */
export const noShares: Shares = {
  limitOf: () => null,
  enter: () => null,
  tryEnter: () => null,
  refuseMore: () => {},
}

/** Seconds' worth of calls that may come at once. */
const burstSeconds = 10
export const rateOf = (perSecond: number): Rate => ({ perSecond, burst: Math.max(1, perSecond * burstSeconds) })

/** How soon a run that waits for another's end is asked again. */
const runningPauseMs = 50

/** The limits of calls that hold for one run, and what is used of each. Pure: see `admission`. */
export interface CallView {
  of: 'function' | 'project'
  running: number
  maxRunning: number | null
  maxRate: number | null
  /** Ms until the rate allows one more; 0: now. */
  rateWaitMs: number
}

/** The limit that is in the way of one more call, if one is: of the function first. Pure. */
export function admission(views: readonly CallView[]): { limit: MetLimit; waitMs: number } | null {
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

export function limitReached(limit: MetLimit, waitMs = 1000): LimitReached {
  const whose = limit.of === 'function' ? 'This function' : 'This project'
  const used = limit.used === null ? '' : `, and ${limit.used} are used`
  const message = `${whose} has reached its limit ${limit.name}: ${limit.value}${used}; try again later.`
  return new LimitReached(limit, message, waitMs / 1000)
}

/** Counts and rates of calls, in memory: only of those that have a limit. */
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

/** Limits of a project as the operator has set them; a name that is missing has the default. */
export interface StoredLimits {
  projectId: string
  limits: Partial<ProjectLimits>
  updatedAt: number
}

export interface LimitStore {
  set(stored: StoredLimits): void
  list(): StoredLimits[]
}
