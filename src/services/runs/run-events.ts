import type { Execution } from '../../domain/execution.ts'

/** What happens to runs, as it happens: for those who watch. Nothing is kept, and nobody who watches holds a run up. */

export type RunEvent =
  /** It has begun to wait for its worker, or has ended, or will be tried again. */
  | { kind: 'execution'; execution: Execution }
  /** It printed this. */
  | { kind: 'log'; execution: Execution; text: string }

type Listener = (event: RunEvent) => void

export class RunEvents {
  #listeners = new Set<Listener>()

  /** False: nobody would hear of an event, so that none has to be made. */
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
