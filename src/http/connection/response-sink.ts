import type { ServerResponse } from 'node:http'
import type { StreamSink } from '../../domain/platform/worker.ts'
import type { HttpHead, Outcome } from '../../domain/runs/outcome.ts'
import { announcedLength, bodilessLength, hasBody, passedHeaders } from '../functions/function-headers.ts'

/**
 * A streamed response on its way to the caller. When its length differs from Content-Length, the connection is cut: otherwise a
 * later response on the same connection, perhaps for another caller of a proxy, would be mixed up with this one.
 */
export class ResponseSink implements StreamSink {
  hasBegun = false
  #outgoing: ServerResponse
  #executionId: string
  /** Bytes that are still to come; null: the end marks itself. */
  #left: number | null = null
  #draining: Promise<void> | null = null

  constructor(outgoing: ServerResponse, executionId: string) {
    this.#outgoing = outgoing
    this.#executionId = executionId
  }

  head(head: HttpHead): void {
    this.hasBegun = true
    const headers = [...passedHeaders(head, this.#outgoing), 'X-Execution-Id', this.#executionId]
    if (hasBody(this.#outgoing.req.method, head.status)) {
      this.#left = announcedLength(head)
      if (this.#left !== null) headers.push('Content-Length', String(this.#left))
    } else headers.push(...bodilessLength(head, 0))
    this.#outgoing.writeHead(head.status, headers)
    this.#outgoing.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    if (this.#outgoing.destroyed) return true
    if (this.#left !== null) {
      this.#left -= chunk.length
      if (this.#left < 0) return this.#cutOff()
    }
    return this.#outgoing.write(chunk)
  }

  /** One promise for all blocked chunks: a listener for each would stay until the response ends. */
  drained(): Promise<void> {
    this.#draining ??= new Promise((resolve) => {
      const done = () => {
        this.#outgoing.off('drain', done).off('close', done)
        this.#draining = null
        resolve()
      }
      this.#outgoing.on('drain', done).on('close', done)
    })
    return this.#draining
  }

  /** A broken stream is cut, so that the caller does not take it for complete. */
  finish(outcome: Outcome): void {
    if (outcome.kind === 'streamed' && (this.#left === null || this.#left === 0)) this.#outgoing.end()
    else this.#cutOff()
  }

  /** True: nobody waits any more. */
  #cutOff(): boolean {
    this.#outgoing.destroy()
    return true
  }
}
