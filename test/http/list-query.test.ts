import { describe, expect, test } from 'vitest'
import type { Principal } from '../../src/domain/platform/principal.ts'
import { type Column, condition, listQuery } from '../../src/http/list-query.ts'
import type { Ctx } from '../../src/http/request-context.ts'

const member: Principal = { projectId: 'red', roles: [], isAdmin: false }
const admin: Principal = { projectId: 'ops', roles: ['admin'], isAdmin: true }
const id = '01234567-89ab-4cde-8f01-23456789abcd'
const columns: Column[] = ['function_id', 'status', 'description', 'project_id']

function asked(query: string, who: Principal) {
  const found = new URLSearchParams(query)
  const queries = () => Object.fromEntries([...found.keys()].map((key) => [key, found.getAll(key)]))
  return listQuery({ req: { queries } } as unknown as Ctx, who, columns)
}

describe('a filter', () => {
  test.each([
    ['success', 'eq', ['success']],
    ['eq:success', 'eq', ['success']],
    ['neq:a', 'neq', ['a']],
    ['gte:2030-01-01', 'gte', ['2030-01-01']],
    ['has:Created by Job', 'has', ['Created by Job']],
    ['in:a,b', 'in', ['a', 'b']],
    ['nin:a', 'nin', ['a']],
    ['in:', 'in', ['']],
    ['http://x', 'eq', ['http://x']],
    ['like:a', 'eq', ['like:a']],
    ['eq:eq:a', 'eq', ['eq:a']],
    ['', 'eq', ['']],
    [':a', 'eq', [':a']],
  ])('%j is %s %j', (value, op, values) => {
    expect(condition('status', value)).toEqual({ column: 'status', op, values })
  })
})

describe('a filter by time', () => {
  test.each([
    ['2030-01-02T03:04:05Z', 'eq', '1893553445000'],
    ['gte:2030-01-02 03:04:05', 'gte', '1893553445000'],
    ['lt:2030-01-02', 'lt', '1893542400000'],
  ])('%j is %s %s', (value, op, ms) => {
    expect(condition('created_at', value)).toEqual({ column: 'created_at', op, values: [ms] })
  })

  test.each(['yesterday', 'has:2030-01-02', 'in:2030-01-02', '', `gte:${'2'.repeat(300)}`])(
    '%j is refused',
    (value) => {
      expect(() => condition('created_at', value)).toThrow('"created_at" must be a time')
    },
  )
})

describe('the query of a list', () => {
  const project = { column: 'project_id', op: 'eq', values: ['blue'] }
  test.each([
    ['nothing', '', member, 'red', []],
    ['nothing, by an admin', '', admin, 'ops', []],
    ['all projects', 'all_projects=true', admin, null, []],
    ['all projects, falsely', 'all_projects=0', member, 'red', []],
    ['a project, by an admin', 'project_id=blue', admin, null, [project]],
    ['a project, by a member', 'project_id=blue', member, 'red', []],
    [
      'several filters',
      'status=a&description=has:b',
      member,
      'red',
      [condition('status', 'a'), condition('description', 'has:b')],
    ],
    [
      'a filter twice',
      'status=a&status=neq:b',
      member,
      'red',
      [condition('status', 'a'), condition('status', 'neq:b')],
    ],
  ])('%s', (_name, query, who, projectId, conditions) => {
    expect(asked(query, who)).toEqual({ filter: { projectId, conditions }, page: { limit: null, marker: null } })
  })

  test('has a page', () => {
    const marker = id.toUpperCase()
    expect(asked(`limit=7&marker=${marker}`, member).page).toEqual({ limit: 7, marker: id })
  })

  test.each([
    ['name=a', 'name'],
    ['fields=id', 'fields'],
    ['sort_keys=id', 'sort_keys'],
    ['limit=0', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=many', 'limit'],
    ['marker=last', 'marker'],
    ['all_projects=perhaps', 'all_projects'],
  ])('%s is refused', (query, name) => {
    expect(() => asked(query, admin)).toThrow(name)
  })

  test('all projects are for admins', () => {
    expect(() => asked('all_projects=1', member)).toThrow('Operation not allowed')
  })
})
