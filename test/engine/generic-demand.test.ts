import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GenericDemand } from '../../src/engine/pool/policy/generic-demand.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const refillMs = 500

/** `together` workers are taken at once, every `everyMs`. */
function taken(together: number, everyMs: number, untilMs: number): GenericDemand {
  const demand = new GenericDemand()
  for (let at = 0; at <= untilMs; at += everyMs) {
    for (let n = 0; n < together; n++) demand.note(at + n * 10, refillMs)
  }
  return demand
}

describe('what is expected of generic workers', () => {
  test('nothing where none was ever taken', () => {
    expect(new GenericDemand().perMs(hourMs)).toEqual([])
  })

  test('the first is taken about as often as before, when calls come one by one', () => {
    const [first, ...others] = taken(1, 10 * minuteMs, 10 * hourMs).perMs(10 * hourMs + minuteMs)
    expect(first).toBeGreaterThan(0.5 / (10 * minuteMs))
    expect(first).toBeLessThan(2 / (10 * minuteMs))
    expect(others).toEqual([])
  })

  test('as much of the third as of the first, when three are always taken within one refill', () => {
    const [first, second, third, ...others] = taken(3, 10 * minuteMs, 10 * hourMs).perMs(10 * hourMs + minuteMs)
    expect(second).toBeGreaterThan((first as number) * 0.5)
    expect(third).toBeGreaterThan((first as number) * 0.5)
    expect(others).toEqual([])
  })

  test('takes that are a refill apart find the first one ready again', () => {
    const demand = new GenericDemand()
    for (let n = 0; n < 5; n++) demand.note(n * refillMs, refillMs)
    expect(demand.perMs(hourMs)).toHaveLength(1)
  })

  test('those that only a burst long ago took are hardly taken', () => {
    const demand = taken(1, minuteMs, 24 * hourMs)
    for (let n = 0; n < 6; n++) demand.note(24 * hourMs + 1000 + n, refillMs)
    for (let at = 24; at < 72; at += 1 / 60) demand.note(at * hourMs + 5000, refillMs)
    const perMs = demand.perMs(72 * hourMs)
    expect(perMs).toHaveLength(6)
    expect((perMs[5] as number) * 24 * hourMs).toBeLessThan(1)
    expect((perMs[0] as number) * 24 * hourMs).toBeGreaterThan(100)
  })

  test('never more of one than of those before it, whatever was taken when', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 100 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 60_000 }), fc.nat(10_000_000), (gapsMs, refill, laterMs) => {
        const demand = new GenericDemand()
        let now = 0
        for (const gap of gapsMs) {
          now += gap
          demand.note(now, refill)
        }
        const perMs = demand.perMs(now + laterMs)
        expect(perMs.every((rate, at) => rate >= 0 && (at === 0 || rate <= (perMs[at - 1] as number)))).toBe(true)
      }),
    )
  })
})
