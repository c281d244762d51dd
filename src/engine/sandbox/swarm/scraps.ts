import { pause } from '../container/pause.ts'
import type { Removable, SwarmClient } from './swarm-client.ts'

export interface Scrap {
  what: Removable
  id: string
}

/** Resources of ended workers: the swarm releases what a task used a moment after its end. */
export class Scraps {
  #swarm: Pick<SwarmClient, 'remove'>
  #waiting: Scrap[] = []
  /** Number of scraps whose removal the swarm has been asked for. */
  #beingRemoved = 0
  #closed = false

  constructor(swarm: Pick<SwarmClient, 'remove'>) {
    this.#swarm = swarm
  }

  /** Tries once to remove these and all that wait; what stays is tried again by itself. */
  async remove(scraps: Scrap[]): Promise<void> {
    this.#waiting.push(...scraps)
    await this.#sweep()
  }

  /** No removal is tried by itself any more. */
  close(): void {
    this.#closed = true
  }

  /** Tries for ten seconds. */
  async removeAll(): Promise<void> {
    for (let tries = 0; this.#areLeft && tries < 20; tries++) {
      await this.#sweep()
      if (this.#areLeft) await pause(sweepMs)
    }
  }

  get #areLeft(): boolean {
    return this.#waiting.length + this.#beingRemoved > 0
  }

  async #sweep(): Promise<void> {
    const scraps = this.#waiting.splice(0)
    this.#beingRemoved += scraps.length
    const stay = await Promise.all(
      scraps.map(async (scrap) => !(await this.#swarm.remove(scrap.what, scrap.id).catch(() => false)) && scrap),
    )
    this.#beingRemoved -= scraps.length
    this.#waiting.push(...stay.filter((scrap) => scrap !== false))
    if (this.#waiting.length === 0 || this.#closed) return
    setTimeout(() => void this.#sweep(), sweepMs).unref()
  }
}

const sweepMs = 500
