import type { WorkerMeter } from '../../domain/usage.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'

/** How long workers held their memory: told whenever one begins to run calls, has none any more, or goes. */
export class HeldTime {
  #meter: WorkerMeter | undefined

  constructor(meter: WorkerMeter | undefined) {
    this.#meter = meter
  }

  /** Since it was last told of, it was busy, or idle. One whose memory was given back holds nothing. */
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
