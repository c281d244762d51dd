import { describe, expect, test } from 'vitest'
import { matchesCondition, paged, selectRows } from '../../src/domain/list.ts'
import type { Condition } from '../../src/domain/runs/execution.ts'

describe('a condition', () => {
  test.each<[string, Condition['op'], string[], boolean]>([
    ['b', 'eq', ['b'], true],
    ['b', 'eq', ['B'], false],
    ['b', 'neq', ['a'], true],
    ['b', 'neq', ['b'], false],
    ['b', 'gt', ['a'], true],
    ['b', 'gt', ['b'], false],
    ['b', 'gte', ['b'], true],
    ['b', 'lt', ['c'], true],
    ['b', 'lt', ['b'], false],
    ['b', 'lte', ['b'], true],
    ['abc', 'has', ['b'], true],
    ['abc', 'has', ['x'], false],
    ['b', 'in', ['a', 'b'], true],
    ['b', 'in', ['a'], false],
    ['b', 'nin', ['a'], true],
    ['b', 'nin', ['a', 'b'], false],
  ])('%s %s %j is %s', (value, op, values, is) => {
    expect(matchesCondition(value, { column: 'project_id', op, values })).toBe(is)
  })
})

describe('a page', () => {
  const rows = ['a', 'b', 'c'].map((id) => ({ id, projectId: id === 'b' ? 'blue' : 'red' }))
  const ids = (found: { id: string }[]) => found.map(({ id }) => id).join('')

  test.each([
    [null, null, 'abc'],
    [2, null, 'ab'],
    [9, null, 'abc'],
    [null, 'a', 'bc'],
    [1, 'a', 'b'],
    [1, 'c', ''],
  ])('of %s after %s', (limit, marker, expected) => {
    expect(ids(paged(rows, { limit, marker }))).toBe(expected)
  })

  test('after a row that is not in the list is refused', () => {
    expect(() => paged(rows, { limit: null, marker: 'x' })).toThrow('marker')
  })

  test('is of the rows that fulfil every condition', () => {
    const conditions: Condition[] = [{ column: 'project_id', op: 'neq', values: ['blue'] }]
    const page = { limit: 1, marker: 'a' }
    expect(ids(selectRows(rows, { filter: { projectId: null, conditions }, page }))).toBe('c')
  })
})
