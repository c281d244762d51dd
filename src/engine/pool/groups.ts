import type { Revision } from '../../domain/platform/worker.ts'
import type { ColdReason } from '../../domain/runs/start-kind.ts'
import type { MemoryQueue } from './memory-queue.ts'
import { ConcurrencyLimit } from './policy/concurrency-limit.ts'
import { FunctionStatistics } from './policy/function-statistics.ts'
import { protectedWorkers } from './policy/pool-policy.ts'
import { WorkerGroup } from './worker-group.ts'

/**
 * Number of function versions whose habits are kept; beyond it, the one called longest ago is removed. Each takes about 1 kB.
 */
const rememberedVersions = 10_000

/** All groups of workers, and the statistics of function versions that outlive a group. */
export class Groups {
  #all = new Set<WorkerGroup>()
  /** Groups that serve new calls, by the revision's key. */
  #current = new Map<string, WorkerGroup>()
  /** Revisions with `min_workers`, by function and version. */
  #kept = new Map<string, Revision>()
  /** Why the last worker of a function version ended. */
  #lastLeft = new Map<string, ColdReason>()
  #habits = new Map<string, FunctionStatistics>()
  /**
   * Functions that lost their last worker although they may be called again soon: its revision, and the time of the next check. The
   * revision of the habits may be one that was only tried.
   */
  readonly absent = new Map<FunctionStatistics, { revision: Revision; at: number }>()
  /** Number of workers of a function version that must not be evicted. */
  #protected = new Map<string, number>()
  #limitBytes: () => number
  #line: MemoryQueue
  #processors: () => number

  /**
   * `limitBytes`: memory limit of all workers together. `line`: the memory queue that a forgotten group leaves. `processors`:
   * number of processors that workers run on.
   */
  constructor(limitBytes: () => number, line: MemoryQueue, processors: () => number) {
    this.#processors = processors
    this.#limitBytes = limitBytes
    this.#line = line
  }

  /** All groups, including retired ones until their last worker has gone. */
  all(): WorkerGroup[] {
    return [...this.#all]
  }

  /** The group that serves this revision. */
  of(revision: Revision): WorkerGroup {
    let group = this.#current.get(revision.key)
    if (group === undefined || group.retired) {
      group = new WorkerGroup(
        revision,
        this.#habitsOf(revision),
        new ConcurrencyLimit(this.#processors(), revision.cpuMaxMillicpu),
      )
      this.#current.set(revision.key, group)
      this.#all.add(group)
    }
    group.revision = revision
    group.habits.revision = revision
    return group
  }

  /** Forgets the group when it has no workers, no calls and no starts. */
  removeIfEmpty(group: WorkerGroup): void {
    if (!group.isEmpty || this.minimum(group) > 0) return
    this.#line.delete(group)
    group.stopTimers()
    this.#all.delete(group)
    if (this.#current.get(group.revision.key) === group) this.#current.delete(group.revision.key)
  }

  setMinimum(revision: Revision): void {
    if (revision.minWorkers === 0) this.#kept.delete(versionKey(revision))
    else this.#kept.set(versionKey(revision), revision)
    this.#protect()
  }

  /** Retires the groups of a function, or of one version, except the group of the key `next`: they take no new calls. Returns them. */
  retire(functionId: string, version: number | null, next?: string): WorkerGroup[] {
    for (const [habits, { revision }] of this.absent) {
      if (isOf(revision, functionId, version)) this.absent.delete(habits)
    }
    return this.#retired(({ revision }) => isOf(revision, functionId, version) && revision.key !== next)
  }

  /** Retires the groups of one key. Returns them. */
  discard(key: string): WorkerGroup[] {
    return this.#retired(({ revision }) => revision.key === key)
  }

  #retired(matches: (group: WorkerGroup) => boolean): WorkerGroup[] {
    const retired = this.all().filter(matches)
    for (const group of retired) group.retired = true
    return retired
  }

  /** Newer code was deployed: the minimum of the old revisions is void. */
  forgetMinimum(functionId: string, version: number | null): void {
    for (const [key, revision] of this.#kept) if (isOf(revision, functionId, version)) this.#kept.delete(key)
    this.#protect()
  }

  minimum(group: WorkerGroup): number {
    return group.retired ? 0 : (this.#kept.get(versionKey(group.revision))?.minWorkers ?? 0)
  }

  /** Number of its workers that must not be evicted: its minimum, limited by its project's share. */
  protected(group: WorkerGroup): number {
    return group.retired ? 0 : (this.#protected.get(versionKey(group.revision)) ?? 0)
  }

  /** Memory of the workers on a machine that must not be evicted, or may be among those. */
  protectedBytesAt(machine: string): number {
    if (this.#protected.size === 0) return 0
    const stay = (group: WorkerGroup) => Math.min(group.serving, this.protected(group), group.likeAt(machine))
    return this.all().reduce((sum, group) => sum + stay(group) * group.bytes, 0)
  }

  /** The memory limit has changed. */
  noteLimit(): void {
    this.#protect()
  }

  #protect(): void {
    const kept = [...this.#kept.values()]
    const numbers = protectedWorkers(kept, this.#limitBytes())
    this.#protected = new Map(kept.map((revision, at) => [versionKey(revision), numbers[at] ?? 0]))
  }

  /** Statistics are per concurrency setting: calls that share a worker need fewer of them. */
  #habitsOf(revision: Revision): FunctionStatistics {
    const key = `${versionKey(revision)}/${revision.concurrency}`
    let habits = this.#habits.get(key)
    if (habits === undefined) {
      habits = new FunctionStatistics(revision)
      this.#habits.set(key, habits)
      const [oldest] = this.#habits.keys()
      if (this.#habits.size > rememberedVersions && oldest !== undefined) this.#habits.delete(oldest)
    }
    return habits
  }

  /** Notes that a worker ended. When it was the last one and others needed its memory, it may be worth starting again. */
  noteLeft(group: WorkerGroup, why: ColdReason, now: number): void {
    this.#lastLeft.set(versionKey(group.revision), why)
    if (group.serving > 0 || group.retired) return
    // After an idle timeout, only regular calls justify a new worker.
    if (why === 'evicted' || (why === 'expired' && group.habits.arrivals.due(now) !== null)) {
      this.absent.set(group.habits, { revision: group.revision, at: now })
    }
  }

  lastLeft(group: WorkerGroup): ColdReason | null {
    return this.#lastLeft.get(versionKey(group.revision)) ?? null
  }
}

/** Whether the revision belongs to this function, and to this version if one is named. */
export const isOf = (revision: Revision, functionId: string, version: number | null): boolean =>
  revision.functionId === functionId && (version === null || revision.functionVersion === version)

const versionKey = ({ functionId, functionVersion }: Revision): string => `${functionId}/${functionVersion}`
