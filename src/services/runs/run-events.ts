import type { Execution } from '../../domain/runs/execution.ts'

/** Events of runs for watchers. Nothing is stored, and watchers do not delay runs. */

export type RunEvent =
  /** It waits for its worker, has ended, or will be retried. */
  | { kind: 'execution'; execution: Execution }
  /** It printed this text. */
  | { kind: 'log'; execution: Execution; text: string }

type Listener = (event: RunEvent) => void

export class RunEvents {
  #listeners = new Set<Listener>()

  /** False: nobody watches, so no event has to be created. */
  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  /** The listener must be quick and must not throw. Returns how to stop. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(event: RunEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
