import type { Clock } from '../../domain/clock.ts'
import {
  admission,
  CallCounters,
  type LimitedRun,
  type LimitName,
  type LimitStore,
  limitNames,
  limitReached,
  type ProjectLimits,
  type Shares,
} from '../../domain/platform/limits.ts'

export interface SharesParts {
  store: LimitStore
  clock: Clock
  /** Limits of projects without limits of their own. */
  defaults: Partial<ProjectLimits>
  /** Today's use of a project or function, and the time until the day ends; absent: use is not metered. */
  today?(projectId: string, functionId?: string): { busyGbSeconds: number; leftMs: number }
}

/** The limits of projects, in memory, and the current use of those that apply to calls. */
export class ProjectShares implements Shares {
  #parts: SharesParts
  #defaults: ProjectLimits
  /** Limits of single projects. */
  #own = new Map<string, ProjectLimits>()
  #counters = new CallCounters()

  constructor(parts: SharesParts) {
    this.#parts = parts
    this.#defaults = whole(parts.defaults, noLimits)
    for (const { projectId, limits } of parts.store.list()) this.#own.set(projectId, whole(limits, this.#defaults))
  }

  of(projectId: string): ProjectLimits {
    return this.#own.get(projectId) ?? this.#defaults
  }

  limitOf(projectId: string, name: LimitName): number | null {
    return this.of(projectId)[name]
  }

  /** Replaces a project's own limits; a missing or undefined name returns to the default. */
  set(projectId: string, limits: Partial<ProjectLimits>): void {
    const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
    this.#parts.store.set({ projectId, limits: given, updatedAt: this.#parts.clock.now() })
    this.#own.set(projectId, whole(given, this.#defaults))
  }

  /** Costs one lookup for projects without limits. */
  enter(run: LimitedRun): (() => void) | null {
    const project = this.#own.get(run.projectId) ?? this.#defaults
    if (isUnlimited(run, project)) return null
    const refused = this.#refusal(run, project)
    if (refused !== null) throw limitReached(refused.limit, refused.waitMs)
    return this.#begin(run, project)
  }

  tryEnter(run: LimitedRun): (() => void) | null | number {
    const project = this.of(run.projectId)
    if (isUnlimited(run, project)) return null
    const refused = this.#refusal(run, project)
    return refused === null ? this.#begin(run, project) : refused.waitMs
  }

  refuseMore(projectId: string, name: LimitName, used: number, more = 1): void {
    const value = this.limitOf(projectId, name)
    if (value !== null && used + more > value) throw limitReached({ name, of: 'project', value, used })
  }

  #refusal({ projectId, functionId, maxRunning, maxRate, maxGbSecondsPerDay }: LimitedRun, project: ProjectLimits) {
    const spent =
      this.#spent(maxGbSecondsPerDay, projectId, functionId) ?? this.#spent(project.gb_seconds_per_day, projectId)
    if (spent !== null) return spent
    const now = this.#parts.clock.elapsed()
    return admission([
      this.#counters.view('function', functionId, maxRunning, maxRate, now),
      this.#counters.view('project', projectId, project.running, project.rate, now),
    ])
  }

  /** The refusal for a spent daily budget: of the function if one is named, else of the project. */
  #spent(value: number | null, projectId: string, functionId?: string): ReturnType<typeof admission> {
    if (value === null || this.#parts.today === undefined) return null
    const { busyGbSeconds, leftMs } = this.#parts.today(projectId, functionId)
    if (busyGbSeconds < value) return null
    const used = Math.round(busyGbSeconds * 1000) / 1000
    const [name, of] =
      functionId === undefined
        ? (['gb_seconds_per_day', 'project'] as const)
        : (['max_gb_seconds_per_day', 'function'] as const)
    return { limit: { name, of, value, used }, waitMs: leftMs }
  }

  #begin({ projectId, functionId, maxRate }: LimitedRun, project: ProjectLimits): () => void {
    const now = this.#parts.clock.elapsed()
    this.#counters.begin(functionId, maxRate, now)
    this.#counters.begin(projectId, project.rate, now)
    return () => {
      this.#counters.end(functionId)
      this.#counters.end(projectId)
    }
  }
}

const isUnlimited = ({ maxRunning, maxRate, maxGbSecondsPerDay }: LimitedRun, project: ProjectLimits): boolean =>
  maxRunning === null &&
  maxGbSecondsPerDay === null &&
  maxRate === null &&
  project.running === null &&
  project.rate === null &&
  project.gb_seconds_per_day === null

const noLimits = Object.fromEntries(limitNames.map((name) => [name, null])) as ProjectLimits

const whole = (given: Partial<ProjectLimits>, defaults: ProjectLimits): ProjectLimits => ({ ...defaults, ...given })
