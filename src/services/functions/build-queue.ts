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
   * Resolves when the project may build; calling the result ends its turn. `onWaiting`: called when others are first; `signal`:
   * gives up a turn that has not begun. Throws FaasError `shutting_down`, or the reason of the signal.
   */
  async turn(project: string, onWaiting: () => void = () => {}, signal?: AbortSignal): Promise<() => void> {
    if (this.#closed) throw serverStopping()
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let begun = false
    const begin = () => {
      begun = true
      resolve()
    }
    const waiting = { project, begin }
    const giveUp = () => {
      this.#waiting.delete(project, (one) => one === waiting)
      reject(signal?.reason)
    }
    this.#waiting.add(project, waiting)
    signal?.addEventListener('abort', giveUp, { once: true })
    this.#next()
    if (!begun) onWaiting()
    await promise.finally(() => signal?.removeEventListener('abort', giveUp))
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
