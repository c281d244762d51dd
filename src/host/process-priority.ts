import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Raises the server's priority over other programs: its single event loop serves the calls of all functions, and would wait
 * behind each function that computes. Most systems schedule sessions before threads, so a server that leads a session of its own
 * raises the session's priority too. Returns false when this is not permitted; then nothing changes.
 */
export function raisePriority(nice: number): boolean {
  if (nice === 0) return true
  try {
    setPriority(nice)
    if (leadsSession()) writeFileSync('/proc/self/autogroup', String(nice))
    return true
  } catch {
    return false
  }
}

/** True when the session contains no other programs, such as those of a terminal or script. */
function leadsSession(): boolean {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[3]) === process.pid
}
