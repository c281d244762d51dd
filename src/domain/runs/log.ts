/** The logger that parts receive; `logger.ts` makes the real one. Keys first, then a sentence. */
export interface Log {
  debug(keys: object, message: string): void
  info(keys: object, message: string): void
  warn(keys: object, message: string): void
  error(keys: object, message: string): void
  /** Like `info`, for frequent lines: the keys are JSON text without the braces. */
  infoText(keys: string, message: string): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, infoText() {} }
