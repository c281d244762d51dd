/** Buckets for each doubling: the relative error is at most 4.5 %. */
const perDoubling = 8
/** Up to 2^34 µs, almost five hours. */
const doublings = 34
const bucketCount = doublings * perDoubling

/** A histogram of durations with logarithmic buckets, which costs one addition per value. */
export class Durations {
  count = 0
  sumMs = 0
  /** Allocated for the first value other than zero: most phases of most runs are zero. */
  #buckets: Uint32Array | undefined

  add(ms: number): void {
    this.count++
    if (ms < 0.001) return
    this.sumMs += ms
    this.#buckets ??= new Uint32Array(bucketCount)
    const bucket = Math.min(bucketCount - 1, Math.floor(Math.log2(ms * 1000) * perDoubling))
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1
  }

  addAll(others: Durations): void {
    this.count += others.count
    this.sumMs += others.sumMs
    if (others.#buckets === undefined) return
    this.#buckets ??= new Uint32Array(bucketCount)
    for (const [bucket, count] of others.#buckets.entries()) {
      this.#buckets[bucket] = (this.#buckets[bucket] as number) + count
    }
  }

  /** The value in ms that this share of the values does not exceed; null without values. */
  percentile(share: number): number | null {
    if (this.count === 0) return null
    let left = Math.ceil(this.count * share) - this.#zeros()
    if (left <= 0) return 0
    for (const [bucket, count] of (this.#buckets ?? []).entries()) {
      left -= count
      if (left <= 0) return 2 ** ((bucket + 0.5) / perDoubling) / 1000
    }
    return 0
  }

  /** Number of values below 2^`exponent` µs. */
  below(exponent: number): number {
    return this.#zeros() + total(this.#buckets?.subarray(0, exponent * perDoubling))
  }

  #zeros(): number {
    return this.count - total(this.#buckets)
  }
}

const total = (buckets: Uint32Array | undefined): number => buckets?.reduce((sum, count) => sum + count, 0) ?? 0
