import { type Logger, pino } from 'pino'

/** Keys whose values never reach the log. By serializers, which cost nothing where the key is absent: `redact` was a fifth of a warm call. */
const hidden = ['token', 'headers', 'authorization', 'env', 'input', 'who']

export interface FlushingLogger extends Logger {
  /** Writes what is left. */
  flush(): void
}

/** JSON lines on standard output, or wherever `write` puts blocks of them. */
export function makeLogger(level: string, write: (block: string) => void = toStandardOutput): FlushingLogger {
  const serializers = Object.fromEntries(hidden.map((key) => [key, () => '[hidden]']))
  const lines = new LineBlocks(write)
  const logger = pino({ level, base: null, serializers, timestamp }, lines)
  return Object.assign(logger, { flush: () => lines.flush() })
}

/** When nobody reads the log any more, the server goes on without. */
function toStandardOutput(block: string): void {
  if (!process.stdout.listeners('error').includes(goOn)) process.stdout.on('error', goOn)
  process.stdout.write(block)
}

const goOn = (): void => {}

/** A line may wait this long for others to be written with it. */
const lingerMs = 50

/**
 * Lines leave in blocks, off the path of who logs: a write per line costs more than the line, and pino's own buffer measures
 * its whole content at each line, which was a tenth of a warm call.
 */
class LineBlocks {
  #write: (block: string) => void
  #lines: string[] = []

  constructor(write: (block: string) => void) {
    this.#write = write
    process.once('exit', () => this.flush())
  }

  write(line: string): void {
    if (this.#lines.push(line) === 1) setTimeout(() => this.flush(), lingerMs).unref()
  }

  flush(): void {
    if (this.#lines.length > 0) this.#write(this.#lines.splice(0).join(''))
  }
}

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
