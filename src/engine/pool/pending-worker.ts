import type { WorkerGroup } from './worker-group.ts'

/**
 * A worker that is being provided, as its group counts it. The holder must leave the place when the worker is ready or is not
 * coming.
 */
export class PendingWorker {
  #group: WorkerGroup
  #anyway: boolean
  #isSurplus: () => boolean
  #isCounted = true
  #comingTo: string | null = null

  /** `anyway`: the worker is provided whether a call waits for it or not. */
  constructor(group: WorkerGroup, anyway: boolean, isSurplus: () => boolean) {
    this.#group = group
    this.#anyway = anyway
    this.#isSurplus = isSurplus
    this.#count(1)
  }

  leave(): void {
    if (!this.#isCounted) return
    this.#count(-1)
    this.#isCounted = false
    if (this.#comingTo !== null) this.#group.countComing(this.#comingTo, -1)
  }

  /** Leaves the place when the worker is no longer needed. */
  isNeeded(): boolean {
    if (this.#isCounted && this.#isSurplus()) this.leave()
    return this.#isCounted
  }

  /** It comes to this machine. */
  noteAt(machine: string): void {
    if (this.#comingTo !== null) this.#group.countComing(this.#comingTo, -1)
    this.#comingTo = this.#isCounted ? machine : null
    if (this.#isCounted) this.#group.countComing(machine, 1)
  }

  #count(change: number): void {
    this.#group.provisioning += change
    if (this.#anyway) this.#group.provisioningAnyway += change
  }
}
