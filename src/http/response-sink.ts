import type { ServerResponse } from 'node:http'
import type { HttpHead, Outcome } from '../domain/outcome.ts'
import type { StreamSink } from '../domain/worker.ts'
import { announcedLength, bodilessLength, hasBody, passedHeaders } from './function-headers.ts'

/**
 * A streamed answer on its way to the caller. One that is longer or shorter than announced is cut off with its connection:
 * what comes next on it, perhaps for another caller of the same proxy, would be taken for a part of this answer, or the
 * other way round.
 */
export class ResponseSink implements StreamSink {
  hasBegun = false
  #outgoing: ServerResponse
  #executionId: string
  /** Bytes that are still to come; null: the end says where it is. */
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

  /** One wait for all chunks that are held up: a listener for each would stay until the answer is over. */
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

  /** A stream that broke is cut off, so that the caller does not take it for whole. */
  finish(outcome: Outcome): void {
    if (outcome.kind === 'streamed' && (this.#left === null || this.#left === 0)) this.#outgoing.end()
    else this.#cutOff()
  }

  /** True: nothing is waited for any more. */
  #cutOff(): boolean {
    this.#outgoing.destroy()
    return true
  }
}
