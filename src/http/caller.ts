import type { ServerResponse } from 'node:http'
import type { Caller } from '../domain/worker.ts'

/** Who waits for an answer. The signal is made when it is asked for: most calls are served before. */
export class ResponseCaller implements Caller {
  #outgoing: ServerResponse
  #signal: AbortSignal | undefined

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing
  }

  /** Fires when the caller has gone before the answer was complete. */
  get signal(): AbortSignal {
    this.#signal ??= goneSignal(this.#outgoing)
    return this.#signal
  }
}

function goneSignal(outgoing: ServerResponse): AbortSignal {
  if (outgoing.closed && !outgoing.writableFinished) return AbortSignal.abort()
  const controller = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort()
  })
  return controller.signal
}
