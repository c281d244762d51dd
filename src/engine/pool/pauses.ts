import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/runs/log.ts'
import { shouldPause } from './policy/pool-policy.ts'
import type { BoundWorker, WorkerGroup } from './worker-group.ts'

export interface PausesParts {
  clock: Clock
  log: Log
  /** Idle workers are paused after this time; 0: never. */
  pauseAfterMs: number
  /** All are paused whenever they were quiet for a moment, however soon their next call may come. */
  freezes: boolean
}

/** The engine needs about 12 ms for each pause: hundreds at once would delay worker starts. */
const mostAtOnce = 4
/** A worker whose calls follow each other faster is not frozen between them. */
const quietMs = 100
/** Lead time before an expected call; the pool checks once a second. */
const wakeLeadMs = 2000

/** Pauses idle workers off the path of calls; the first call that is assigned to one resumes it. */
export class Pauses {
  #parts: PausesParts
  #pausing = 0
  /** Workers that may be frozen in a moment. */
  #quiet = new Set<BoundWorker>()
  #stopQuiet: (() => void) | null = null

  constructor(parts: PausesParts) {
    this.#parts = parts
  }

  /** Pauses workers that have been idle long enough, and resumes the one whose call is due. */
  look(group: WorkerGroup): void {
    const { clock, pauseAfterMs, freezes } = this.#parts
    if (freezes) for (const bound of group.idle()) this.nowIdle(bound)
    if (freezes || pauseAfterMs === 0 || group.retired) return
    const now = clock.elapsed()
    const { arrivals } = group.habits
    const idle = group.idle()
    for (const [at, bound] of idle.entries()) {
      const idleMs = now - bound.idleSince
      if (idleMs < pauseAfterMs || bound.sleep !== null || !bound.mayPause || this.#pausing >= mostAtOnce) continue
      const { perMs } = arrivals.outlook(arrivals.level + idle.length - at, now)
      if (shouldPause({ idleMs, graceMs: pauseAfterMs, perMs })) void this.#pause(bound)
    }
    const due = arrivals.due(now)
    if (due !== null && due.fromMs - now < wakeLeadMs) this.wakeAhead(group)
  }

  /** Resumes the worker that the next call would get. */
  wakeAhead(group: WorkerGroup): void {
    const next = group.idle().at(-1)
    if (next?.sleep) this.wake(next).catch(() => {})
  }

  /** Resolves when the worker runs again. Rejects when the engine cannot resume it: then the worker is useless. */
  wake(bound: BoundWorker): Promise<void> {
    bound.waking ??= this.#wake(bound)
    return bound.waking
  }

  async #wake(bound: BoundWorker): Promise<void> {
    await bound.sleep
    // The pause itself may have failed: then the worker never slept.
    if (bound.sleep !== null) await bound.worker.resume()
    bound.sleep = null
    bound.waking = null
  }

  /** No call is in the worker. */
  nowIdle(bound: BoundWorker): void {
    if (!this.#parts.freezes || bound.sleep !== null || !bound.mayPause) return
    this.#quiet.add(bound)
    this.#stopQuiet ??= this.#parts.clock.after(quietMs, () => this.#freezeQuiet())
  }

  close(): void {
    this.#stopQuiet?.()
    this.#quiet.clear()
  }

  #freezeQuiet(): void {
    this.#stopQuiet = null
    const now = this.#parts.clock.elapsed()
    for (const bound of this.#quiet) {
      const mayStay = bound.inFlight === 0 && !bound.leaving && !bound.worker.isEnding && bound.sleep === null
      if (mayStay && (now - bound.idleSince < quietMs || this.#pausing >= mostAtOnce)) continue
      this.#quiet.delete(bound)
      if (mayStay) void this.#pause(bound)
    }
    if (this.#quiet.size > 0) this.#stopQuiet = this.#parts.clock.after(quietMs, () => this.#freezeQuiet())
  }

  async #pause(bound: BoundWorker): Promise<void> {
    this.#pausing++
    bound.sleep = bound.worker.pause().catch((error: unknown) => {
      bound.sleep = null
      bound.mayPause = false
      if (!bound.worker.isEnding)
        this.#parts.log.warn({ err: error, worker: bound.worker.name }, 'a worker was not paused')
    })
    await bound.sleep
    this.#pausing--
  }
}
