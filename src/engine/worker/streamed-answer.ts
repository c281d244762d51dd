import type { StreamSink } from '../../domain/platform/worker.ts'
import type { HttpHead } from '../../domain/runs/outcome.ts'
import { ByteBuffer } from './byte-buffer.ts'
import { ProtocolError, streamWindowBytes } from './protocol.ts'

/** Credit is sent in lumps: credit per chunk would answer each byte with a frame of thirty bytes. */
const lumpBytes = streamWindowBytes / 4

/**
 * A streamed response on its way from a worker to its reader. At most a window of unread data is kept, as bytes, however small
 * the pieces were. Credit is sent for data that was read, once the worker has read the previous credit.
 */
export class StreamedAnswer {
  readonly head: HttpHead
  #sink: StreamSink
  #held = new ByteBuffer()
  #isFull = false
  #isOver = false
  /** Bytes that arrived and for which no credit was sent yet. */
  #unpaidBytes = 0
  /** The part of `#unpaidBytes` that was read. */
  #owedBytes = 0
  #isPaying = false
  #pay: (bytes: number, onRead: () => void) => void

  /** `pay`: sends credit, and reports when the worker's side has read it. */
  constructor(head: HttpHead, sink: StreamSink, pay: (bytes: number, onRead: () => void) => void) {
    this.head = head
    this.#sink = sink
    this.#pay = pay
    sink.head(head)
  }

  /** Throws ProtocolError when the worker had no credit for the chunk: unrequested data would fill our memory. */
  write(chunk: Buffer): void {
    this.#unpaidBytes += chunk.length
    if (this.#unpaidBytes > streamWindowBytes) throw new ProtocolError('a worker sent more than it had credit for')
    if (this.#isFull) this.#held.add(chunk)
    else this.#pass(chunk)
  }

  /** The response has ended: sends what was held back. */
  end(): void {
    this.#isOver = true
    if (this.#held.length > 0) this.#sink.write(this.#held.take())
  }

  #pass(chunk: Buffer): void {
    if (this.#sink.write(chunk)) return this.#owe(chunk.length)
    this.#isFull = true
    void this.#sink.drained().then(() => {
      this.#isFull = false
      this.#owe(chunk.length)
      if (!this.#isOver && this.#held.length > 0) this.#pass(this.#held.take())
    })
  }

  #owe(bytes: number): void {
    this.#owedBytes += bytes
    if (this.#isPaying || this.#isOver || this.#owedBytes < lumpBytes) return
    const lump = this.#owedBytes
    this.#owedBytes = 0
    this.#unpaidBytes -= lump
    this.#isPaying = true
    this.#pay(lump, () => {
      this.#isPaying = false
      this.#owe(0)
    })
  }
}
