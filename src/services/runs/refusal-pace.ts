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
/** Of inputs of calls whose refusal waits: beyond it refusals are told at once, so that waiting fills no memory. */
const mostHeldBytes = 32 * 1024 * 1024

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
  #heldBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the refusal may be told. `bytes`: what its call holds until then. */
  turn(projectId: string, bytes: number): Promise<void> {
    const now = this.#clock.elapsed()
    const { dueMs, waitMs } = nextTurn(this.#due.get(projectId) ?? 0, now)
    if (this.#due.size >= mostKept) for (const [key, due] of this.#due) if (due <= now) this.#due.delete(key)
    this.#due.set(projectId, dueMs)
    if (waitMs === 0 || this.#heldBytes + bytes > mostHeldBytes) return Promise.resolve()
    this.#heldBytes += bytes
    return new Promise((resolve) => {
      this.#clock.after(waitMs, () => {
        this.#heldBytes -= bytes
        resolve()
      })
    })
  }
}
