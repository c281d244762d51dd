import type { NodeAnswer, TaskAnswer } from './service-options.ts'

export interface ObservedTasks {
  tasks: TaskAnswer[]
  nodes: NodeAnswer[]
}

/**
 * Check intervals in ms: while something starts or ends, while tasks run, and while there are none (only nodes come and go then). A lost
 * node is noticed after the swarm's own heartbeats plus the second interval.
 */
const paces = { often: 150, seldom: 1000, rarely: 3000 }

/** How long the manager's word is doubted after it was away. */
const doubtMs = 30_000

export type PollRate = keyof typeof paces

/** Checks the tasks and nodes of a swarm periodically. */
export class TaskWatch {
  #look: () => Promise<ObservedTasks>
  #tell: (seen: ObservedTasks) => void
  #pace: () => PollRate
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #doubt: NodeJS.Timeout | undefined
  #closed = false

  constructor(look: () => Promise<ObservedTasks>, tell: (seen: ObservedTasks) => void, pace: () => PollRate) {
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

  /** True while the manager does not answer, and for a while afterwards: nodes report late what ended meanwhile. */
  get isInDoubt(): boolean {
    return this.#doubt !== undefined
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #beginDoubt(): void {
    clearTimeout(this.#doubt)
    this.#doubt = setTimeout(() => {
      this.#doubt = undefined
    }, doubtMs)
    this.#doubt.unref()
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
    if (seen === null) this.#beginDoubt()
    this.#isLooking = false
    if (seen !== null && !this.#closed) this.#tell(seen)
    this.#later()
  }
}
