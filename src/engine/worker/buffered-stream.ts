import type { StreamSink } from '../../domain/platform/worker.ts'
import type { HttpHead, Value } from '../../domain/runs/outcome.ts'
import { ByteBuffer } from './byte-buffer.ts'

/** Collects a streamed response of a job or an asynchronous call, for which nobody reads the stream, up to a limit. */
export class BufferedStream implements StreamSink {
  tooLarge = false
  #head: HttpHead = { status: 200, headers: [] }
  #bytes = new ByteBuffer()
  #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  head(head: HttpHead): void {
    this.#head = head
  }

  /** Data beyond the limit is discarded, so that the function can end. */
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

/** The kind of a body, by its content type, where the body agrees with it. */
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
