import type { HttpHead, Value } from '../domain/outcome.ts'
import type { StreamSink } from '../domain/worker.ts'

/** A streamed answer that nobody listens to while it comes (a job's, an async call's), put together up to a limit. */
export class CollectedStream implements StreamSink {
  tooLarge = false
  #head: HttpHead = { status: 200, headers: [] }
  #chunks: Buffer[] = []
  #bytes = 0
  #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  head(head: HttpHead): void {
    this.#head = head
  }

  /** What is beyond the limit is let go, so that the function can end. */
  write(chunk: Buffer): boolean {
    this.#bytes += chunk.length
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(Buffer.from(chunk))
    else {
      this.tooLarge = true
      this.#chunks = []
    }
    return true
  }

  async drained(): Promise<void> {}

  value(): Value {
    return { kind: kindOf(this.#head), body: Buffer.concat(this.#chunks), http: this.#head }
  }
}

/** What a body is, going by what its head says. */
export function kindOf(head: HttpHead): Value['kind'] {
  const type = head.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (/^application\/([\w.+-]*\+)?json\b/i.test(type)) return 'json'
  return /^text\//i.test(type) ? 'text' : 'bytes'
}
