import type { WorkerMeter } from '../../domain/platform/usage.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'

/** Reports for how long workers held their memory: whenever one begins to run calls, becomes idle, or ends. */
export class MemoryMeter {
  #meter: WorkerMeter | undefined

  constructor(meter: WorkerMeter | undefined) {
    this.#meter = meter
  }

  /** Reports the time since the last report as busy or idle. A worker whose memory was released holds nothing. */
  note(group: WorkerGroup, bound: BoundWorker, now: number, isBusy: boolean): void {
    if (this.#meter !== undefined && bound.heldBytes > 0) {
      this.#meter.held(group.revision, now - bound.heldSince, isBusy)
    }
    bound.heldSince = now
  }

  noteAll(groups: readonly WorkerGroup[], now: number): void {
    for (const group of groups) for (const bound of group.workers) this.note(group, bound, now, bound.inFlight > 0)
  }
}
