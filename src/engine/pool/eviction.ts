import type { Clock } from '../../domain/clock.ts'
import { onlyMachine, type Placement } from '../../domain/platform/machine.ts'
import type { IdleGeneric } from './generic-order.ts'
import type { GenericWorkers } from './generic-workers.ts'
import type { Groups } from './groups.ts'
import type { Memory, MemoryOwner } from './memory.ts'
import type { MemoryQueue, MemoryRequest } from './memory-queue.ts'
import {
  freeOf,
  lowestEvictionCost,
  type MachineView,
  noSimilarWorkers,
  type SimilarWorkersAt,
} from './policy/placement.ts'
import { chooseEvictions, comesBefore, mayTakeAhead, shouldYield } from './policy/pool-policy.ts'
import type { WorkerGroup } from './worker-group.ts'
import type { WorkerRemovals } from './worker-removals.ts'

export interface EvictionParts {
  clock: Clock
  memory: Memory
  line: MemoryQueue
  groups: Groups
  generic: GenericWorkers
  departures: WorkerRemovals
  /** Memory that the workers of a project may hold; null: no limit. */
  mostBytesOf?(projectId: string): number | null
}

/** A machine that is avoided counts as one with this number of similar workers: it comes after all others with room. */
const likeOfDoubted = 1e6

/** Makes room in memory by evicting idle workers, in the order of the memory queue. */
export class Eviction {
  #parts: EvictionParts

  constructor(parts: EvictionParts) {
    this.#parts = parts
  }

