import type { Placement } from '../../domain/platform/machine.ts'
import type { Memory } from './memory.ts'
import { comesBefore, type QueueEntry } from './policy/pool-policy.ts'

/** An entry of the memory queue: the workers of a function version, or one run of a command image. */
export interface MemoryRequest {
  readonly projectId: string
  /** Memory that it needs. */
  readonly bytes: number
  /** Labels of the machines on which it may run. */
  readonly placement: Placement
  /** When its oldest call began to wait; infinite: no call waits. */
  readonly since: number
  /** True when a call waits and no worker exists or is starting. */
  readonly hasNothing: boolean
}

/** The queue for memory. Until its first entry fits, later entries start nothing. */
export class MemoryQueue {
  #memory: Memory
  #waiting = new Set<MemoryRequest>()

  constructor(memory: Memory) {
    this.#memory = memory
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  has(who: MemoryRequest): boolean {
    return this.#waiting.has(who)
  }

  add(who: MemoryRequest): void {
    this.#waiting.add(who)
  }

  delete(who: MemoryRequest): void {
    this.#waiting.delete(who)
  }

  /** The values by which entries are compared. */
  viewOf({ projectId, since, hasNothing }: MemoryRequest): QueueEntry {
    return { since, hasNothing, heldBytes: this.#memory.heldBy(projectId) }
  }

  /** Entries without any worker come first, then the order of the policy. */
  inOrder(): MemoryRequest[] {
    const viewed = [...this.#waiting].map((who) => ({ who, view: this.viewOf(who) }))
    viewed.sort(({ view: a }, { view: b }) => (comesBefore(a, b) ? -1 : comesBefore(b, a) ? 1 : 0))
    return viewed.map(({ who }) => who)
  }

  /** The entries without any worker that fit, in order. Entries that do not fit block nobody. */
  starved(but: MemoryRequest | null, fits: (who: MemoryRequest) => boolean): MemoryRequest[] {
    return this.inOrder().filter((who) => who !== but && who.hasNothing && fits(who))
  }
}
