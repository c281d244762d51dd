import { FaasError } from '../../domain/errors.ts'
import { FairQueue } from '../../domain/fair-queue.ts'

interface Waiting {
  project: string
  begin(): void
}

/** The build queue: at most `maxBuilds` at once, one per project, and projects take turns. */
export class BuildQueue {
  #most: number
  #waiting = new FairQueue<Waiting>()
  #busy = new Set<string>()
  /** Project of the previous build. */
  #last = ''
  #closed = false

  constructor(most: number) {
    this.#most = most
  }

  /**
   * Resolves when the project may build; calling the result ends its turn. `onWaiting`: called when others are first. Throws
   * FaasError `shutting_down`.
   */
  async turn(project: string, onWaiting: () => void = () => {}): Promise<() => void> {
    if (this.#closed) throw serverStopping()
    const { promise, resolve } = Promise.withResolvers<void>()
    let begun = false
    const begin = () => {
      begun = true
      resolve()
    }
    this.#waiting.add(project, { project, begin })
    this.#next()
    if (!begun) onWaiting()
    await promise
    if (this.#closed) throw serverStopping()
    return () => {
      this.#busy.delete(project)
      this.#next()
    }
  }

  /** Rejects everybody who waits. */
  close(): void {
    this.#closed = true
    for (let one = this.#waiting.next(); one !== undefined; one = this.#waiting.next()) one.begin()
  }

  #next(): void {
    if (this.#closed || this.#busy.size >= this.#most) return
    const found = this.#take((project) => project !== this.#last) ?? this.#take(() => true)
    if (found === undefined) return
    this.#busy.add(found.project)
    this.#last = found.project
    found.begin()
    this.#next()
  }

  #take(isPreferred: (project: string) => boolean): Waiting | undefined {
    return this.#waiting.next((project) => !this.#busy.has(project) && isPreferred(project))
  }
}

export const serverStopping = (): FaasError =>
  new FaasError('shutting_down', 'The server is stopping; try again in a moment.')
