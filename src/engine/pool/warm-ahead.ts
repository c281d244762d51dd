import type { Clock } from '../../domain/clock.ts'
import type { ColdReason } from '../../domain/execution.ts'
import type { Habits } from './policy/habits.ts'
import { isWorthWarming } from './policy/pool-policy.ts'
import { isOf, type PoolGroups } from './pool-groups.ts'
import type { PoolMemory } from './pool-memory.ts'
import type { WorkerGroup } from './worker-group.ts'

export interface WarmAheadParts {
  clock: Clock
  groups: PoolGroups
  memory: PoolMemory
  /** A worker of the group, although nobody calls. */
  provide(group: WorkerGroup): void
}

/** Looked at once a second: a worker has to be there by the second look before its call. */
const leadMs = 2000
const shortestPauseMs = 1000

/** Functions that lost their last worker to others, and are called as regularly that one can be there before the next call. */
export class WarmAhead {
  #parts: WarmAheadParts
  /** When to look at them next. */
  #absent = new Map<Habits, number>()

  constructor(parts: WarmAheadParts) {
    this.#parts = parts
  }

  /** The group's last worker went. What was to go after a time comes back for regular calls only. */
  noteLeft(group: WorkerGroup, why: ColdReason): void {
    const now = this.#parts.clock.elapsed()
    const mayReturn = why === 'evicted' || (why === 'expired' && group.habits.arrivals.due(now) !== null)
    if (mayReturn && !group.retired) this.#absent.set(group.habits, now)
  }

  /** The revision is not current any more. */
  retire(functionId: string, version: number | null): void {
    for (const habits of this.#absent.keys()) {
      if (isOf(habits.revision, functionId, version)) this.#absent.delete(habits)
    }
  }

  look(): void {
    const now = this.#parts.clock.elapsed()
    for (const [habits, at] of this.#absent) if (at <= now) this.#lookAt(habits, now)
  }

  #lookAt(habits: Habits, now: number): void {
    const { groups, memory, provide } = this.#parts
    const group = groups.of(habits.revision)
    const outlook = habits.arrivals.outlook(1, now + habits.coldMs + leadMs)
    const view = { probability: outlook.probability, savedMs: habits.coldMs, worth: habits.worthOf(outlook) }
    if (group.slots.size + group.provisioning > 0) this.#absent.delete(habits)
    else if (outlook.earlyMs > 0) this.#absent.set(habits, now + Math.max(shortestPauseMs, outlook.earlyMs))
    else if (isWorthWarming({ ...view, price: memory.priceOf(habits.revision.memoryBytes, group) })) provide(group)
    else this.#absent.set(habits, now + Math.max(shortestPauseMs, outlook.holdsMs))
    groups.tidy(group)
  }
}
