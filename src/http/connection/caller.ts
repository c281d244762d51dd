import type { ServerResponse } from 'node:http'
import type { Caller } from '../../domain/platform/worker.ts'

/** The caller who waits for a response. The signal is created on demand: most calls end before. */
export class ResponseCaller implements Caller {
  #outgoing: ServerResponse
  #controller: AbortController | undefined
  #hasLeft = false

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /** Fires when the caller has left before the response was complete. */
  get signal(): AbortSignal {
    this.#controller ??= goneController(this.#outgoing)
    if (this.#hasLeft) this.#controller.abort()
    return this.#controller.signal
  }

  leave(): void {
    this.#hasLeft = true
    this.#controller?.abort()
  }
}

function goneController(outgoing: ServerResponse): AbortController {
  const controller = new AbortController()
  if (outgoing.closed && !outgoing.writableFinished) controller.abort()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort()
  })
  return controller
}
