import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Arrivals } from '../../src/engine/pool/policy/arrivals.ts'

const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs

/** A function that was called at these times, each call a tenth of a second long. */
function called(atMs: number[], perWorker = 1): Arrivals {
  const arrivals = new Arrivals(perWorker)
  for (const at of atMs) {
    arrivals.began(at)
    arrivals.ended(at + 100)
  }
  return arrivals
}

const every = (gapMs: number, count: number): number[] => Array.from({ length: count }, (_, n) => n * gapMs)
/** Gaps that are not regular: each is between half and one and a half of the mean. */
const about = (gapMs: number, count: number): number[] => {
  let at = 0
  return Array.from({ length: count }, (_, n) => {
    at += gapMs * (0.5 + ((n * 37) % 100) / 100)
    return at
  })
}
const last = (times: number[]): number => times[times.length - 1] as number

describe('what may be expected of a function', () => {
  test('more of one that is called often', () => {
    const [often, rarely] = [about(minuteMs, 30), about(hourMs, 30)]
    const expected = (times: number[]) => called(times).outlook(1, last(times) + 1000).perMs
    expect(expected(often)).toBeGreaterThan(10 * expected(rarely))
  })

  test('about one call a minute, when it is called about once a minute', () => {
    const times = about(minuteMs, 60)
    const { perMs } = called(times).outlook(1, last(times) + secondMs)
    expect(perMs * minuteMs).toBeGreaterThan(0.5)
    expect(perMs * minuteMs).toBeLessThan(2)
  })

  test('less and less of a busy one that fell silent', () => {
    const times = about(10 * secondMs, 100)
    const arrivals = called(times)
    const after = [minuteMs, hourMs, 24 * hourMs].map((ms) => arrivals.outlook(1, last(times) + ms).perMs)
    expect(after).toEqual([...after].sort((a, b) => b - a))
    expect((after[2] as number) * 24 * hourMs).toBeLessThan(2)
  })

  test('less of one that was called once, the longer ago that was', () => {
    const arrivals = called([0])
    const after = [minuteMs, 10 * minuteMs, 5 * hourMs].map((ms) => arrivals.outlook(1, ms).perMs)
    expect(after).toEqual([...after].sort((a, b) => b - a))
  })

  test('new behaviour replaces old', () => {
    const seldom = about(hourMs, 30)
    const arrivals = called(seldom)
    const before = arrivals.outlook(1, last(seldom) + secondMs).perMs
    const often = about(minuteMs, 200).map((at) => last(seldom) + at)
    for (const at of often) {
      arrivals.began(at)
      arrivals.ended(at + 100)
    }
    expect(arrivals.outlook(1, last(often) + secondMs).perMs).toBeGreaterThan(10 * before)
  })

  test('it is too early while calls come only after a long gap', () => {
    const times = about(6 * hourMs, 40)
    const arrivals = called(times)
    expect(arrivals.outlook(1, last(times) + minuteMs).earlyMs).toBeGreaterThan(0)
  })
})

