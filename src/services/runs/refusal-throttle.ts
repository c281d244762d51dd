import type { Clock } from '../../domain/clock.ts'

/** Refusals per second of one project. */
const perSecond = 100
/** Refusals without a wait after a quiet time. */
const burst = 50
/** Longest wait; `Retry-After` is at least as long. */
const longestWaitMs = 1000
const gapMs = 1000 / perSecond
/** Limit of remembered projects; beyond it, projects without current refusals are forgotten. */
const mostKept = 1000
/**
 * Limit of bytes of input held by calls whose refusal waits. Beyond it refusals are sent at once, so that waiting calls do not
 * fill the memory.
 */
const mostHeldBytes = 32 * 1024 * 1024

/** When the next refusal may be sent, and how long the current one waits. Pure. */
export function nextRefusal(dueMs: number, nowMs: number): { dueMs: number; waitMs: number } {
  const due = Math.max(dueMs, nowMs)
  const waitMs = Math.min(longestWaitMs, Math.max(0, due - nowMs - burst * gapMs))
  return { dueMs: Math.min(due + gapMs, nowMs + burst * gapMs + longestWaitMs), waitMs }
}

/**
 * Paces the refusals of a project that has reached a limit. A refusal costs the event loop as much as a short call, so a caller
 * that retries at once would delay everybody else. Beyond a rate, refusals are sent one after the other.
 */
export class RefusalThrottle {
  #clock: Clock
  #due = new Map<string, number>()
  #heldBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the refusal may be sent. `bytes`: memory that its call holds until then. */
  turn(projectId: string, bytes: number): Promise<void> {
    const now = this.#clock.elapsed()
    const { dueMs, waitMs } = nextRefusal(this.#due.get(projectId) ?? 0, now)
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
