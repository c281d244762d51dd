import { describe, expect, test } from 'vitest'
import { TokenBuckets } from '../../src/domain/rate.ts'

const rate = { perSecond: 2, burst: 4 }

describe('a rate', () => {
  test('lets a burst through, then the rate, and says how long to wait', () => {
    const buckets = new TokenBuckets()
    const takes = [0, 0, 0, 0, 0, 250, 500, 500, 1000].map((ms) => buckets.take('a', rate, ms))
    expect(takes).toEqual([0, 0, 0, 0, 500, 250, 0, 500, 0])
  })

  test('is one for each key, and a look takes nothing', () => {
    const buckets = new TokenBuckets()
    for (let n = 0; n < 4; n++) buckets.take('a', rate, 0)
    expect([buckets.peek('a', rate, 0), buckets.peek('a', rate, 250), buckets.peek('b', rate, 0)]).toEqual([
      500, 250, 0,
    ])
    expect(buckets.take('b', rate, 0)).toBe(0)
  })

  test('does not grow beyond its burst, however long nothing happens', () => {
    const buckets = new TokenBuckets()
    buckets.take('a', rate, 0)
    const later = Array.from({ length: 5 }, () => buckets.take('a', rate, 3_600_000))
    expect(later).toEqual([0, 0, 0, 0, 500])
  })

  test('takes no more memory than it may: full buckets go first, then those asked longest ago', () => {
    const buckets = new TokenBuckets(3)
    for (const key of ['a', 'b', 'c', 'd']) buckets.take(key, rate, 0)
    expect(buckets.size).toBe(3)
    buckets.take('e', rate, 3_600_000)
    expect(buckets.size).toBe(1)
  })
})
