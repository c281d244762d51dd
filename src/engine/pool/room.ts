import type { Clock } from '../../domain/clock.ts'
import type { Departures } from './departures.ts'
import type { Spare } from './generic-shape.ts'
import type { GenericWorkers } from './generic-workers.ts'
import type { Groups } from './groups.ts'
import type { Memory, Owner } from './memory.ts'
import type { InLine, MemoryLine } from './memory-line.ts'
import { chooseEvictions, comesBefore, mayTakeAhead, priceOfRoom, shouldYield } from './policy/pool-policy.ts'
import type { WorkerGroup } from './worker-group.ts'

export interface RoomParts {
  clock: Clock
  memory: Memory
  line: MemoryLine
  groups: Groups
  generic: GenericWorkers
  departures: Departures
  /** Memory that the workers of a project may hold; null: no limit. */
  mostBytesOf?(projectId: string): number | null
}

/** Makes room in memory by evicting idle workers, in the order of the memory queue. */
export class Room {
  #parts: RoomParts

  constructor(parts: RoomParts) {
    this.#parts = parts
  }

  /**
   * Reserves memory for a worker, evicting idle workers of others if necessary. Returns false when even that is not enough, or
   * when another entry of the memory queue comes first: then `who` waits in the queue.
   */
  make(bytes: number, who: InLine, group: WorkerGroup | null): boolean {
    const { line } = this.#parts
    const isMade =
      this.#fitsShare(bytes, who.projectId, group) &&
      !this.#isBehind(who) &&
      this.#reserve(bytes, who.projectId, () => this.#spareFor(group))
    if (isMade) line.delete(who)
    else line.add(who)
    return isMade
  }

  /** Whether the project's share allows this growth of memory that is already reserved. False: it waits in the queue. */
  mayGrow(bytes: number, who: InLine, group: WorkerGroup | null): boolean {
    if (this.#fitsShare(bytes, who.projectId, group)) return true
    this.#parts.line.add(who)
    return false
  }

  /** For work ahead: takes nothing while somebody waits for memory, and evicts only workers of clearly less worth. */
  makeAhead(bytes: number, gain: { worth: number; savedMs: number }): boolean {
    const { memory, line } = this.#parts
    if (!line.isEmpty || !mayTakeAhead(bytes, memory.freeBytes, gain, () => this.priceOf(bytes, null))) return false
    return this.#reserve(bytes, null, () => this.#spare(null))
  }

  /** The worth per byte of the workers that would be evicted for `bytes`; 0 while there is room. */
  priceOf(bytes: number, group: WorkerGroup | null): number {
    return priceOfRoom(bytes, this.#parts.memory.freeBytes, () => this.#spare(group))
  }

  /** Whether an idle worker of the group should be evicted for a group without any worker that comes before its own calls. */
  shouldYield(group: WorkerGroup): boolean {
    const { line, groups } = this.#parts
    if (line.isEmpty) return false
    const starved = this.#first(group)
    if (starved === null || group.serving <= groups.protected(group)) return false
    const own = group.waiters.length === 0 ? null : { ...line.viewOf(group), hasNothing: false }
    return shouldYield(own, line.viewOf(starved))
  }

  #reserve(bytes: number, owner: Owner, candidates: () => Spare[]): boolean {
    const toGo = this.#parts.memory.reserve(bytes, owner, candidates)
    for (const each of toGo ?? []) each.evict()
    return toGo !== null
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

  #isBehind(who: InLine): boolean {
    const { line } = this.#parts
    if (line.isEmpty) return false
    const first = this.#first(who)
    return first !== null && comesBefore(line.viewOf(first), { ...line.viewOf(who), hasNothing: true })
  }

  /** Entries that cannot fit beside protected memory block nobody. */
  #first(but: InLine): InLine | null {
    const { memory, line, groups } = this.#parts
    const mostBytes = memory.limitBytes - groups.protectedBytes
    return line.first(but, (who) => who.bytes <= mostBytes && this.#beyondShare(who.bytes, who.projectId) <= 0)
  }

  // --- eviction candidates

  /** All workers that may be evicted, for any requester. */
  spare(): Spare[] {
    return this.#spare(null)
  }

  /** A group whose minimum exceeds its protected share evicts nobody's worker for it, unless a call waits. */
  #spareFor(group: WorkerGroup | null): Spare[] {
    if (group !== null && group.waiters.length === 0 && this.#isBeyondShare(group)) return []
    return this.#spare(group)
  }

  #isBeyondShare(group: WorkerGroup): boolean {
    const { groups } = this.#parts
    return group.serving >= groups.protected(group) && group.serving < groups.minimum(group)
  }

  /** Idle, unprotected workers of other groups, and generic workers. */
  #spare(except: WorkerGroup | null): Spare[] {
    const { groups, generic } = this.#parts
    const bound = groups.all().flatMap((group) => (group === except ? [] : this.#spareOf(group)))
    return [...generic.spare(), ...bound]
  }

  /** The k-th idle worker of a group has the worth of k further calls at once. */
  #spareOf(group: WorkerGroup): Spare[] {
    const spare = Math.max(0, group.serving - this.#parts.groups.protected(group))
    if (spare === 0) return []
    const idle = group.idle()
    const { habits } = group
    const now = this.#parts.clock.elapsed()
    return idle.slice(0, spare).map((bound, at) => ({
      name: bound.worker.name,
      image: group.revision.image,
      memoryBytes: bound.heldBytes,
      worth: habits.worthOf(habits.outlookOfIdle(idle.length - at, now)),
      evict: () => this.#parts.departures.leave(group, bound, 'evicted'),
    }))
  }
}
