/** A rate limit: a number per second over time, and a burst. */
export interface Rate {
  perSecond: number
  burst: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/**
 * Token buckets by key, in memory. A full bucket equals a new one: when there are too many, full ones are dropped first, then the
 * least recently used.
 */
export class TokenBuckets {
  #buckets = new Map<string, Bucket>()
  #mostKeys: number

  constructor(mostKeys = 10_000) {
    this.#mostKeys = mostKeys
  }

  /** Takes a token. Returns 0 on success, else the time until one is available, in ms. `nowMs` must not decrease. */
  take(key: string, rate: Rate, nowMs: number): number {
    const bucket = this.#at(key, rate, nowMs)
    if (bucket.tokens < 1) return waitMs(bucket, rate)
    bucket.tokens -= 1
    return 0
  }

  /** Like `take`, without taking. */
  peek(key: string, rate: Rate, nowMs: number): number {
    if (!this.#buckets.has(key)) return 0
    const bucket = this.#at(key, rate, nowMs)
    return bucket.tokens < 1 ? waitMs(bucket, rate) : 0
  }

  get size(): number {
    return this.#buckets.size
  }

  #at(key: string, { perSecond, burst }: Rate, nowMs: number): Bucket {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = { tokens: burst, atMs: nowMs }
      if (this.#buckets.size >= this.#mostKeys) this.#forget(perSecond, burst, nowMs)
    } else {
      bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000)
      bucket.atMs = nowMs
      this.#buckets.delete(key)
    }
    // Moves the bucket to the end, so that the map is in order of use.
    this.#buckets.set(key, bucket)
    return bucket
  }

  #forget(perSecond: number, burst: number, nowMs: number): void {
    for (const [key, { tokens, atMs }] of this.#buckets) {
      if (tokens + ((nowMs - atMs) * perSecond) / 1000 >= burst) this.#buckets.delete(key)
    }
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size < this.#mostKeys) return
      this.#buckets.delete(key)
    }
  }
}

const waitMs = ({ tokens }: Bucket, { perSecond }: Rate): number => Math.ceil(((1 - tokens) * 1000) / perSecond)
