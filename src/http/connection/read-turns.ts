import { FairQueue } from '../../domain/fair-queue.ts'

/** Number of reads at the same time: one record may have tens of megabytes. */
const mostAtOnce = 4

/**
 * Limits how many large responses are read and formatted at the same time. Projects take turns, and between two reads other
 * requests are served.
 */
export class ReadTurns {
  #waiting = new FairQueue<() => void>()
  #running = 0

  async run<T>(projectId: string, read: () => Promise<T>): Promise<T> {
    if (this.#running < mostAtOnce) this.#running++
    else await new Promise<void>((resolve) => this.#waiting.add(projectId, resolve))
    try {
      return await read()
    } finally {
      setImmediate(() => this.#next())
    }
  }

  /** Hands the place to the next read. */
  #next(): void {
    const next = this.#waiting.next()
    if (next === undefined) this.#running--
    else next()
  }
}
