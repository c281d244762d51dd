import type { Clock } from '../../domain/clock.ts'
import type { WorkerMeter } from '../../domain/platform/usage.ts'
import type { PoolWorker } from './pool-worker.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'

/** Time between two looks at an idle worker. */
const lookEveryMs = 10_000

/** What is known of a worker's processor time, in ms. */
interface Seen {
  /** When it began to serve; null: not read yet. */
  atFirst: number | null
  /** What was put to its function's account since: by calls, and by us. */
  told: number
  lookedAt: number
}

/**
 * Meters processor time that no call has reported: that of processes which calls leave running, and of calls whose worker cannot
 * measure it. Reports the worker's total minus what was reported, whenever the worker has no call and when it has ended.
 */
export class BackgroundCpu {
  #clock: Clock
  #meter: WorkerMeter | undefined
  #seen = new WeakMap<BoundWorker, Seen>()

  constructor(parts: { clock: Clock; meter: WorkerMeter | undefined }) {
    this.#clock = parts.clock
    this.#meter = parts.meter
  }

  /** A call of the worker has ended. */
  noteCall(bound: BoundWorker, cpuMs: number | null | undefined): void {
    const seen = this.#seen.get(bound)
    if (seen !== undefined) seen.told += cpuMs ?? 0
  }

  /** Called often; measures each worker at an interval of its own. */
  look(group: WorkerGroup): void {
    if (this.#meter?.spent === undefined) return
    const now = this.#clock.elapsed()
    for (const bound of group.workers) {
      const seen = this.#seen.get(bound)
      if (seen !== undefined && now - seen.lookedAt < lookEveryMs) continue
      if (bound.inFlight === 0 && bound.worker.cpuMs !== undefined) void this.#read(group, bound, now)
    }
  }

  /** It serves from now on. */
  begin(group: WorkerGroup, bound: BoundWorker): void {
    if (this.#meter?.spent !== undefined && bound.worker.cpuMs !== undefined) {
      void this.#read(group, bound, this.#clock.elapsed())
    }
  }

  /** It is gone. */
  async end(group: WorkerGroup, bound: BoundWorker): Promise<void> {
    const seen = this.#seen.get(bound)
    const total = seen === undefined ? null : await read(bound.worker)
    if (seen !== undefined && total !== null) this.#tell(group, seen, total)
  }

  /** A reading that a call came into is of no use: what it used is not told yet. */
  async #read(group: WorkerGroup, bound: BoundWorker, now: number): Promise<void> {
    const seen = this.#seen.get(bound) ?? { atFirst: null, told: 0, lookedAt: now }
    this.#seen.set(bound, seen)
    seen.lookedAt = now
    const { calls } = bound
    const total = await read(bound.worker)
    if (total === null) return
    if (seen.atFirst === null) seen.atFirst = total
    else if (bound.inFlight === 0 && bound.calls === calls) this.#tell(group, seen, total)
  }

  #tell({ revision }: WorkerGroup, seen: Seen, total: number): void {
    seen.atFirst ??= total
    const ms = total - seen.atFirst - seen.told
    if (!(ms > 0)) return
    seen.told += ms
    this.#meter?.spent?.(revision, ms)
  }
}

/** Null: not known. */
const read = (worker: PoolWorker): Promise<number | null> => worker.cpuMs?.().catch(() => null) ?? Promise.resolve(null)
