import type { NodeAnswer, TaskAnswer } from './service-options.ts'

export interface Seen {
  tasks: TaskAnswer[]
  nodes: NodeAnswer[]
}

/** While something starts or ends, and else. A node that is lost is noticed after the swarm's own heartbeats and one of the latter. */
const oftenMs = 150
const seldomMs = 1000

/** Looks at the tasks and nodes of a swarm again and again, for as long as somebody has tasks there. */
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

  /** Something is about to change. */
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

  /** A manager that does not answer says nothing about its tasks: they are as they were. */
  async #once(): Promise<void> {
    this.#isLooking = true
    const seen = await this.#look().catch(() => null)
    this.#isLooking = false
    if (seen !== null && !this.#closed) this.#tell(seen)
    this.#later()
  }
}
