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
   * Resolves when the project may build; calling the result ends its turn. `onWaiting`: called when others are first; `signal`: gives the
   * turn up. Throws FaasError `shutting_down`, or the reason of the signal.
   */
  async turn(project: string, onWaiting: () => void = () => {}, signal?: AbortSignal): Promise<() => void> {
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
    const end = () => {
      this.#busy.delete(project)
      this.#next()
    }
    await this.#begun(promise, end, signal)
    if (this.#closed) throw serverStopping()
    return end
  }

  /** A turn that is given up while it waits is passed on when it comes. */
  async #begun(promise: Promise<void>, end: () => void, signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) return promise
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const giveUp = () => reject(signal.reason)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp)
    try {
      await Promise.race([aborted, promise])
    } catch (error) {
      void promise.then(end)
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp)
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
