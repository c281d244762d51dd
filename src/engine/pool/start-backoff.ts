import type { Clock } from '../../domain/clock.ts'

const firstPauseMs = 500
const longestPauseMs = 60_000

/** The pause after a failed start: twice as long with each failure, until a worker is there. `onEnd`: called when it is over. */
export class StartBackoff {
  #clock: Clock
  #onEnd: () => void
  #pauseMs = firstPauseMs
  #stop: (() => void) | null = null

  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
  }

  get isPausing(): boolean {
    return this.#stop !== null
  }

  /** Returns the length of the pause that begins, in ms. */
  begin(): number {
    const pauseMs = this.#pauseMs
    this.#stop = this.#clock.after(pauseMs, () => {
      this.#stop = null
      this.#onEnd()
    })
    this.#pauseMs = Math.min(longestPauseMs, pauseMs * 2)
    return pauseMs
  }

  reset(): void {
    this.#pauseMs = firstPauseMs
  }

  /** Nothing is called at the end of the pause, which stays in effect. */
  stop(): void {
    this.#stop?.()
  }
}
