import type { Clock } from '../../domain/clock.ts'

/** Of one project, told in a second. */
const perSecond = 100
/** Told at once, after a time without any. */
const burst = 50
/** Nobody waits longer: it is what `Retry-After` says at least. */
const longestWaitMs = 1000
const gapMs = 1000 / perSecond
/** Projects that are remembered before those that refuse nothing now are forgotten. */
const mostKept = 1000

/** When the next refusal may be told, of one that comes now, and how long it waits. Pure. */
export function nextTurn(dueMs: number, nowMs: number): { dueMs: number; waitMs: number } {
  const due = Math.max(dueMs, nowMs)
  const waitMs = Math.min(longestWaitMs, Math.max(0, due - nowMs - burst * gapMs))
  return { dueMs: Math.min(due + gapMs, nowMs + burst * gapMs + longestWaitMs), waitMs }
}

/**
 * Refusals of a project that has reached a limit. One costs the server's thread as much as a short call, and whoever asks again at
 * once would hold up everybody else with them: beyond some, they are told one after the other.
 */
export class RefusalPace {
  #clock: Clock
  #due = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the refusal may be told. */
  turn(projectId: string): Promise<void> {
    const now = this.#clock.elapsed()
    const { dueMs, waitMs } = nextTurn(this.#due.get(projectId) ?? 0, now)
    if (this.#due.size >= mostKept) for (const [key, due] of this.#due) if (due <= now) this.#due.delete(key)
    this.#due.set(projectId, dueMs)
    if (waitMs === 0) return Promise.resolve()
    return new Promise((resolve) => void this.#clock.after(waitMs, resolve))
  }
}
