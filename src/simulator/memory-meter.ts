import type { MemoryFigures } from './figures.ts'

const mib = 1024 * 1024

/** How much memory workers take over simulated time. */
export class MemoryMeter {
  #idleBytes = 0
  #heldBytes = 0
  /** Also part of the idle memory. */
  #genericBytes = 0
  #peakIdleBytes = 0
  #sinceMs = 0
  #idleByteMs = 0
  #heldByteMs = 0
  #genericByteMs = 0

  /** Memory of all workers. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  hold(bytes: number, now: number): void {
    this.#account(now)
    this.#heldBytes += bytes
  }

  idle(bytes: number, now: number): void {
    this.#account(now)
    this.#idleBytes += bytes
    if (this.#idleBytes > this.#peakIdleBytes) this.#peakIdleBytes = this.#idleBytes
  }

  generic(bytes: number, now: number): void {
    this.idle(bytes, now)
    this.#genericBytes += bytes
  }

  /** Means from the beginning until now. */
  figures(now: number): MemoryFigures {
    this.#account(now)
    const perMib = now * mib
    const idleMib = this.#idleByteMs / perMib
    return {
      idleMib,
      peakIdleMib: this.#peakIdleBytes / mib,
      busyMib: this.#heldByteMs / perMib - idleMib,
      genericMib: this.#genericByteMs / perMib,
    }
  }

  /** Called before the bytes change. */
  #account(now: number): void {
    const passed = now - this.#sinceMs
    this.#idleByteMs += this.#idleBytes * passed
    this.#genericByteMs += this.#genericBytes * passed
    this.#heldByteMs += this.#heldBytes * passed
    this.#sinceMs = now
  }
}
