import { describe, expect, test } from 'vitest'
import type { Installation, PastCall } from '../../src/domain/runs/history.ts'
import { curveNames, curveSize, curves } from '../../src/simulator/curves.ts'
import { traceOfHistory } from '../../src/simulator/history.ts'
import { comparePolicies } from '../../src/simulator/policies.ts'

const mib = 1024 * 1024
const minuteMs = 60_000

const aCall = (given: Partial<PastCall> & { atMs: number }): PastCall => ({
  functionId: 'a',
  functionVersion: 0,
  runMs: 5,
  acquireMs: null,
  startKind: 'warm',
  memoryPeakMb: null,
  ...given,
})
const nothing: Installation = { functions: new Map(), generic: new Map() }

describe('a history as a trace', () => {
  test('of no call is refused in a sentence', () => {
    expect(() => traceOfHistory([], nothing, mib)).toThrow('There are no calls')
  })

  test('says when functions were called, how long they ran and what a start cost', () => {
    const calls = [
      aCall({ atMs: 1000, acquireMs: 700, startKind: 'cold', memoryPeakMb: 40 }),
      aCall({ atMs: 2000, functionId: 'b', functionVersion: 1, acquireMs: 30, startKind: 'prewarmed' }),
      aCall({ atMs: 3000, memoryPeakMb: 41.5 }),
    ]
    const trace = traceOfHistory(calls, nothing, 128 * mib)
    expect([...trace.atMs]).toEqual([0, 1000, 2000])
    expect([...trace.functionOf]).toEqual([0, 1, 0])
    expect(trace.functions).toEqual([
      { memoryBytes: 42 * mib, coldMs: 700, concurrency: 1, runtime: 0 },
      { memoryBytes: 128 * mib, coldMs: 700, concurrency: 1, runtime: 0 },
    ])
    expect(trace.runtimes).toEqual([{ memoryBytes: 128 * mib, startMs: 670, bindMs: 30 }])
  })

  test('takes memory, concurrency and runtime from the installation where it knows the function', () => {
    const functions = new Map([
      ['a', { name: 'a', memoryBytes: 256 * mib, concurrency: 8, runtimeImage: 'python3' }],
      ['b', { name: 'b', memoryBytes: 64 * mib, concurrency: 1, runtimeImage: null }],
    ])
    const generic = new Map([
      ['nodejs', 64 * mib],
      ['python3', 48 * mib],
    ])
    const calls = [aCall({ atMs: 0 }), aCall({ atMs: 1, functionId: 'b' })]
    const trace = traceOfHistory(calls, { functions, generic }, mib)
    expect(trace.functions).toMatchObject([
      { memoryBytes: 256 * mib, concurrency: 8, runtime: 1 },
      { memoryBytes: 64 * mib, runtime: null },
    ])
    expect(trace.runtimes.map(({ memoryBytes }) => memoryBytes)).toEqual([64 * mib, 48 * mib])
  })
})

test('policies are compared on the same calls: cold starts, waiting and memory of each', () => {
  const calls = Array.from({ length: 100 }, (_, n) => aCall({ atMs: n * 5 * minuteMs, memoryPeakMb: 100 }))
  const asked: string[] = []
  const options = { budgetsMib: [500, 250], keepSeconds: [600, 30] }
  const rows = comparePolicies(traceOfHistory(calls, nothing, mib), options, (name) => asked.push(name))
  expect(asked).toEqual(rows.map(({ policy }) => policy))
  const of = (name: string) => rows.find(({ policy }) => policy === name)
  expect(of('fixed 10 min')).toMatchObject({ calls: 100, cold: 1, budgetMib: null })
  expect(of('fixed 30 s')).toMatchObject({ calls: 100, cold: 100 })
  expect(of('fixed 30 s')?.waitedMs).toBeGreaterThan((of('fixed 10 min')?.waitedMs ?? 0) * 50)
  expect(of('fixed 30 s')?.idleMib).toBeLessThan(of('fixed 10 min')?.idleMib ?? 0)
  expect(rows.filter(({ policy }) => policy.startsWith('learned (')).map(({ budgetMib }) => budgetMib)).toEqual([
    500, 250,
  ])
})

test('curves show what each way of keeping workers gains from more memory, a point after the other', () => {
  const calls = Array.from({ length: 200 }, (_, n) => aCall({ atMs: n * 90_000, functionId: `f${n % 5}` }))
  const trace = traceOfHistory(calls, nothing, 128 * mib)
  const points = [...curves(trace, 1024)]
  expect(points).toHaveLength(curveSize(1024))
  expect([...new Set(points.map(({ policy }) => policy))]).toEqual([...curveNames])
  const fixed = points.filter(({ policy }) => policy === 'fixed time')
  expect(fixed.map(({ size }) => size)).toEqual(['30 s', '2 min', '10 min', '30 min', '1 h'])
  const [shortest, longest] = [fixed[0], fixed.at(-1)]
  expect(longest?.cold).toBeLessThan(shortest?.cold as number)
  expect(longest?.idleMib).toBeGreaterThan(shortest?.idleMib as number)
  const own = points.filter(({ policy }) => policy === 'learned (this server)')
  for (const { budgetMib, idleMib, busyMib } of own) expect(idleMib + busyMib).toBeLessThanOrEqual(budgetMib as number)
})

test('a budget that is small has no two points of one size', () => {
  const trace = traceOfHistory([aCall({ atMs: 0 })], nothing, 128 * mib)
  const sizes = [...curves(trace, 64)].filter(({ policy }) => policy === 'greedy-dual').map(({ size }) => size)
  expect(sizes).toEqual(['64 MiB', '128 MiB'])
})
