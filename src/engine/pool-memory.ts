import type { ColdReason } from '../domain/execution.ts'
import type { GenericWorkers } from './generic-workers.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { PoolGroups } from './pool-groups.ts'
import { chooseEvictions, type Evictable, shouldYield, type Waiting, worth } from './pool-policy.ts'
import type { Slot, WorkerGroup } from './worker-group.ts'

export interface PoolMemoryParts {
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

/** Who gets the memory: makes room by evicting what is idle, and remembers who found none. */
export class PoolMemory {
  #parts: PoolMemoryParts
  /** Rises to the worth of what was evicted: see `worth`. */
  #greedyClock = 0
  /** Groups that found no memory for a worker. */
  #starved = new Set<WorkerGroup>()
  /** Command images that wait for memory. */
  #roomWaiters: { bytes: number; resolve: () => void }[] = []

  constructor(parts: PoolMemoryParts) {
    this.#parts = parts
  }

  /** What was never free cannot become so. */
  couldHold(bytes: number): boolean {
    return bytes <= this.#parts.budget.limitBytes
  }

  /** What keeping this idle worker is worth now. */
  worthOf(group: WorkerGroup, slot: Slot): number {
    return worth(this.#greedyClock, slot.calls, group.coldMs, slot.heldBytes)
  }

  /** Of a worker that has served nobody yet. */
  get leastWorth(): number {
    return this.#greedyClock
  }

  /** Reserves, evicting idle workers if that is what it takes; false when even that is not enough. */
  makeRoom(bytes: number): boolean {
    const { budget } = this.#parts
    if (bytes <= 0 || budget.reserve(bytes)) return true
    const spare = this.#spare()
    const chosen = chooseEvictions(bytes - budget.freeBytes, spare)
    if (chosen === null) return false
    for (const each of chosen) spare.find((candidate) => candidate.name === each.name)?.evict()
    return budget.reserve(bytes)
  }

  /** Resolves when so much is reserved. */
  async room(bytes: number): Promise<void> {
    if (this.makeRoom(bytes)) return
    await new Promise<void>((resolve) => this.#roomWaiters.push({ bytes, resolve }))
  }

  giveBack(bytes: number): void {
    this.#parts.budget.giveBack(bytes)
  }

  /** The memory of a worker that goes: others may have it at once. */
  letGo(slot: Slot): void {
    if (slot.heldBytes === 0) return
    this.giveBack(slot.heldBytes)
    slot.heldBytes = 0
    this.cameFree()
  }

  cameFree(): void {
    while (this.#roomWaiters[0] !== undefined && this.makeRoom(this.#roomWaiters[0].bytes))
      this.#roomWaiters.shift()?.resolve()
    setImmediate(() => {
      const starved = [...this.#starved]
      this.#starved.clear()
      for (const group of starved) this.#parts.provideFor(group)
      this.#parts.generic.refillAll()
    })
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

  /** Whether an idle worker should go for a function that has nothing and waits longer than its own calls. */
  shouldYield(group: WorkerGroup): boolean {
    const starved = this.#longestStarved(group)
    if (starved === null) return false
    const own = group.waiters[0] === undefined ? null : { since: group.waiters[0].since, hasNothing: false }
    return shouldYield(own, starved)
  }

  #longestStarved(except: WorkerGroup): Waiting | null {
    let longest: Waiting | null = null
    for (const group of this.#starved) {
      const [first] = group.waiters
      if (group === except || first === undefined || group.slots.size + group.provisioning > 0) continue
      if (longest === null || first.since < longest.since) longest = { since: first.since, hasNothing: true }
    }
    return longest
  }

  /** Idle workers above their minimum, and generic ones, which are worth the least: they serve nobody yet. */
  #spare(): Spare[] {
    const { groups, generic } = this.#parts
    const bound = groups.all().flatMap((group) => this.#spareOf(group))
    const unbound = generic.spare().map(({ worker, shape }) => ({
      name: worker.name,
      memoryBytes: worker.memoryBytes,
      worth: 0,
      evict: () => generic.drop(shape, worker),
    }))
    return [...unbound, ...bound]
  }

  #spareOf(group: WorkerGroup): Spare[] {
    const spare = Math.max(0, group.slots.size - this.#parts.groups.minimum(group))
    return group
      .idle()
      .slice(0, spare)
      .map((slot) => ({
        name: slot.worker.name,
        memoryBytes: slot.heldBytes,
        worth: slot.worth,
        evict: () => {
          this.#greedyClock = Math.max(this.#greedyClock, slot.worth)
          this.#parts.leave(group, slot, 'evicted')
        },
      }))
  }
}
