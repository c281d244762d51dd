/** Limit of output that a slow reader has not read; further output is dropped. */
const mostUnreadBytes = 1024 * 1024
const leftOutMark = '\n[…]\n'

/** The body of a response that continues while something prints. */
export class TextStream {
  readonly stream: ReadableStream<Uint8Array>
  #shown: (output: string) => string
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #isOver = false
  #leftOut = false

  /** `shown`: formats output; `onLeave`: called when the reader leaves. */
  constructor(shown: (output: string) => string = (output) => output, onLeave: () => void = () => {}) {
    this.#shown = shown
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        cancel: () => {
          this.#isOver = true
          onLeave()
        },
      },
      { highWaterMark: mostUnreadBytes, size: ({ byteLength }) => byteLength },
    )
  }

  /** Dropped output is still stored elsewhere. */
  output(output: string): void {
    if ((this.#controller?.desiredSize ?? 0) <= 0) this.#leftOut = true
    else {
      this.#noteLeftOut()
      this.write(this.#shown(output))
    }
  }

  /** Written even when the reader is slow. */
  write(text: string): void {
    if (!this.#isOver && text !== '') this.#controller?.enqueue(Buffer.from(text))
  }

  end(last = ''): void {
    this.#noteLeftOut()
    this.write(last)
    if (!this.#isOver) this.#controller?.close()
    this.#isOver = true
  }

  #noteLeftOut(): void {
    if (this.#leftOut) this.write(this.#shown(leftOutMark))
    this.#leftOut = false
  }
}
