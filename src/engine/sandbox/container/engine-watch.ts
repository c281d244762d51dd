import type { Log } from '../../../domain/log.ts'

export interface EngineWatchOptions {
  everyMs: number
  /** An engine that takes longer to say that it is there counts as away. */
  answerMs: number
}

/** Often enough that a stopped engine holds up few starts, and seldom enough to cost nothing. */
export const usualWatch: EngineWatchOptions = { everyMs: 2000, answerMs: 5000 }

/** Asks the engine again and again whether it is there. What cannot be known yet counts as there. */
export class EngineWatch {
  #ping: () => Promise<unknown>
  #log: Log
  #options: EngineWatchOptions
  #isUp = true
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(ping: () => Promise<unknown>, log: Log, options: EngineWatchOptions = usualWatch) {
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
