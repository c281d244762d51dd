import { FaasError } from '../../domain/errors.ts'
import { type Outcome, platformFailed } from '../../domain/outcome.ts'
import type { Call, Revision } from '../../domain/worker.ts'
import type { PoolMemory } from './pool-memory.ts'
import type { WorkerFactory } from './pool-worker.ts'

export interface CommandRunsParts {
  factory: WorkerFactory
  memory: PoolMemory
  limits: { maxWaiting: number; timeoutMs: number }
  /** Called when one has ended. */
  onEnd(): void
}

/** Runs of `command` images: a sandbox each, that nothing is left of. */
export class CommandRuns {
  #parts: CommandRunsParts
  #runs = new Set<Promise<Outcome>>()
  #stop = new AbortController()

  constructor(parts: CommandRunsParts) {
    this.#parts = parts
  }

  /** Those that run or wait for memory. */
  get count(): number {
    return this.#runs.size
  }

  /** Never throws. */
  run(revision: Revision, call: Call): Promise<Outcome> {
    const run = this.#run(revision, call).finally(() => {
      this.#runs.delete(run)
      this.#parts.onEnd()
    })
    this.#runs.add(run)
    return run
  }

  /** Those that run end as the platform's fault. Resolves when they have. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#runs)
  }

  async #run(revision: Revision, call: Call): Promise<Outcome> {
    const { factory, memory, limits } = this.#parts
    try {
      await memory.room(revision.memoryBytes, limits)
    } catch (error) {
      if (!(error instanceof FaasError)) throw error
      return platformFailed(error.message, 0)
    }
    return factory.runCommand(revision, call, this.#stop.signal).finally(() => memory.giveBack(revision.memoryBytes))
  }
}
