import { type Logger, pino } from 'pino'

/** Keys whose values never reach the log. By serializers, which cost nothing where the key is absent: `redact` was a fifth of a warm call. */
const hidden = ['token', 'headers', 'authorization', 'env', 'input', 'who']

export interface FlushingLogger extends Logger {
  /** A line of level info whose keys are JSON text already, without the braces: see `Log`. */
  infoText(keys: string, message: string): void
  /** Writes what is left. */
  flush(): void
}

/** JSON lines on standard output, or wherever `write` puts blocks of them. */
export function makeLogger(level: string, write: (block: Buffer) => void = toStandardOutput): FlushingLogger {
  const serializers = Object.fromEntries(hidden.map((key) => [key, () => '[hidden]']))
  const lines = new LineBlocks(write)
  const logger = pino({ level, base: null, serializers, timestamp }, lines)
  const info = `{"level":${logger.levels.values.info}`
  const infoText = (keys: string, message: string): void => {
    if (logger.isLevelEnabled('info')) lines.write(`${info}${timestamp()},${keys},"msg":"${message}"}\n`)
  }
  return Object.assign(logger, { infoText, flush: () => lines.flush() })
}

/** When nobody reads the log any more, the server goes on without. */
function toStandardOutput(block: Buffer): void {
  if (!process.stdout.listeners('error').includes(goOn)) process.stdout.on('error', goOn)
  process.stdout.write(block)
}

const goOn = (): void => {}

/** A line may wait this long for others to be written with it. */
const lingerMs = 50

const blockBytes = 64 * 1024

/**
 * Lines leave in blocks, off the path of who logs: a write per line costs more than the line, and pino's own buffer measures
 * its whole content at each line, which was a tenth of a warm call. A line becomes bytes at once, so that no garbage
 * collection has to move its text while it waits.
 */
class LineBlocks {
  #write: (block: Buffer) => void
  #block: Buffer | null = null
  #used = 0

  constructor(write: (block: Buffer) => void) {
    this.#write = write
    process.once('exit', () => this.flush())
  }

  write(line: string): void {
    // No character becomes more than three bytes.
    if (this.#block !== null && this.#used + line.length * 3 > this.#block.length) this.flush()
    if (this.#block === null) this.#block = this.#begin(line.length * 3)
    this.#used += this.#block.write(line, this.#used)
  }

  flush(): void {
    if (this.#block === null) return
    const block = this.#block.subarray(0, this.#used)
    this.#block = null
    this.#used = 0
    this.#write(block)
  }

  /** A new block each time: the one before may be on its way still. */
  #begin(bytes: number): Buffer {
    setTimeout(() => this.flush(), lingerMs).unref()
    return Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes))
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
