import type { Caller } from '../../domain/platform/worker.ts'

/** No caller waits for the run; when it is cancelled, it leaves the queue for workers. */
export class RunCaller implements Caller {
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  leave(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort()
  }
}
