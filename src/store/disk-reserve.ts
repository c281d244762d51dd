import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import { sizeText } from '../domain/platform/data-facts.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import type { Log } from '../domain/runs/log.ts'
import { diskSpace } from './data-facts.ts'

export interface DiskReserveOptions {
  /** Folder of the data. */
  folder: string
  /** Bytes that new data leaves free, so that accepted runs can still be completed; 0: none. */
  reserveBytes: number
  clock: Pick<Clock, 'elapsed'>
  log: Log
  freeBytes?(folder: string): number
}

/** How long a measurement of the disk is reused. */
const lookMs = 200

/**
 * Fraction of the reserve that must be free in addition before new data is accepted again, so that small changes do not toggle
 * the state.
 */
const margin = 0.1

/** Whether the reserve is in use from now on. Pure. */
export const isShort = (was: boolean, freeBytes: number, reserveBytes: number): boolean =>
  freeBytes < reserveBytes + (was ? reserveBytes * margin : 0)

/** Measures the disk on demand, and logs when the reserve begins and stops being used. */
export class DiskReserve implements DiskSpace {
  #options: DiskReserveOptions
  #freeBytes = 0
  #lookedAt = Number.NEGATIVE_INFINITY
  #isShort = false

  constructor(options: DiskReserveOptions) {
    this.#options = options
  }

  refuseMore(bytes = 0): void {
    const { reserveBytes, folder } = this.#options
    const free = this.#look()
    if (reserveBytes === 0 || (!this.#isShort && free - bytes >= reserveBytes)) return
    const left = `The disk of the data folder (TAIBAI_DATA_DIR) has ${sizeText(free)} left`
    const wants = bytes > 0 ? `, this would take ${sizeText(bytes)} of it` : ''
    throw new FaasError(
      'storage_full',
      `${left}${wants}, and TAIBAI_DISK_RESERVE_MB keeps ${sizeText(reserveBytes)} free: nothing new is accepted until ${sizeText(reserveBytes + (this.#isShort ? reserveBytes * margin : 0))} are free.`,
      { cause: new Error(`${folder} is nearly full.`) },
    )
  }

  get isNearlyGone(): boolean {
    const { reserveBytes } = this.#options
    return reserveBytes > 0 && this.#look() < reserveBytes / 2
  }

  #look(): number {
    const { folder, clock, freeBytes = freeBytesOf } = this.#options
    const now = clock.elapsed()
    if (now - this.#lookedAt < lookMs) return this.#freeBytes
    this.#lookedAt = now
    this.#freeBytes = freeBytes(folder)
    this.#say()
    return this.#freeBytes
  }

  #say(): void {
    const { folder, reserveBytes, log } = this.#options
    const isNowShort = isShort(this.#isShort, this.#freeBytes, reserveBytes)
    if (isNowShort === this.#isShort) return
    this.#isShort = isNowShort
    const keys = { folder, freeBytes: this.#freeBytes, reserveBytes }
    if (isNowShort) log.error(keys, 'the disk is nearly full: nothing new is accepted')
    else log.warn(keys, 'there is space on the disk again')
  }
}

/** Infinite when it cannot be measured, for example when the folder is gone: the end of a call must not fail for that. */
function freeBytesOf(folder: string): number {
  try {
    return diskSpace(folder).freeBytes
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
