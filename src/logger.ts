import { type DestinationStream, destination, type Logger, pino } from 'pino'

/** Keys whose values never reach the log. By serializers, which cost nothing where the key is absent: `redact` was a fifth of a warm call. */
const hidden = ['token', 'headers', 'authorization', 'env', 'input', 'who']

/**
 * JSON lines on standard output. Lines are written in blocks off the caller's path (a write per line costs more than the
 * line); `flush` writes what is left.
 */
export function makeLogger(level: string, to: DestinationStream = buffered()): Logger {
  const serializers = Object.fromEntries(hidden.map((key) => [key, () => '[hidden]']))
  return pino({ level, base: null, serializers, timestamp }, to)
}

const buffered = (): DestinationStream => destination({ sync: false, minLength: 16_000, periodicFlush: 100 })

let lastMs = 0
let lastText = ''

/** As pino's own, but made once per millisecond. */
function timestamp(): string {
  const now = Date.now()
  if (now !== lastMs) {
    lastMs = now
    lastText = `,"time":"${new Date(now).toISOString()}"`
  }
  return lastText
}
