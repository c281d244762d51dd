import type { ColdReason } from '../domain/execution.ts'
import type { Revision } from '../domain/worker.ts'
import { WorkerGroup } from './worker-group.ts'

/** All groups of workers, and what is known of function versions beyond the life of a group. */
export class PoolGroups {
  #groups = new Map<string, WorkerGroup>()
  /** Revisions whose `min_workers` hold, by function and version. */
  #kept = new Map<string, Revision>()
  /** Why the last worker of a function version went. */
  #lastLeft = new Map<string, ColdReason>()

  all(): WorkerGroup[] {
    return [...this.#groups.values()]
  }

  /** The group that serves this revision from now on. */
  of(revision: Revision): WorkerGroup {
    let group = this.#groups.get(revision.key)
    if (group === undefined || group.retired) {
      group = new WorkerGroup(revision)
      this.#groups.set(revision.key, group)
    }
    group.revision = revision
    return group
  }

  drop(group: WorkerGroup): void {
    if (this.#groups.get(group.revision.key) === group) this.#groups.delete(group.revision.key)
  }

  keep(revision: Revision): void {
    if (revision.minWorkers === 0) this.#kept.delete(versionKey(revision))
    else this.#kept.set(versionKey(revision), revision)
  }

  minimum(group: WorkerGroup): number {
    return group.retired ? 0 : (this.#kept.get(versionKey(group.revision))?.minWorkers ?? 0)
  }

  noteLeft(group: WorkerGroup, why: ColdReason): void {
    this.#lastLeft.set(versionKey(group.revision), why)
  }

  lastLeft(group: WorkerGroup): ColdReason | null {
    return this.#lastLeft.get(versionKey(group.revision)) ?? null
  }
}

const versionKey = ({ functionId, functionVersion }: Revision): string => `${functionId}/${functionVersion}`
