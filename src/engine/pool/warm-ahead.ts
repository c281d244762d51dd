import type { Clock } from '../../domain/clock.ts'
import type { Revision } from '../../domain/platform/worker.ts'
import type { Eviction } from './eviction.ts'
import { type Groups, isOf } from './groups.ts'
import type { Pauses } from './pauses.ts'
import type { FunctionStatistics } from './policy/function-statistics.ts'
import type { WorkerScaling } from './scaling.ts'

export interface WarmAheadParts {
  clock: Clock
  groups: Groups
  room: Eviction
  supply: WorkerScaling
  pauses: Pauses
}

/** A worker is warmed this long before a job is due. */
const leadMs = 1500

/** Warms workers before an expected call: a job that is due, or the next of regular calls. */
export class WarmAhead {
  #parts: WarmAheadParts
  /** Calls that are due at a known time, and how to stop their timers. */
  #expected = new Map<() => void, Revision>()

  constructor(parts: WarmAheadParts) {
    this.#parts = parts
  }

  /** A worker should be warm in `inMs`: a job is due then. */
  expect(revision: Revision, inMs: number): void {
    const { clock, groups } = this.#parts
    const group = groups.of(revision)
    group.habits.arrivals.expect(clock.elapsed() + inMs)
    groups.removeIfEmpty(group)
    const stop = clock.after(Math.max(0, inMs - leadMs), () => {
      this.#expected.delete(stop)
      this.#warm(revision)
    })
    this.#expected.set(stop, revision)
  }

  /** The revisions of the version, or of all versions, are no longer current: later calls run another revision. */
  retire(functionId: string, version: number | null): void {
    for (const [stop, revision] of this.#expected) if (isOf(revision, functionId, version)) this.#drop(stop)
  }

  /** Starts workers of functions that lost their last worker to others and are called regularly enough. */
  look(): void {
    const { clock, groups } = this.#parts
    const now = clock.elapsed()
    for (const [habits, { revision, at }] of [...groups.absent]) if (at <= now) this.#lookAt(habits, revision, now)
  }

  close(): void {
    for (const stop of this.#expected.keys()) this.#drop(stop)
  }

  #drop(stop: () => void): void {
    stop()
    this.#expected.delete(stop)
  }

  #warm(revision: Revision): void {
    const { groups, supply, pauses } = this.#parts
    const group = groups.of(revision)
    if (group.idle().length + group.provisioning === 0 && group.room > 0) supply.provide(group, true)
    pauses.wakeAhead(group)
    groups.removeIfEmpty(group)
  }

  #lookAt(habits: FunctionStatistics, revision: Revision, now: number): void {
    const { groups, room, supply } = this.#parts
    const group = groups.of(revision)
    if (group.workers.size + group.provisioning > 0) return void groups.absent.delete(habits)
    const pauseMs = habits.pauseBeforeWarming(now, () => room.priceOf(group.bytes, group))
    if (pauseMs === null) return supply.provide(group, true)
    groups.absent.set(habits, { revision, at: now + pauseMs })
    groups.removeIfEmpty(group)
  }
}
