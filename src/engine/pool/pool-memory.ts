import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { ColdReason } from '../../domain/execution.ts'
import type { GenericWorkers } from './generic-workers.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { chooseEvictions, type Evictable, isWorthWarming, shouldYield, type Waiting } from './policy/pool-policy.ts'
import type { PoolGroups } from './pool-groups.ts'
import type { Slot, WorkerGroup } from './worker-group.ts'

export interface PoolMemoryParts {
  clock: Clock
  budget: MemoryBudget
  groups: PoolGroups
  generic: GenericWorkers
  /** Takes an idle worker out of its group and ends it. */
  leave(group: WorkerGroup, slot: Slot, why: ColdReason): void
  /** Called when a group that found no room may find some now. */
  provideFor(group: WorkerGroup): void
}

interface Spare extends Evictable {
  evict(): void
}

/** A command image's run that waits for memory. */
interface RoomWaiter {
  bytes: number
  since: number
  resolve(): void
  reject(error: unknown): void
}

interface Starved extends Waiting {
  bytes: number
  /** Null: a command image's run. */
  group: WorkerGroup | null
  tryAgain(): void
}

/**
 * Who gets the memory: makes room by evicting what is idle, and remembers who found none. Who has nothing and waits
 * longest comes first: until it fits, others start nothing more.
 */
export class PoolMemory {
  #parts: PoolMemoryParts
  /** Groups that found no memory for a worker. */
  #starved = new Set<WorkerGroup>()
  #roomWaiters = new Set<RoomWaiter>()
  #willLookAgain = false

  constructor(parts: PoolMemoryParts) {
    this.#parts = parts
  }

  /** What was never free cannot become so. */
  couldHold(bytes: number): boolean {
    return bytes <= this.#parts.budget.limitBytes
  }

