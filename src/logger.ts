import { type Logger, pino } from 'pino'

/**
 * Keys whose values never reach the log. Serializers cost nothing where the key is absent; `redact` took a fifth of a warm call.
 */
const hidden = ['token', 'headers', 'authorization', 'env', 'input', 'who']

export interface FlushingLogger extends Logger {
  /** Logs a line of level info whose keys are JSON text without the braces: see `Log`. */
  infoText(keys: string, message: string): void
  /** Writes the rest. */
  flush(): void
}

/** JSON lines on standard output, or passed to `write` in blocks. */
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

/** The server continues when nobody reads the log any more. */
function toStandardOutput(block: Buffer): void {
  if (!process.stdout.listeners('error').includes(goOn)) process.stdout.on('error', goOn)
  process.stdout.write(block)
}

const goOn = (): void => {}

/** Longest time that a line waits to be written with others. */
const lingerMs = 50

const blockBytes = 64 * 1024

/**
 * Lines are written in blocks, deferred: a write per line costs more than the line, and pino's own buffer measures its whole
 * content for each line, which took a tenth of a warm call. Lines are encoded at once, so that garbage collections do not have to
 * move their text.
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
    // A UTF-16 code unit becomes at most three bytes.
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

  /** Always a new block, because the previous one may still be in a write. */
  #begin(bytes: number): Buffer {
    setTimeout(() => this.flush(), lingerMs).unref()
    return Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes))
  }
}

let lastMs = 0
let lastText = ''

/** The same as pino's, but computed once per millisecond. */
function timestamp(): string {
  const now = Date.now()
  if (now !== lastMs) {
    lastMs = now
    lastText = `,"time":"${new Date(now).toISOString()}"`
  }
  return lastText
}
