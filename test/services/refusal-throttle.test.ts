import { describe, expect, test } from 'vitest'
import { nextRefusal, RefusalThrottle } from '../../src/services/runs/refusal-throttle.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'

describe('Refusals of a project', () => {
  /** The delays of this number of refusals, one every `everyMs`. */
  function waits(count: number, everyMs: number): number[] {
    let dueMs = 0
    return Array.from({ length: count }, (_, n) => {
      const turn = nextRefusal(dueMs, n * everyMs)
      dueMs = turn.dueMs
      return turn.waitMs
    })
  }

  test('are sent at once when they are few', () => {
    expect(Math.max(...waits(1000, 10))).toBe(0)
    expect(Math.max(...waits(50, 0))).toBe(0)
  })

  test('are limited to a hundred per second when they are many', () => {
    expect(waits(55, 0).slice(50)).toEqual([0, 10, 20, 30, 40])
    const told = waits(300, 5).map((waitMs, n) => n * 5 + waitMs)
    expect(told.filter((atMs) => atMs >= 500 && atMs < 1500)).toHaveLength(100)
  })

  test('wait for no longer than a second', () => {
    expect(Math.max(...waits(10_000, 0))).toBe(1000)
  })

  test('do not wait when what their calls hold would fill the memory', async () => {
    const clock = new FakeClock()
    const pace = new RefusalThrottle(clock)
    let told = 0
    const refuse = async (times: number) => {
      for (let n = 0; n < times; n++) void pace.turn('red', 8 * 1024 * 1024).then(() => told++)
      await settled()
    }
    await refuse(60)
    expect(told).toBe(56)
    clock.advance(1000)
    await settled()
    expect(told).toBe(60)
    await refuse(60)
    expect(told).toBe(116)
  })

  test('hold up those of no other project', async () => {
    const clock = new FakeClock()
    const pace = new RefusalThrottle(clock)
    const told: string[] = []
    const refuse = (project: string, times: number) => {
      for (let n = 0; n < times; n++) void pace.turn(project, 100).then(() => told.push(project))
    }
    refuse('red', 60)
    refuse('blue', 1)
    await settled()
    expect(told.filter((project) => project === 'red')).toHaveLength(51)
    expect(told).toContain('blue')
    clock.advance(1000)
    await settled()
    expect(told).toHaveLength(61)
  })
})
