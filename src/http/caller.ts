import type { ServerResponse } from 'node:http'
import type { Caller } from '../domain/worker.ts'

/** Who waits for an answer. The signal is made when it is asked for: most calls are served before. */
export class ResponseCaller implements Caller {
  #outgoing: ServerResponse
  #controller: AbortController | undefined
  #hasLeft = false

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /** Fires when the caller has gone before the answer was complete. */
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
