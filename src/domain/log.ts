/** What any part may do with a logger it was handed; `logger.ts` makes the real one. Keys first, then a sentence. */
export interface Log {
  debug(keys: object, message: string): void
  info(keys: object, message: string): void
  warn(keys: object, message: string): void
  error(keys: object, message: string): void
  /** As `info`, for what is said at every call: the keys are JSON text already, without the braces. */
  infoText(keys: string, message: string): void
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, infoText() {} }
