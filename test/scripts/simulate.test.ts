import { describe, expect, test } from 'vitest'
import { compare } from '../../scripts/simulate/compare.ts'
import { generate, mixes, published } from '../../scripts/simulate/generate.ts'
import { tableOf } from '../../scripts/simulate/table.ts'
import { EventHeap } from '../../src/simulator/event-heap.ts'
import type { KeepAlive } from '../../src/simulator/keep-alive-policy.ts'
import { fixedTtl, greedyDual, hybridHistogram, learned } from '../../src/simulator/keep-alives.ts'
import { Simulation } from '../../src/simulator/simulation.ts'
import { type Trace, traceOf } from '../../src/simulator/trace.ts'

const mib = 1024 * 1024
const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** Functions of 100 MiB that are called at these minutes, for a second each. */
function traceAt(minutes: number[][], hours = 24): Trace {
  const functions = minutes.map(() => ({ memoryBytes: 100 * mib, coldMs: 500, concurrency: 1, runtime: null }))
  const calls = minutes.map((own) => own.map((minute) => ({ atMs: minute * minuteMs, runMs: 1000 })))
  return traceOf(functions, calls, hours * hourMs)
}
/** With one runtime that all functions are in; its generic workers have 40 MiB. */
const withRuntime = (trace: Trace): Trace => ({
  ...trace,
  functions: trace.functions.map((fn) => ({ ...fn, runtime: 0 })),
  runtimes: [{ memoryBytes: 40 * mib, startMs: 480, bindMs: 20 }],
})
const every = (minutes: number, hours = 24): number[] =>
  Array.from({ length: (hours * 60) / minutes }, (_, n) => n * minutes)
const run = (trace: Trace, rule: KeepAlive) => new Simulation(trace, rule).run()

describe('a simulation', () => {
  test('with a fixed time: calls that come sooner are warm, those that come later are cold', () => {
    expect(run(traceAt([every(5)]), fixedTtl(10 * minuteMs))).toMatchObject({ calls: 288, cold: 1, first: 1 })
    expect(run(traceAt([every(15)]), fixedTtl(10 * minuteMs))).toMatchObject({ calls: 96, cold: 96, first: 1 })
  })

  test('adds up the memory of idle workers over the time', () => {
    const { idleMib, peakIdleMib } = run(traceAt([every(60)]), fixedTtl(30 * minuteMs))
    expect(idleMib).toBeCloseTo(50, 0)
    expect(peakIdleMib).toBe(100)
  })

  test('starts another worker for a call that comes while the first is busy; whichever is ready first serves it', () => {
    const long = traceOf(
      [{ memoryBytes: mib, coldMs: 500, concurrency: 1, runtime: null }],
      [
        [
          { atMs: 0, runMs: 10_000 },
          { atMs: 5000, runMs: 1 },
          { atMs: 10_300, runMs: 1 },
        ],
      ],
      hourMs,
    )
    expect(run(long, fixedTtl(minuteMs))).toMatchObject({ cold: 2, scaleOut: 1, waited: 0 })
  })

  test('with the histogram: a regular function is warm after a few calls, and holds little memory', () => {
    const { cold, idleMib } = run(traceAt([every(60, 72)], 72), hybridHistogram(4 * hourMs))
    expect(cold).toBeLessThan(8)
    expect(idleMib).toBeLessThan(50)
  })

  test('with greedy-dual stays within its budget', () => {
    const { peakIdleMib } = run(traceAt([every(3), every(7), every(11)]), greedyDual(200))
    expect(peakIdleMib).toBeLessThanOrEqual(200)
  })

  test('with our rule: two regular functions share the memory of one', () => {
    const trace = traceAt([every(60, 72), every(60, 72).map((minute) => minute + 30)], 72)
    const { cold, calls } = run(trace, learned(101))
    expect(calls).toBe(144)
    expect(cold).toBeLessThan(16)
  })

  test('with generic workers: each that is ready serves a call, which is no cold start', () => {
    const { cold, prewarmed, scaleOut } = run(withRuntime(traceAt([[0], [1, 1, 1], [60]])), fixedTtl(minuteMs, 2))
    expect({ cold, prewarmed, scaleOut }).toEqual({ cold: 2, prewarmed: 3, scaleOut: 1 })
  })

  test('with generic workers: their memory is counted while they wait and while they are started', () => {
    const { idleMib, peakIdleMib, genericMib } = run(withRuntime(traceAt([[60]])), fixedTtl(minuteMs, 3))
    expect(genericMib).toBeCloseTo(3 * 40, 1)
    expect(idleMib).toBeCloseTo(3 * 40 + 100 / (24 * 60), 1)
    expect(peakIdleMib).toBe(3 * 40 + 100)
  })

  test('with generic workers: a function with an image of its own has none', () => {
    expect(run(traceAt([[5]]), fixedTtl(minuteMs, 2))).toMatchObject({ cold: 1, prewarmed: 0, genericMib: 0 })
  })

  test('with our rule: as many generic workers are ready as are taken at once, within the budget', () => {
    // Every ten minutes two functions are called that are called once in ten hours.
    const trace = withRuntime(
      traceAt(Array.from({ length: 120 }, (_, n) => every(600, 48).map((at) => at + 10 * (n >> 1)))),
    )
    const { calls, cold, prewarmed, peakIdleMib } = run(trace, learned(1000))
    expect(prewarmed).toBeGreaterThan(calls * 0.8)
    expect(cold).toBeLessThan(5)
    expect(peakIdleMib).toBeLessThanOrEqual(1000)
  })

  test('gives the same figures for the same trace', () => {
    const trace = () => generate({ functions: 20, days: 1, seed: 7, mix: published, hottestPerMinute: 2 })
    expect(run(trace(), learned(1000))).toEqual(run(trace(), learned(1000)))
  })
})

