import type { Memory } from './memory.ts'
import { comesBefore, type Waiting } from './policy/pool-policy.ts'

/** Who may wait for memory: the workers of a function version, or a run of a command image. */
export interface InLine {
  readonly projectId: string
  /** What it needs. */
  readonly bytes: number
  /** Since when its oldest call waits; infinite: no call does. */
  readonly since: number
  /** A call waits, and there is no worker for it, nor one on its way. */
  readonly hasNothing: boolean
}

/** Those that found no memory, and whose turn it is. Until the first of them fits, those behind it start nothing more. */
export class MemoryLine {
  #memory: Memory
  #waiting = new Set<InLine>()

  constructor(memory: Memory) {
    this.#memory = memory
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  has(who: InLine): boolean {
    return this.#waiting.has(who)
  }

  add(who: InLine): void {
    this.#waiting.add(who)
  }

  delete(who: InLine): void {
    this.#waiting.delete(who)
  }

  /** How it stands beside others. */
  viewOf({ projectId, since, hasNothing }: InLine): Waiting {
    return { since, hasNothing, heldBytes: this.#memory.heldBy(projectId) }
  }

  /** First those that have nothing, then by turn. */
  inOrder(): InLine[] {
    const viewed = [...this.#waiting].map((who) => ({ who, view: this.viewOf(who) }))
    viewed.sort(({ view: a }, { view: b }) => (comesBefore(a, b) ? -1 : comesBefore(b, a) ? 1 : 0))
    return viewed.map(({ who }) => who)
  }

  /** The first that has nothing. Those that do not fit hold nobody up. */
  first(but: InLine | null, fits: (who: InLine) => boolean): InLine | null {
    const [first] = this.inOrder().filter((who) => who !== but && who.hasNothing && fits(who))
    return first ?? null
  }
}
