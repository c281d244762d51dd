import { type DestinationStream, destination, type Logger, pino } from 'pino'

/** Keys whose values never reach the log, at any of the depths that we log. */
const hidden = ['token', 'headers', 'authorization', 'env', 'input', 'keystoneToken']

/**
 * JSON lines on standard output. Lines are written in blocks off the caller's path (a write per line costs more than the
 * line); `flush` writes what is left.
 */
export function makeLogger(level: string, to: DestinationStream = buffered()): Logger {
  const redact = hidden.flatMap((key) => [key, `*.${key}`])
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime }, to)
}

const buffered = (): DestinationStream => destination({ sync: false, minLength: 4096, periodicFlush: 100 })
