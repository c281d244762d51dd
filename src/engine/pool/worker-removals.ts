import type { Clock } from '../../domain/clock.ts'
import type { ColdReason } from '../../domain/runs/start-kind.ts'
import type { Groups } from './groups.ts'
import type { Memory, MemoryOwner } from './memory.ts'
import type { MemoryMeter } from './memory-meter.ts'
import type { PoolWorker } from './pool-worker.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'

export interface WorkerRemovalsParts {
  clock: Clock
  groups: Groups
  memory: Memory
  heldTime: MemoryMeter
}

/** Removes workers: their memory is free at once, and the pool waits until their sandboxes are gone. */
export class WorkerRemovals {
  #parts: WorkerRemovalsParts
  #ending = new Set<Promise<void>>()

  constructor(parts: WorkerRemovalsParts) {
    this.#parts = parts
  }

  /** The worker takes no more calls and ends when its calls in flight have ended. */
  leave(group: WorkerGroup, bound: BoundWorker, why: ColdReason): void {
    if (bound.leaving) return
    this.noteLeaving(group, bound, why)
    if (bound.inFlight === 0) this.endBound(group, bound)
  }

  /** Marks the worker so that no further call is assigned to it. */
  noteLeaving(group: WorkerGroup, bound: BoundWorker, why: ColdReason): void {
    group.leave(bound)
    this.#parts.groups.noteLeft(group, why, this.#parts.clock.elapsed())
  }

  endBound(group: WorkerGroup, bound: BoundWorker): void {
    this.releaseMemory(group, bound)
    this.end(bound.worker, 0, null)
  }

  /** Releases the memory of a worker that is ending: others may have it at once. */
  releaseMemory(group: WorkerGroup, bound: BoundWorker): void {
    const { heldBytes } = bound
    this.#parts.heldTime.note(group, bound, this.#parts.clock.elapsed(), bound.inFlight > 0)
    bound.heldBytes = 0
    this.#parts.memory.release(heldBytes, group.projectId, bound.worker.machine)
  }

  /** Ends a worker for which `heldBytes` of memory are reserved. */
  end(worker: PoolWorker, heldBytes: number, owner: MemoryOwner): void {
    const ended = worker.kill().finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
    this.#parts.memory.release(heldBytes, owner, worker.machine)
  }

  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }
}
