import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../domain/clock.ts'

/** Longest time between an upload and its row. */
const graceMs = 3_600_000
/** Marker file beside the code of an unused package; its time says since when. */
const unusedMark = 'unused'

/** Since when a package is unused, as a mark in its folder says. */
export class UnusedMark {
  #clock: Clock
  #place: string

  constructor(clock: Clock, place: string) {
    this.#clock = clock
    this.#place = place
  }

  /** The package counts as just uploaded. */
  takeOff(): void {
    rmSync(join(this.#place, unusedMark), { force: true })
    this.touch()
  }

  touch(path = this.#place): void {
    const now = this.#clock.now() / 1000
    utimesSync(path, now, now)
  }

  /** A newly unused package is marked; it is to be removed when the mark is old enough. */
  isDoomed(isUsed: boolean, keepUnusedMs: number): boolean {
    const mark = join(this.#place, unusedMark)
    const marked = statSync(mark, { throwIfNoEntry: false })
    if (isUsed) {
      if (marked !== undefined) rmSync(mark)
      return false
    }
    if (!this.#isOld()) return false
    if (marked === undefined) this.#put(mark)
    const since = marked?.mtimeMs ?? this.#clock.now()
    return since <= this.#clock.now() - keepUnusedMs
  }

  #put(mark: string): void {
    writeFileSync(mark, '', { mode: 0o600 })
    this.touch(mark)
  }

  #isOld(): boolean {
    const found = statSync(this.#place, { throwIfNoEntry: false })
    return found !== undefined && found.mtimeMs < this.#clock.now() - graceMs
  }
}
