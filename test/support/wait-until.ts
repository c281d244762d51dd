import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits for what will come: asks again and again, and says what was waited for when it did not come. The limit is for what
 * hangs, not a measure of speed: tests run on busy machines.
 */
export async function waitUntil<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 90_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await ask()
    if (found !== false && found !== null && found !== undefined) return found as Exclude<T, false | null | undefined>
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}.`)
    await pause(25)
  }
}