describe('regular calls', () => {
  test('are expected when they are due, not before', () => {
    const times = every(hourMs, 6)
    const arrivals = called(times)
    const at = (afterMs: number) => arrivals.outlook(1, last(times) + afterMs)
    expect(at(minuteMs).earlyMs).toBeGreaterThan(50 * minuteMs)
    expect(at(hourMs - secondMs)).toMatchObject({ earlyMs: 0, probability: 1 })
    expect(at(hourMs - secondMs).perMs).toBeGreaterThan(50 * at(minuteMs).perMs)
  })

  test('may be a little uneven', () => {
    const times = every(hourMs, 8).map((at, n) => at + (n % 3) * 20 * secondMs)
    expect(called(times).due(last(times) + minuteMs)).not.toBeNull()
  })

  test('may miss one: the one after it is as likely as not', () => {
    const times = every(hourMs, 8)
    const due = called(times).due(last(times) + 1.5 * hourMs)
    expect(due?.probability).toBe(0.5)
    expect(due?.fromMs).toBeGreaterThan(last(times) + 1.9 * hourMs)
  })

  test('that stopped are not expected any more', () => {
    const times = every(hourMs, 8)
    expect(called(times).due(last(times) + 3 * hourMs)).toBeNull()
  })

  test('several calls at once are one arrival', () => {
    const times = every(hourMs, 6).flatMap((at) => [at, at + 300, at + 600])
    expect(called(times).due(last(times) + minuteMs)?.fromMs).toBeGreaterThan(last(times) + 55 * minuteMs)
  })

  const irregular: [string, number[]][] = [
    ['none', []],
    ['one', [0]],
    ['three: two gaps may be equal by chance', every(hourMs, 3)],
    ['those that come as they like', [0, 1, 5, 7, 15, 16, 40, 47, 90].map((minute) => minute * minuteMs)],
  ]
  test.each(irregular)('are not seen in %s', (_title, times) => {
    expect(called(times).due((times.at(-1) ?? 0) + secondMs)).toBeNull()
  })

  test('a call that is known to come is expected, whatever was before', () => {
    const arrivals = called([0])
    arrivals.expect(5 * hourMs)
    expect(arrivals.due(hourMs)).toMatchObject({ fromMs: 5 * hourMs, probability: 1 })
    expect(arrivals.outlook(1, 5 * hourMs - secondMs).perMs).toBeGreaterThan(1 / (10 * secondMs))
    expect(arrivals.due(6 * hourMs)).toBeNull()
  })
})

describe('levels', () => {
  test('the second worker is expected to be needed when two calls come together, not when one does', () => {
    const arrivals = new Arrivals()
    for (let n = 0; n < 60; n++) {
      const at = n * minuteMs + ((n * 37) % 20) * secondMs
      arrivals.began(at)
      if (n % 20 === 0) {
        arrivals.began(at + 10)
        arrivals.ended(at + 20)
      }
      arrivals.ended(at + 100)
    }
    const now = 60 * minuteMs
    expect(arrivals.outlook(1, now).perMs).toBeGreaterThan(4 * arrivals.outlook(2, now).perMs)
  })

  test('calls that share a worker are one level', () => {
    const arrivals = new Arrivals(4)
    for (let n = 0; n < 5; n++) arrivals.began(n)
    expect(arrivals.level).toBe(2)
    for (let n = 0; n < 5; n++) arrivals.ended(10 + n)
    expect(arrivals.level).toBe(0)
  })

  test('an end without a beginning changes nothing', () => {
    const arrivals = new Arrivals()
    arrivals.ended(5)
    expect(arrivals.level).toBe(0)
  })
})

describe('whatever the calls were', () => {
  const calls = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 10 * hourMs }), runMs: fc.nat(hourMs) }), {
    maxLength: 60,
  })

  test('the outlook is a probability, a rate and times that make sense', () => {
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 3 }), fc.nat(100 * 24 * hourMs), (all, level, laterMs) => {
        const arrivals = new Arrivals()
        let now = 0
        const ends: number[] = []
        for (const { gapMs, runMs } of all) {
          now += gapMs
          for (const end of ends.filter((at) => at <= now).sort((a, b) => a - b)) {
            arrivals.ended(end)
            ends.splice(ends.indexOf(end), 1)
          }
          arrivals.began(now)
          ends.push(now + runMs)
        }
        const outlook = arrivals.outlook(level, now + laterMs)
        expect(outlook.probability).toBeGreaterThanOrEqual(0)
        expect(outlook.probability).toBeLessThanOrEqual(1 + 1e-6)
        for (const each of [outlook.perMs, outlook.withinMs, outlook.earlyMs, outlook.holdsMs]) {
          expect(each).toBeGreaterThanOrEqual(0)
          expect(Number.isFinite(each)).toBe(true)
        }
      }),
    )
  })

  test('a million calls leave it working: weights do not overflow', () => {
    const arrivals = new Arrivals()
    for (let n = 0; n < 1_000_000; n++) {
      arrivals.began(n * 5000)
      arrivals.ended(n * 5000 + 10)
    }
    expect(arrivals.outlook(1, 5_000_000_000).perMs).toBeGreaterThan(1 / (10 * secondMs))
  })
})
