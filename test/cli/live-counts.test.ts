import { expect, test } from 'vitest'
import { LiveCounts } from '../../src/cli/terminal/live-counts.ts'
import type { ExecutionRow } from '../../src/client/resources/executions.ts'

const aRow = (given: Partial<ExecutionRow> & { id: string }): ExecutionRow =>
  ({ function_id: 'f', status: 'success', start_kind: 'warm', phases: { total: 10 }, ...given }) as ExecutionRow

const run = (counts: LiveCounts, row: ExecutionRow, atMs: number) =>
  counts.note({ event: 'execution', data: row }, atMs)

test('calls of the last ten seconds are counted by function; what runs is told apart from what has ended', () => {
  const counts = new LiveCounts(0)
  run(counts, aRow({ id: '1', status: 'running' }), 100)
  run(counts, aRow({ id: '2', status: 'running' }), 100)
  run(counts, aRow({ id: '2', start_kind: 'cold', phases: { total: 500 } }), 600)
  run(counts, aRow({ id: '3', status: 'failed' }), 700)
  run(counts, aRow({ id: '4', function_id: 'g' }), 700)
  const { functions } = counts.picture(1000)
  expect(functions).toEqual([
    {
      ...{ function_id: 'f', running: 1, calls: 2, calls_per_second: 2, failed: 1, warm: 1, prewarmed: 0, cold: 1 },
      ...{ p50_ms: 500, p99_ms: 500 },
    },
    expect.objectContaining({ function_id: 'g', running: 0, calls: 1, p50_ms: 10 }),
  ])
})

test('what is older than the window does not count, and what is missed is said', () => {
  const counts = new LiveCounts(0)
  run(counts, aRow({ id: '1' }), 100)
  counts.note({ event: 'missed', data: { events: 7 } }, 100)
  counts.note({ event: 'server', data: { running: 2, workers: { idle: 3 } } }, 100)
  const picture = counts.picture(20_000)
  expect(picture).toMatchObject({ missed: 7, server: { running: 2, workers: { idle: 3 } } })
  expect(picture.functions[0]).toMatchObject({ calls: 0, p50_ms: null })
})