  /**
   * Reserves memory for a worker, evicting idle workers of others if necessary. Returns the machine. Returns null when even that is
   * not enough, or when another entry of the memory queue comes first: then `who` waits in the queue. `at`: the machine of a worker
   * that grows.
   */
  make(bytes: number, who: MemoryRequest, group: WorkerGroup | null, at?: string): string | null {
    const { line } = this.#parts
    const machine = this.#fitsShare(bytes, who.projectId, group)
      ? this.#reserve(bytes, who.projectId, this.#openTo(bytes, who, at), group?.likeAt ?? noSimilarWorkers, () =>
          this.#spareFor(group),
        )
      : null
    if (machine === null) line.add(who)
    else line.delete(who)
    return machine
  }

  /** Whether the project's share allows this growth of memory that is already reserved. False: it waits in the queue. */
  mayGrow(bytes: number, who: MemoryRequest, group: WorkerGroup | null): boolean {
    if (this.#fitsShare(bytes, who.projectId, group)) return true
    this.#parts.line.add(who)
    return false
  }

  /** For work ahead: takes nothing while somebody waits for memory, and evicts only workers of clearly less worth. */
  makeAhead(
    bytes: number,
    gain: { worth: number; savedMs: number },
    likeAt: SimilarWorkersAt = noSimilarWorkers,
  ): string | null {
    const { memory, line } = this.#parts
    const machines = memory.openFor(bytes, {})
    if (!line.isEmpty || machines.length === 0) return null
    const free = Math.max(...machines.map(freeOf))
    const price = () => lowestEvictionCost(bytes, machines, () => this.#spare(null))
    return mayTakeAhead(bytes, free, gain, price)
      ? this.#reserve(bytes, null, machines, likeAt, () => this.#spare(null))
      : null
  }

  /** The worth per byte of the workers that would be evicted for `bytes`; 0 while there is room. */
  priceOf(bytes: number, group: WorkerGroup): number {
    return lowestEvictionCost(bytes, this.#parts.memory.openFor(bytes, group.placement), () => this.#spare(group))
  }

  /** Whether an idle worker of the group on this machine should be evicted for a group without any worker that comes before its calls. */
  shouldYield(group: WorkerGroup, machine: string = onlyMachine): boolean {
    const { line, groups } = this.#parts
    if (line.isEmpty) return false
    const [starved] = this.#starved(group).filter((who) => this.#holdersOf(who).some(({ id }) => id === machine))
    if (starved === undefined || group.serving <= groups.protected(group)) return false
    const own = group.waiters.length === 0 ? null : { ...line.viewOf(group), hasNothing: false }
    return shouldYield(own, line.viewOf(starved))
  }

  #reserve(
    bytes: number,
    owner: MemoryOwner,
    machines: MachineView[],
    likeAt: SimilarWorkersAt,
    candidates: () => IdleGeneric[],
  ): string | null {
    const { memory, clock } = this.#parts
    const now = clock.elapsed()
    const preferred: SimilarWorkersAt = (id) => likeAt(id) + (memory.isAvoided(id, now) ? likeOfDoubted : 0)
    const chosen = memory.reserve(bytes, owner, machines, preferred, candidates)
    for (const each of chosen?.toGo ?? []) each.evict()
    return chosen?.machine ?? null
  }

  /** A project at its share makes room by evicting its own idle workers. */
  #fitsShare(bytes: number, projectId: string, group: WorkerGroup | null): boolean {
    const over = this.#beyondShare(bytes, projectId)
    if (over <= 0) return true
    const own = this.#parts.groups.all().filter((each) => each !== group && each.projectId === projectId)
    const toGo = chooseEvictions(
      over,
      own.flatMap((each) => this.#spareOf(each)),
    )
    for (const each of toGo ?? []) each.evict()
    return toGo !== null
  }

  /** Bytes by which the project would exceed its share. */
  #beyondShare(bytes: number, projectId: string): number {
    const most = this.#parts.mostBytesOf?.(projectId) ?? null
    return most === null ? 0 : this.#parts.memory.heldBy(projectId) + bytes - most
  }

  /** The machines that are not kept free for entries that come first. */
  #openTo(bytes: number, who: MemoryRequest, at: string | undefined): MachineView[] {
    const { memory } = this.#parts
    const machines = memory.openFor(bytes, who.placement).filter(({ id }) => at === undefined || id === at)
    const kept = new Set(this.#before(who).flatMap((other) => this.#holdersOf(other).map(({ id }) => id)))
    return machines.filter(({ id }) => !kept.has(id))
  }

  #before(who: MemoryRequest): MemoryRequest[] {
    const { line } = this.#parts
    if (line.isEmpty) return []
    const view = { ...line.viewOf(who), hasNothing: true }
    return this.#starved(who).filter((other) => comesBefore(line.viewOf(other), view))
  }

  /** Entries that cannot fit beside protected memory block nobody. */
  #starved(but: MemoryRequest): MemoryRequest[] {
    return this.#parts.line.starved(
      but,
      (who) => this.#beyondShare(who.bytes, who.projectId) <= 0 && this.#holdersOf(who).length > 0,
    )
  }

  /** The machines on which the entry fits beside the protected workers. */
  #holdersOf({ bytes, placement }: { bytes: number; placement: Placement }): MachineView[] {
    const { memory, groups } = this.#parts
    return memory
      .openFor(bytes, placement)
      .filter(({ id, limitBytes }) => bytes <= limitBytes - groups.protectedBytesAt(id))
  }

  // --- eviction candidates

  /** All workers that may be evicted, for any requester. */
  spare(): IdleGeneric[] {
    return this.#spare(null)
  }

  /** A group whose minimum exceeds its protected share evicts nobody's worker for it, unless a call waits. */
  #spareFor(group: WorkerGroup | null): IdleGeneric[] {
    if (group !== null && group.waiters.length === 0 && this.#isBeyondShare(group)) return []
    return this.#spare(group)
  }

  #isBeyondShare(group: WorkerGroup): boolean {
    const { groups } = this.#parts
    return group.serving >= groups.protected(group) && group.serving < groups.minimum(group)
  }

  /** Idle, unprotected workers of other groups, and generic workers. */
  #spare(except: WorkerGroup | null): IdleGeneric[] {
    const { groups, generic } = this.#parts
    const bound = groups.all().flatMap((group) => (group === except ? [] : this.#spareOf(group)))
    return [...generic.spare(), ...bound]
  }

  /** The k-th idle worker of a group has the worth of k further calls at once. */
  #spareOf(group: WorkerGroup): IdleGeneric[] {
    const spare = Math.max(0, group.serving - this.#parts.groups.protected(group))
    if (spare === 0) return []
    const idle = group.idle()
    const { habits } = group
    const now = this.#parts.clock.elapsed()
    return idle.slice(0, spare).map((bound, at) => ({
      name: bound.worker.name,
      image: group.revision.image,
      memoryBytes: bound.heldBytes,
      machine: bound.worker.machine,
      worth: habits.worthOf(habits.outlookOfIdle(idle.length - at, now)),
      evict: () => this.#parts.departures.leave(group, bound, 'evicted'),
    }))
  }
}
