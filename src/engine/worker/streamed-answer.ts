import type { HttpHead } from '../../domain/outcome.ts'
import type { StreamSink } from '../../domain/worker.ts'
import { GatheredBytes } from './gathered-bytes.ts'
import { ProtocolError, streamWindowBytes } from './protocol.ts'

/** Credit is given in lumps: one for each chunk would answer every byte with thirty. */
const lumpBytes = streamWindowBytes / 4

/**
 * A streamed answer on its way from a worker to whoever reads it. What the reader has not taken is at most a window, kept as bytes
 * however small the pieces were; credit is given for what was taken, and only when the worker has read the last.
 */
export class StreamedAnswer {
  readonly head: HttpHead
  #sink: StreamSink
  #held = new GatheredBytes()
  #isFull = false
  #isOver = false
  /** Bytes that arrived and for which no credit was given yet. */
  #unpaidBytes = 0
  /** The part of `#unpaidBytes` that the reader took. */
  #owedBytes = 0
  #isPaying = false
  #pay: (bytes: number, onRead: () => void) => void

  /** `pay`: sends credit, and tells when the worker's side has taken it. */
  constructor(head: HttpHead, sink: StreamSink, pay: (bytes: number, onRead: () => void) => void) {
    this.head = head
    this.#sink = sink
    this.#pay = pay
    sink.head(head)
  }

  /** Throws ProtocolError when the worker had no credit for it: what was not asked for would fill our memory. */
  write(chunk: Buffer): void {
    this.#unpaidBytes += chunk.length
    if (this.#unpaidBytes > streamWindowBytes) throw new ProtocolError('a worker sent more than it had credit for')
    if (this.#isFull) this.#held.add(chunk)
    else this.#pass(chunk)
  }

  /** Nothing more comes: what was held back goes out. */
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
