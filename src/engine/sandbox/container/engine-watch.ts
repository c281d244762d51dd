import type { Log } from '../../../domain/runs/log.ts'

export interface EngineWatchOptions {
  everyMs: number
  /** An engine that takes longer to answer a ping counts as away. */
  answerMs: number
}

/** With this interval a stopped engine delays few starts, and the pings cost little. */
export const defaultWatch: EngineWatchOptions = { everyMs: 2000, answerMs: 5000 }

/** Pings the engine periodically. Before the first result the engine counts as up. */
export class EngineWatch {
  #ping: () => Promise<unknown>
  #log: Log
  #options: EngineWatchOptions
  #isUp = true
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(ping: () => Promise<unknown>, log: Log, options: EngineWatchOptions = defaultWatch) {
    this.#ping = ping
    this.#log = log
    this.#options = options
    this.#lookLater()
  }

  get isUp(): boolean {
    return this.#isUp
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #lookLater(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#look(), this.#options.everyMs)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const late = setTimeout(() => this.#note(false, 'no answer'), this.#options.answerMs)
    late.unref()
    await this.#ping().then(
      () => this.#note(true),
      (error: unknown) => this.#note(false, error),
    )
    clearTimeout(late)
    this.#lookLater()
  }

  #note(isUp: boolean, reason?: unknown): void {
    if (isUp === this.#isUp || this.#closed) return
    this.#isUp = isUp
    if (isUp) this.#log.info({}, 'the docker engine answers again')
    else this.#log.warn({ err: reason }, 'the docker engine does not answer: no worker is started until it does')
  }
}
