/** Of output that a slow reader has not taken; what comes then is left out. */
const mostUnreadBytes = 1024 * 1024
const leftOutMark = '\n[…]\n'

/** The body of an answer that goes on while something prints. */
export class LiveText {
  readonly stream: ReadableStream<Uint8Array>
  #shown: (output: string) => string
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #isOver = false
  #leftOut = false

  /** `shown`: how output is written; `onLeave`: the reader has left. */
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

  /** What is left out is kept elsewhere. */
  output(output: string): void {
    if ((this.#controller?.desiredSize ?? 0) <= 0) this.#leftOut = true
    else {
      this.#noteLeftOut()
      this.write(this.#shown(output))
    }
  }

  /** In any case, whether the reader is slow or not. */
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
