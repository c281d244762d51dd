import { describe, expect, test } from 'vitest'
import { summed } from '../../src/domain/platform/usage.ts'
import type { Outcome } from '../../src/domain/runs/outcome.ts'
import { CountedSink, UsageMeter } from '../../src/services/runs/usage-meter.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { returned } from '../support/fake-pool.ts'
import { FakeUsage } from '../support/fake-usage.ts'
import { aRevision, mib } from '../support/fake-workers-pool.ts'

const input = { kind: 'text' as const, body: Buffer.from('hello') }
const half = aRevision({ functionId: 'half', projectId: 'red', memoryBytes: 512 * mib })
const whole = aRevision({ functionId: 'whole', projectId: 'blue', memoryBytes: 1024 * mib })

function setUp(at = '2026-11-30T12:00:00Z') {
  const clock = new FakeClock(Date.parse(at))
  const store = new FakeUsage()
  const meter = new UsageMeter({ store, clock })
  return { clock, store, meter }
}

describe('what functions use', () => {
  test('is memory times time, busy and idle apart, and what each call took', () => {
    const { meter, store } = setUp()
    meter.held(half, 4000, true)
    meter.held(half, 10_000, false)
    meter.held(whole, 1000, true)
    meter.call(half, input, { ...returned('four'), cpuMs: 1500 }, 0)
    meter.call(half, input, { ...returned(1), kind: 'streamed', status: 200, cpuMs: null } as Outcome, 700)
    meter.spent(half, 250)
    meter.flush()
    expect(store.rows).toEqual([
      {
        ...{ day: '2026-11-30', projectId: 'red', functionId: 'half', calls: 2, busyGbSeconds: 2, idleGbSeconds: 5 },
        ...{ cpuSeconds: 1.75, bytesIn: 10, bytesOut: 706 },
      },
      expect.objectContaining({ projectId: 'blue', functionId: 'whole', busyGbSeconds: 1, calls: 0 }),
    ])
  })

  test('of a command image is the time of its runs: it has no worker before and after', () => {
    const { meter, store } = setUp()
    meter.call({ ...whole, kind: 'command' }, input, returned(1, 3000), 0)
    meter.flush()
    expect(store.rows).toMatchObject([{ busyGbSeconds: 3, calls: 1 }])
  })

  test('is written every ten seconds, with what workers hold then, and what is left at the end', () => {
    const { meter, store, clock } = setUp()
    meter.start(() => meter.held(whole, 10_000, false))
    clock.advance(9999)
    expect(store.rows).toEqual([])
    clock.advance(1)
    expect(store.rows).toMatchObject([{ idleGbSeconds: 10 }])
    meter.close()
    expect(store.rows).toMatchObject([{ idleGbSeconds: 20 }])
    expect(clock.armed).toBe(0)
  })

  test('belongs to the day that it was used on', () => {
    const { meter, store, clock } = setUp('2026-11-30T23:59:57Z')
    meter.start(() => {})
    meter.held(whole, 1000, true)
    clock.advance(3000)
    meter.held(whole, 2000, true)
    clock.advance(10_000)
    expect(store.rows).toMatchObject([
      { day: '2026-11-30', busyGbSeconds: 1 },
      { day: '2026-12-01', busyGbSeconds: 2 },
    ])
    meter.close()
  })

  test("today's use is known at once, also after a start, and is zero again at the start of a day", () => {
    const { meter, store, clock } = setUp('2026-11-30T18:00:00Z')
    meter.held(half, 8000, true)
    meter.held(half, 8000, false)
    expect(meter.today('red')).toEqual({ busyGbSeconds: 4, leftMs: 6 * 3_600_000 })
    expect(meter.today('red', half.functionId).busyGbSeconds).toBe(4)
    expect(meter.today('red', 'another').busyGbSeconds).toBe(0)
    meter.flush()
    expect(meter.today('red').busyGbSeconds).toBe(4)
    const next = new UsageMeter({ store, clock })
    expect(next.today('red').busyGbSeconds).toBe(4)
    expect(next.today('red', half.functionId).busyGbSeconds).toBe(4)
    next.held(half, 2000, true)
    expect(next.today('red').busyGbSeconds).toBe(5)
    clock.advance(6 * 3_600_000)
    expect(next.today('red').busyGbSeconds).toBe(0)
  })

  test('is summed by what is asked', () => {
    const used = { calls: 1, busyGbSeconds: 1, idleGbSeconds: 0, cpuSeconds: 0, bytesIn: 0, bytesOut: 0 }
    const rows = ['a', 'b', 'a'].map((functionId, n) => ({
      ...used,
      day: `2026-11-0${n + 1}`,
      projectId: 'p',
      functionId,
    }))
    expect(summed(rows, ['function']).map(({ functionId, day, calls }) => [functionId, day, calls])).toEqual([
      ['a', null, 2],
      ['b', null, 1],
    ])
    expect(summed(rows, ['project'])).toMatchObject([{ projectId: 'p', functionId: null, calls: 3 }])
    expect(summed(rows, ['day', 'function'])).toHaveLength(3)
  })

  test('of a stream are the bytes that went through', async () => {
    const taken: string[] = []
    const sink = new CountedSink({
      head: ({ status }) => taken.push(String(status)),
      write: (chunk) => taken.push(chunk.toString()) > 2,
      drained: async () => {},
    })
    sink.head({ status: 200, headers: [] })
    expect([sink.write(Buffer.from('ab')), sink.write(Buffer.from('cde'))]).toEqual([false, true])
    await sink.drained()
    expect([sink.bytes, taken]).toEqual([5, ['200', 'ab', 'cde']])
  })
})
