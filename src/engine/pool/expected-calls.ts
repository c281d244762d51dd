import type { Clock } from '../../domain/clock.ts'
import type { Revision } from '../../domain/worker.ts'
import { isOf } from './groups.ts'

interface Expected {
  revision: Revision
  stop(): void
}

/** Calls that are due at a known time: their worker is made warm shortly before. */
export class ExpectedCalls {
  #clock: Clock
  #expected = new Set<Expected>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(revision: Revision, inMs: number, warm: () => void): void {
    const stop = this.#clock.after(Math.max(0, inMs), () => {
      this.#expected.delete(expected)
      warm()
    })
    const expected = { revision, stop }
    this.#expected.add(expected)
  }

  /** The revision is not current any more: what is called then is another. */
  retire(functionId: string, version: number | null): void {
    this.#drop(({ revision }) => isOf(revision, functionId, version))
  }

  close(): void {
    this.#drop(() => true)
  }

  #drop(matches: (expected: Expected) => boolean): void {
    for (const expected of this.#expected) {
      if (!matches(expected)) continue
      expected.stop()
      this.#expected.delete(expected)
    }
  }
}
