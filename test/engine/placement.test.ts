import { describe, expect, test } from 'vitest'
import {
  chooseMachine,
  lowestEvictionCost,
  type MachineView,
  machinesFor,
  noSimilarWorkers,
} from '../../src/engine/pool/policy/placement.ts'

const machine = (
  id: string,
  limitBytes: number,
  usedBytes: number,
  labels: Record<string, string> = {},
): MachineView => {
  return { id, limitBytes, usedBytes, labels, isOpen: true }
}
const idle = (name: string, at: string, memoryBytes: number, worth = 1) => ({ name, machine: at, memoryBytes, worth })
const none = () => []

describe('the machine of a worker', () => {
  test('is the one with the fewest of its like, and of those the emptiest for its size', () => {
    const machines = [machine('a', 100, 10), machine('b', 1000, 200), machine('c', 1000, 50)]
    const at = (likes: Record<string, number>) => chooseMachine(10, machines, (id) => likes[id] ?? 0, none)?.machine
    expect(at({})).toBe('c')
    expect(at({ c: 1 })).toBe('a')
    expect(at({ a: 2, b: 1, c: 2 })).toBe('b')
  })

  test('is one with room before one where others had to go, whoever is there', () => {
    const machines = [machine('a', 100, 100), machine('b', 100, 50)]
    const chosen = chooseMachine(
      20,
      machines,
      (id) => (id === 'b' ? 5 : 0),
      () => [idle('w', 'a', 100, 0)],
    )
    expect(chosen).toEqual({ machine: 'b', toGo: [] })
  })

  test('is the one whose idle workers are worth least, and only those of that one go', () => {
    const machines = [machine('a', 100, 100), machine('b', 100, 100)]
    const workers = [idle('dear', 'a', 60, 9), idle('cheap', 'b', 30, 1), idle('cheaper', 'b', 30, 2)]
    const chosen = chooseMachine(50, machines, noSimilarWorkers, () => workers)
    expect(chosen?.machine).toBe('b')
    expect(chosen?.toGo.map(({ name }) => name)).toEqual(['cheap', 'cheaper'])
  })

  test('is none when only all machines together have the room', () => {
    const machines = [machine('a', 100, 60), machine('b', 100, 60)]
    expect(chooseMachine(50, machines, noSimilarWorkers, none)).toBeNull()
    expect(chooseMachine(50, machines, noSimilarWorkers, () => [idle('small', 'a', 9)])).toBeNull()
    expect(chooseMachine(50, [], noSimilarWorkers, none)).toBeNull()
  })
})

test('machines for a function are those that are large enough and have its labels', () => {
  const machines = [
    machine('a', 100, 0, { gpu: 'true', zone: 'a' }),
    machine('b', 10, 0, { gpu: 'true' }),
    machine('c', 100, 0),
  ]
  const ids = (bytes: number, placement: Record<string, string>) =>
    machinesFor(machines, bytes, placement).map(({ id }) => id)
  expect(ids(50, {})).toEqual(['a', 'c'])
  expect(ids(50, { gpu: 'true' })).toEqual(['a'])
  expect(ids(5, { gpu: 'true' })).toEqual(['a', 'b'])
  expect(ids(5, { gpu: 'false' })).toEqual([])
})

test('room costs what it costs where it is cheapest, and nothing where some is free', () => {
  const workers = [idle('dear', 'a', 50, 9), idle('cheap', 'b', 50, 2)]
  const full = [machine('a', 100, 100), machine('b', 100, 100)]
  expect(lowestEvictionCost(50, full, () => workers)).toBe(2)
  expect(lowestEvictionCost(50, [...full, machine('c', 100, 0)], () => workers)).toBe(0)
  expect(lowestEvictionCost(50, full, none)).toBe(Number.POSITIVE_INFINITY)
})