describe('a generated trace', () => {
  const options = { functions: 600, days: 1, seed: 1, mix: published, hottestPerMinute: 2 }

  test('has the published shares of rare and of busy functions', () => {
    const { atMs, functionOf, functions } = generate({ ...options, mix: mixes['all Poisson'] ?? published })
    const calls = new Float64Array(functions.length)
    for (let n = 0; n < atMs.length; n++)
      calls[functionOf[n] as number] = (calls[functionOf[n] as number] as number) + 1
    const share = (holds: (count: number) => boolean) => calls.filter(holds).length / calls.length
    expect(share((count) => count <= 24)).toBeCloseTo(0.45, 1)
    expect(share((count) => count <= 1440)).toBeCloseTo(0.81, 1)
  })

  test('has memory of 170 MB in the median', () => {
    const sizes = generate({ ...options, days: 0.01 }).functions.map(({ memoryBytes }) => memoryBytes / mib)
    sizes.sort((a, b) => a - b)
    expect(sizes[300]).toBeGreaterThan(150)
    expect(sizes[300]).toBeLessThan(190)
    expect(sizes[540]).toBeGreaterThan(350)
  })

  test('is in order of time', () => {
    const { atMs } = generate({ ...options, functions: 50 })
    expect(atMs.every((at, n) => n === 0 || at >= (atMs[n - 1] as number))).toBe(true)
  })
})

describe('the comparison', () => {
  test('has a row for each rule, and ours is no worse than the fixed time at the same memory', () => {
    const trace = generate({ functions: 15, days: 1, seed: 3, mix: published, hottestPerMinute: 2 })
    const rows = compare(trace, () => {})
    const ours = rows.find(({ rule }) => rule.includes('ours'))
    expect(ours?.coldAtSameMemory).toBeLessThan(1)
    expect(tableOf([rows]).split('\n').length).toBeGreaterThan(rows.length)
  })
})

test('events come in order of time, and of adding at the same time', () => {
  const heap = new EventHeap<string>()
  for (const [at, event] of [
    [5, 'd'],
    [1, 'a'],
    [3, 'b'],
    [3, 'c'],
    [9, 'e'],
  ] as const)
    heap.add(at, event)
  expect(Array.from({ length: 6 }, () => heap.next())).toEqual(['a', 'b', 'c', 'd', 'e', undefined])
})
