import type { Clock } from '../../domain/clock.ts'
import type { Log } from '../../domain/runs/log.ts'
import type { OnText } from './descriptors.ts'

/**
 * Limit of characters per minute that one worker may add to the server's log, so that functions cannot fill the operator's disk.
 */
const charsPerMinute = 16 * 1024
const minuteMs = 60_000

/** Output outside of every call belongs to no execution, so it goes to the server's log. */
export function workerLog(log: Log, clock: Clock, worker: string): OnText {
  let since = Number.NEGATIVE_INFINITY
  let room = 0
  return (stream, text) => {
    if (clock.elapsed() - since > minuteMs) {
      since = clock.elapsed()
      room = charsPerMinute
    }
    if (room <= 0) return
    const printed = text.slice(0, room)
    room -= text.length
    log.info({ worker, stream, printed }, 'a worker printed outside of its calls')
    if (room <= 0) log.info({ worker }, 'what else it prints in this minute is not logged')
  }
}
