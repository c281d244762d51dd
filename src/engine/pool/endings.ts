import type { PoolWorker } from './pool-worker.ts'

/** Workers that were told to end, until nothing of them is left. */
export class Endings {
  #ending = new Set<Promise<void>>()

  end(worker: PoolWorker): void {
    const ended = worker.kill().finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }

  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }
}
