import { invalid } from './errors.ts'
import type { Condition, ExecutionFilter, Page } from './runs/execution.ts'

/** The query of a list: which project, which conditions, which page. */
export interface ListQuery {
  filter: ExecutionFilter
  page: Page
}

/** One page of the rows that fulfil every condition on `project_id`, in their order. */
export function selectRows<T extends { id: string; projectId: string }>(rows: T[], { filter, page }: ListQuery): T[] {
  const conditions = filter.conditions.filter(({ column }) => column === 'project_id')
  return paged(
    rows.filter((row) => conditions.every((condition) => matchesCondition(row.projectId, condition))),
    page,
  )
}

export function paged<T extends { id: string }>(rows: T[], { limit, marker }: Page): T[] {
  const start = marker === null ? 0 : rows.findIndex(({ id }) => id === marker) + 1
  if (marker !== null && start === 0) throw invalid(`"marker" ${marker} is not a row of this list.`)
  return limit === null ? rows.slice(start) : rows.slice(start, start + limit)
}

/** Whether the condition holds for the value; texts are compared by code unit. */
export function matchesCondition(value: string, { op, values }: Condition): boolean {
  const wanted = values[0] ?? ''
  switch (op) {
    case 'eq':
      return value === wanted
    case 'neq':
      return value !== wanted
    case 'gt':
      return value > wanted
    case 'gte':
      return value >= wanted
    case 'lt':
      return value < wanted
    case 'lte':
      return value <= wanted
    case 'has':
      return value.includes(wanted)
    case 'in':
      return values.includes(value)
    case 'nin':
      return !values.includes(value)
  }
}
