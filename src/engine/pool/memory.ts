import { chooseEvictions, type Evictable } from './policy/pool-policy.ts'

/** Whose memory it is; null: a generic worker's, which belongs to no project. */
export type Owner = string | null

/**
 * The memory limits of all workers together. Passive: it says what has to go, and whoever asked ends that. What is reserved
 * stays so until it is given back.
 */
export class Memory {
  readonly limitBytes: number
  #onFree: () => void
  #usedBytes = 0
  #heldBy = new Map<Owner, number>()

  /** `onFree`: called when some was given back, or may be. */
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

  /** What was never free cannot become so. */
  couldHold(bytes: number): boolean {
    return bytes <= this.limitBytes
  }

  heldBy(owner: Owner): number {
    return this.#heldBy.get(owner) ?? 0
  }

  /**
   * Takes the bytes, and answers with those of the candidates that have to go for them: none while there is room. Null, and
   * nothing taken, when all of them together are not enough.
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

  /** What was one's is another's. */
  handOver(bytes: number, from: Owner, to: Owner): void {
    this.#count(-bytes, from)
    this.#count(bytes, to)
  }

  giveBack(bytes: number, owner: Owner): void {
    if (bytes === 0) return
    this.#count(-bytes, owner)
    this.#onFree()
  }

  /** A worker is idle: whoever found no memory may have its. */
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
