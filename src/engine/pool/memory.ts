import { chooseEvictions, type Evictable } from './policy/pool-policy.ts'

/** The project that holds the memory; null: a generic worker, which belongs to no project. */
export type Owner = string | null

/**
 * The memory limit of all workers together. This class is passive: it says which workers must be evicted, and the caller evicts
 * them. A reservation stays until it is released.
 */
export class Memory {
  readonly limitBytes: number
  #onFree: () => void
  #usedBytes = 0
  #heldBy = new Map<Owner, number>()

  /** `onFree`: called when memory was released or may be. */
  constructor(limitBytes: number, onFree: () => void) {
    this.limitBytes = limitBytes
    this.#onFree = onFree
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get freeBytes(): number {
    return this.limitBytes - this.#usedBytes
  }

  /** False when the bytes exceed what the limit could ever hold. */
  couldHold(bytes: number): boolean {
    return bytes <= this.limitBytes
  }

  heldBy(owner: Owner): number {
    return this.#heldBy.get(owner) ?? 0
  }

  /**
   * Reserves the bytes and returns the candidates that must be evicted for them: none while there is room. Returns null and
   * reserves nothing when all candidates together are not enough.
   */
  reserve<Candidate extends Evictable>(
    bytes: number,
    owner: Owner,
    candidates: () => Candidate[] = () => [],
  ): Candidate[] | null {
    const toGo = bytes <= this.freeBytes ? [] : chooseEvictions(bytes - this.freeBytes, candidates())
    if (toGo !== null) this.#count(bytes, owner)
    return toGo
  }

  /** Moves a reservation from one owner to another. */
  handOver(bytes: number, from: Owner, to: Owner): void {
    this.#count(-bytes, from)
    this.#count(bytes, to)
  }

  giveBack(bytes: number, owner: Owner): void {
    if (bytes === 0) return
    this.#count(-bytes, owner)
    this.#onFree()
  }

  /** A worker became idle: entries of the memory queue may evict it. */
  noteIdle(): void {
    this.#onFree()
  }

  #count(bytes: number, owner: Owner): void {
    this.#usedBytes += bytes
    const held = this.heldBy(owner) + bytes
    if (held === 0) this.#heldBy.delete(owner)
    else this.#heldBy.set(owner, held)
  }
}
