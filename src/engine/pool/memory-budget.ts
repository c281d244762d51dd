/** The memory limits of all workers together. What is reserved stays so until it is given back. */
export class MemoryBudget {
  readonly limitBytes: number
  #usedBytes = 0

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get freeBytes(): number {
    return this.limitBytes - this.#usedBytes
  }

  /** False, and nothing reserved, when there is not enough. */
  reserve(bytes: number): boolean {
    if (bytes > this.freeBytes) return false
    this.#usedBytes += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes
  }
}
