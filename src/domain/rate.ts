/** How often something may happen: a number a second in the long run, and a number at once. */
export interface Rate {
  perSecond: number
  burst: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/**
 * Token buckets by key, in memory. One that is full again is as good as none: when there are too many, those go first, then
 * the ones that were asked longest ago.
 */
export class TokenBuckets {
  #buckets = new Map<string, Bucket>()
  #mostKeys: number

  constructor(mostKeys = 10_000) {
    this.#mostKeys = mostKeys
  }

  /** Takes one. 0: it was there; else the time until one is, in ms. `now` only grows. */
  take(key: string, rate: Rate, nowMs: number): number {
    const bucket = this.#at(key, rate, nowMs)
    if (bucket.tokens < 1) return waitMs(bucket, rate)
    bucket.tokens -= 1
    return 0
  }

  /** The same without taking it. */
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
    // The one asked last is behind the others.
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