  /** What those are worth that would make room for so many bytes, per byte of them; 0 while there is room. */
  priceOf(bytes: number, group: WorkerGroup | null): number {
    const missing = bytes - this.#parts.budget.freeBytes
    if (missing <= 0) return 0
    const chosen = chooseEvictions(missing, this.#spare(group))
    if (chosen === null) return Number.POSITIVE_INFINITY
    return chosen.reduce((sum, { worth, memoryBytes }) => sum + worth * memoryBytes, 0) / bytes
  }

  /** Reserves for a worker of the group, evicting idle ones of others if that is what it takes; false when even that is not enough. */
  makeRoom(bytes: number, group: WorkerGroup): boolean {
    if (bytes <= 0) {
      this.giveBack(-bytes)
      return true
    }
    return !this.#isBehind(sinceOf(group), group) && this.#reserve(bytes, group)
  }

  /** Reserves so much for a command image's run. Throws FaasError `no_worker` when it waits too long. */
  async room(bytes: number, limits: { maxWaiting: number; timeoutMs: number }): Promise<void> {
    const since = this.#parts.clock.elapsed()
    if (!this.#isBehind(since, null) && this.#reserve(bytes, null)) return
    if (this.#roomWaiters.size >= limits.maxWaiting) {
      throw new FaasError(
        'no_worker',
        `${this.#roomWaiters.size} runs of images wait for memory already; try again later.`,
      )
    }
    await this.#waitForRoom(bytes, since, limits.timeoutMs)
  }

  /** Whoever waits for room is told so. */
  refuseRoom(error: unknown): void {
    for (const waiter of this.#roomWaiters) waiter.reject(error)
    this.#roomWaiters.clear()
  }

  /** For work ahead: nothing while somebody waits for memory, and of others only what is worth clearly less to them. */
  reserveAhead(bytes: number, gain: { worth: number; savedMs: number }): boolean {
    if (this.#starved.size + this.#roomWaiters.size > 0) return false
    if (this.#parts.budget.reserve(bytes)) return true
    // Most often there is nothing to gain, and what others are worth is not asked.
    if (gain.worth === 0) return false
    return isWorthWarming({ probability: 1, ...gain, price: this.priceOf(bytes, null) }) && this.#reserve(bytes, null)
  }

  giveBack(bytes: number): void {
    if (bytes === 0) return
    this.#parts.budget.giveBack(bytes)
    this.lookAgain()
  }

  /** The memory of a worker that goes: others may have it at once. */
  letGo(slot: Slot): void {
    this.giveBack(slot.heldBytes)
    slot.heldBytes = 0
  }

  /** It found no room: it is asked again when memory comes free. */
  starve(group: WorkerGroup): void {
    this.#starved.add(group)
  }

  isStarved(group: WorkerGroup): boolean {
    return this.#starved.has(group)
  }

  forget(group: WorkerGroup): void {
    this.#starved.delete(group)
  }

  /** A worker is idle: whoever found no room may evict it. */
  noteIdle(): void {
    if (this.#starved.size + this.#roomWaiters.size > 0) this.lookAgain()
  }

  /** Whether an idle worker should go for somebody who has nothing and waits longer than its own calls. */
  shouldYield(group: WorkerGroup): boolean {
    if (this.#starved.size + this.#roomWaiters.size === 0) return false
    const starved = this.#first(group)
    if (starved === null || group.serving <= this.#parts.groups.minimum(group)) return false
    const own = group.waiters[0] === undefined ? null : { since: group.waiters[0].since, hasNothing: false }
    return shouldYield(own, starved)
  }

  /** Memory came free, or may have: those without are asked again, then work ahead goes on. */
  lookAgain(): void {
    if (this.#willLookAgain) return
    this.#willLookAgain = true
    setImmediate(() => {
      this.#willLookAgain = false
      for (const starved of this.#inOrder()) starved.tryAgain()
      this.#parts.generic.refillAll()
    })
  }

  #reserve(bytes: number, group: WorkerGroup | null): boolean {
    const { budget } = this.#parts
    if (budget.reserve(bytes)) return true
    const spare = this.#spare(group)
    const chosen = chooseEvictions(bytes - budget.freeBytes, spare)
    if (chosen === null) return false
    for (const each of chosen) each.evict()
    return budget.reserve(bytes)
  }

  #waitForRoom(bytes: number, since: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopTimer = this.#parts.clock.after(timeoutMs, () => {
        this.#roomWaiters.delete(waiter)
        this.lookAgain()
        reject(new FaasError('no_worker', `No memory came free within ${timeoutMs / 1000} s.`))
      })
      const settle = <T>(how: (value: T) => void) => {
        return (value: T) => {
          stopTimer()
          how(value)
        }
      }
      const waiter: RoomWaiter = { bytes, since, resolve: settle(resolve), reject: settle(reject) }
      this.#roomWaiters.add(waiter)
    })
  }

  // --- whose turn it is

  /** Everybody who found no room: first those that have nothing, longest waiting first. */
  #inOrder(): Starved[] {
    const groups = [...this.#starved].map((group) => this.#starvedGroup(group))
    const runs = [...this.#roomWaiters].map((waiter) => this.#starvedRun(waiter))
    return [...groups, ...runs].sort((a, b) => Number(b.hasNothing) - Number(a.hasNothing) || a.since - b.since)
  }

  #starvedGroup(group: WorkerGroup): Starved {
    const hasNothing = group.waiters.length > 0 && group.slots.size + group.provisioning === 0
    const tryAgain = () => {
      this.#starved.delete(group)
      this.#parts.provideFor(group)
    }
    return { group, bytes: group.revision.memoryBytes, since: sinceOf(group), hasNothing, tryAgain }
  }

  #starvedRun(waiter: RoomWaiter): Starved {
    const tryAgain = () => {
      if (this.#isBehind(waiter.since, null) || !this.#reserve(waiter.bytes, null)) return
      this.#roomWaiters.delete(waiter)
      waiter.resolve()
    }
    return { group: null, bytes: waiter.bytes, since: waiter.since, hasNothing: true, tryAgain }
  }

  /** Who has nothing and has waited longest; those that cannot fit beside the minimum of others hold nobody up. */
  #first(except: WorkerGroup | null): Starved | null {
    let first: Starved | null = null
    const room = this.#parts.budget.limitBytes - this.#pinnedBytes()
    for (const starved of this.#inOrder()) {
      if (!starved.hasNothing || (starved.group === except && except !== null) || starved.bytes > room) continue
      if (first === null || starved.since < first.since) first = starved
    }
    return first
  }

  #isBehind(since: number, group: WorkerGroup | null): boolean {
    if (this.#starved.size + this.#roomWaiters.size === 0) return false
    const first = this.#first(group)
    return first !== null && first.since < since
  }

  /** Held by workers that are not evicted because their function wants so many. */
  #pinnedBytes(): number {
    const { groups } = this.#parts
    return groups
      .all()
      .reduce((sum, group) => sum + Math.min(group.serving, groups.minimum(group)) * group.revision.memoryBytes, 0)
  }

  // --- what may go

  /** Idle workers of other groups above their minimum, and generic ones. */
  #spare(except: WorkerGroup | null): Spare[] {
    const { groups, generic } = this.#parts
    const bound = groups.all().flatMap((group) => (group === except ? [] : this.#spareOf(group)))
    const unbound = generic.spare().map(({ worker, shape, worth }) => ({
      name: worker.name,
      memoryBytes: worker.memoryBytes,
      worth,
      evict: () => generic.drop(shape, worker),
    }))
    return [...unbound, ...bound]
  }

  /** The k-th of a group's idle workers is worth what may be expected of k more calls at once. */
  #spareOf(group: WorkerGroup): Spare[] {
    const { groups, clock, leave } = this.#parts
    const spare = Math.max(0, group.serving - groups.minimum(group))
    if (spare === 0) return []
    const idle = group.idle()
    const { habits } = group
    const now = clock.elapsed()
    return idle.slice(0, spare).map((slot, at) => ({
      name: slot.worker.name,
      memoryBytes: slot.heldBytes,
      worth: habits.worthOf(habits.arrivals.outlook(habits.arrivals.level + idle.length - at, now)),
      evict: () => leave(group, slot, 'evicted'),
    }))
  }
}

/** Since when its oldest call waits; what nobody waits for comes last. */
const sinceOf = (group: WorkerGroup): number => group.waiters[0]?.since ?? Number.POSITIVE_INFINITY
