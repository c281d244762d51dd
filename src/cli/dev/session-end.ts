const endSignals = ['SIGTERM', 'SIGHUP'] as const

/**
 * What ends a session: `q`, Ctrl-C or a signal. It listens from before the session's own server starts until that is stopped: a
 * signal that comes while the server starts must not leave it running.
 */
export class SessionEnd implements Disposable {
  readonly #controller = new AbortController()
  readonly signal = this.#controller.signal
  readonly abort = (): void => this.#controller.abort()
  /** Fulfilled when it has come. */
  readonly came = new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))

  constructor(interrupted: AbortSignal) {
    interrupted.addEventListener('abort', this.abort)
    if (interrupted.aborted) this.abort()
    for (const signal of endSignals) process.on(signal, this.abort)
  }

  [Symbol.dispose](): void {
    for (const signal of endSignals) process.off(signal, this.abort)
  }
}
