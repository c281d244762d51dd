import type { HttpHead, Value } from '../../domain/outcome.ts'
import type { StreamSink } from '../../domain/worker.ts'
import { GatheredBytes } from './gathered-bytes.ts'

/** A streamed answer that nobody listens to while it comes (a job's, an async call's), put together up to a limit. */
export class CollectedStream implements StreamSink {
  tooLarge = false
  #head: HttpHead = { status: 200, headers: [] }
  #bytes = new GatheredBytes()
  #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  head(head: HttpHead): void {
    this.#head = head
  }

  /** What is beyond the limit is let go, so that the function can end. */
  write(chunk: Buffer): boolean {
    if (!this.tooLarge && this.#bytes.length + chunk.length <= this.#maxBytes) this.#bytes.add(chunk)
    else {
      this.tooLarge = true
      this.#bytes.clear()
    }
    return true
  }

  async drained(): Promise<void> {}

  value(): Value {
    const body = this.#bytes.take()
    return { kind: kindOf(this.#head, body), body, http: this.#head }
  }
}

/** What a body is, going by what its head says, as far as that is true. */
function kindOf(head: HttpHead, body: Buffer): Value['kind'] {
  const type = head.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  if (/^application\/([\w.+-]*\+)?json\b/i.test(type)) return isJson(body) ? 'json' : 'text'
  return /^text\//i.test(type) ? 'text' : 'bytes'
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'))
    return true
  } catch {
    return false
  }
}
