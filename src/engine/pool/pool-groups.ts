import type { ColdReason } from '../../domain/execution.ts'
import type { Revision } from '../../domain/worker.ts'
import { Habits } from './policy/habits.ts'
import { WorkerGroup } from './worker-group.ts'

/** Function versions whose habits are remembered; beyond, the one called first is forgotten. Each takes about 1 kB. */
const rememberedVersions = 10_000

/** All groups of workers, and what is known of function versions beyond the life of a group. */
export class PoolGroups {
  #all = new Set<WorkerGroup>()
  /** Those that serve new calls, by the revision's key. */
  #current = new Map<string, WorkerGroup>()
  /** Revisions whose `min_workers` hold, by function and version. */
  #kept = new Map<string, Revision>()
  /** Why the last worker of a function version went. */
  #lastLeft = new Map<string, ColdReason>()
  #habits = new Map<string, Habits>()

  /** Also retired ones, until their last worker has gone. */
  all(): WorkerGroup[] {
    return [...this.#all]
  }

  /** The group that serves this revision from now on. */
  of(revision: Revision): WorkerGroup {
    let group = this.#current.get(revision.key)
    if (group === undefined || group.retired) {
      group = new WorkerGroup(revision, this.#habitsOf(revision))
      this.#current.set(revision.key, group)
      this.#all.add(group)
    }
    group.revision = revision
    group.habits.revision = revision
    return group
  }

  /** Forgets the group if nothing is left of it, and nothing is to come. True when it did. */
  tidy(group: WorkerGroup): boolean {
    if (!group.isEmpty || this.minimum(group) > 0) return false
    group.stopTimers()
    this.#all.delete(group)
    if (this.#current.get(group.revision.key) === group) this.#current.delete(group.revision.key)
    return true
  }

  keep(revision: Revision): void {
    if (revision.minWorkers === 0) this.#kept.delete(versionKey(revision))
    else this.#kept.set(versionKey(revision), revision)
  }

  /** The groups of a function, or of one version, take no new calls any more. Returns them. */
  retire(functionId: string, version: number | null): WorkerGroup[] {
    const retired = this.all().filter((group) => isOf(group.revision, functionId, version))
    for (const group of retired) group.retired = true
    return retired
  }

  /** There is newer code: the bounds of the old are void. */
  unkeep(functionId: string, version: number | null): void {
    for (const [key, revision] of this.#kept) if (isOf(revision, functionId, version)) this.#kept.delete(key)
  }

  minimum(group: WorkerGroup): number {
    return group.retired ? 0 : (this.#kept.get(versionKey(group.revision))?.minWorkers ?? 0)
  }

  /** Calls that share a worker make for other habits. */
  #habitsOf(revision: Revision): Habits {
    const key = `${versionKey(revision)}/${revision.concurrency}`
    let habits = this.#habits.get(key)
    if (habits === undefined) {
      habits = new Habits(revision)
      this.#habits.set(key, habits)
      const [oldest] = this.#habits.keys()
      if (this.#habits.size > rememberedVersions && oldest !== undefined) this.#habits.delete(oldest)
    }
    return habits
  }

  noteLeft(group: WorkerGroup, why: ColdReason): void {
    this.#lastLeft.set(versionKey(group.revision), why)
  }

  lastLeft(group: WorkerGroup): ColdReason | null {
    return this.#lastLeft.get(versionKey(group.revision)) ?? null
  }
}

/** Whether it is a revision of this function, and of this version if one is named. */
export const isOf = (revision: Revision, functionId: string, version: number | null): boolean =>
  revision.functionId === functionId && (version === null || revision.functionVersion === version)

const versionKey = ({ functionId, functionVersion }: Revision): string => `${functionId}/${functionVersion}`
