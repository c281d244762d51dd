import type { NodeAnswer, TaskAnswer } from './service-options.ts'

export interface Seen {
  tasks: TaskAnswer[]
  nodes: NodeAnswer[]
}

/**
 * Check intervals in ms: while something starts or ends, while tasks run, and while there are none (only nodes come and go then). A lost
 * node is noticed after the swarm's own heartbeats plus the second interval.
 */
const paces = { often: 150, seldom: 1000, rarely: 3000 }

export type Pace = keyof typeof paces

/** Checks the tasks and nodes of a swarm periodically. */
export class TaskWatch {
  #look: () => Promise<Seen>
  #tell: (seen: Seen) => void
  #pace: () => Pace
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #closed = false

  constructor(look: () => Promise<Seen>, tell: (seen: Seen) => void, pace: () => Pace) {
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
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#once(), paces[this.#pace()])
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
