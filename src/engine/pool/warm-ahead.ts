import type { Clock } from '../../domain/clock.ts'
import type { Groups } from './groups.ts'
import type { Habits } from './policy/habits.ts'
import type { Room } from './room.ts'
import type { WorkerGroup } from './worker-group.ts'

export interface WarmAheadParts {
  clock: Clock
  groups: Groups
  room: Room
}

/** Functions that lost their last worker to others, and are called as regularly that one can be there before the next call. */
export class WarmAhead {
  #parts: WarmAheadParts

  constructor(parts: WarmAheadParts) {
    this.#parts = parts
  }

  /** The groups that should have a worker now, although nobody calls. */
  due(): WorkerGroup[] {
    const now = this.#parts.clock.elapsed()
    const toLookAt = [...this.#parts.groups.absent].filter(([, at]) => at <= now)
    return toLookAt.flatMap(([habits]) => this.#lookAt(habits, now) ?? [])
  }

  #lookAt(habits: Habits, now: number): WorkerGroup | null {
    const { groups, room } = this.#parts
    const group = groups.of(habits.revision)
    if (group.workers.size + group.provisioning > 0) {
      groups.absent.delete(habits)
      return null
    }
    const pauseMs = habits.pauseBeforeWarming(now, () => room.priceOf(group.bytes, group))
    if (pauseMs === null) return group
    groups.absent.set(habits, now + pauseMs)
    groups.tidy(group)
    return null
  }
}
