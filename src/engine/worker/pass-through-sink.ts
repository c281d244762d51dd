import type { StreamSink } from '../../domain/platform/worker.ts'
import type { HttpHead } from '../../domain/runs/outcome.ts'

/** A sink that reports each chunk: a stream with steady data may run longer than the function's timeout. */
export class PassThroughSink implements StreamSink {
  #sink: StreamSink
  #onFlow: () => void

  constructor(sink: StreamSink, onFlow: () => void) {
    this.#sink = sink
    this.#onFlow = onFlow
  }

  head(head: HttpHead): void {
    this.#onFlow()
    this.#sink.head(head)
  }

  write(chunk: Buffer): boolean {
    this.#onFlow()
    return this.#sink.write(chunk)
  }

  drained(): Promise<void> {
    return this.#sink.drained()
  }
}
