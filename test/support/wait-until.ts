import { setTimeout as pause } from 'node:timers/promises'

const [leastPauseMs, mostPauseMs] = [25, 150]

/**
 * Waits for what will come: asks again and again, and says what was waited for when it did not come. The limit is for what
 * hangs, not a measure of speed: tests run on busy machines. What takes long is asked for less often: questions to a server
 * cost processor time that other tests need.
 */
export async function waitUntil<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 90_000,
): Promise<Exclude<T, false | null | undefined>> {
  const from = performance.now()
  for (;;) {
    const found = await ask()
    if (found !== false && found !== null && found !== undefined) return found as Exclude<T, false | null | undefined>
    const waitedMs = performance.now() - from
    if (waitedMs > timeoutMs) throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}.`)
    await pause(Math.min(mostPauseMs, leastPauseMs + waitedMs / 20))
  }
}
