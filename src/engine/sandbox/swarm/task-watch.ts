import type { NodeAnswer, TaskAnswer } from './service-options.ts'

export interface Seen {
  tasks: TaskAnswer[]
  nodes: NodeAnswer[]
}

/**
 * Check intervals: while something starts or ends, and otherwise. A lost node is noticed after the swarm's own heartbeats plus
 * the longer interval.
 */
const oftenMs = 150
const seldomMs = 1000

/** Checks the tasks and nodes of a swarm periodically, while anybody has tasks there. */
export class TaskWatch {
  #look: () => Promise<Seen>
  #tell: (seen: Seen) => void
  #pace: () => 'often' | 'seldom' | 'never'
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #closed = false

  constructor(look: () => Promise<Seen>, tell: (seen: Seen) => void, pace: () => 'often' | 'seldom' | 'never') {
    this.#look = look
    this.#tell = tell
    this.#pace = pace
  }

  /** Shortens the interval: something is about to change. */
  hurry(): void {
    if (this.#closed || this.#isLooking) return
    clearTimeout(this.#timer)
    this.#later()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #later(): void {
    const pace = this.#pace()
    if (this.#closed || pace === 'never') return
    this.#timer = setTimeout(() => void this.#once(), pace === 'often' ? oftenMs : seldomMs)
    this.#timer.unref()
  }

  /** When the manager does not answer, the tasks keep their last known state. */
  async #once(): Promise<void> {
    this.#isLooking = true
    const seen = await this.#look().catch(() => null)
    this.#isLooking = false
    if (seen !== null && !this.#closed) this.#tell(seen)
    this.#later()
  }
}
