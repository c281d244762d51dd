import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * The server goes before other programs for the processor: the calls of all functions come through its one thread, which would
 * wait behind each function that computes. Most systems weigh sessions before they weigh threads, so a server that leads a session
 * of its own says it for the session, too. False: not permitted, and all is as it was.
 */
export function takePrecedence(nice: number): boolean {
  if (nice === 0) return true
  try {
    setPriority(nice)
    if (leadsSession()) writeFileSync('/proc/self/autogroup', String(nice))
    return true
  } catch {
    return false
  }
}

/** Nobody else's programs are in its session: no terminal's, no script's. */
function leadsSession(): boolean {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return Number(fields[3]) === process.pid
}
