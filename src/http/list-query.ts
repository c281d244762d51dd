import { z } from '@hono/zod-openapi'
import { FaasError, invalid, notAllowed } from '../domain/errors.ts'
import type { ListQuery } from '../domain/list.ts'
import type { Principal } from '../domain/platform/principal.ts'
import type { Condition, Page } from '../domain/runs/execution.ts'
import { timeFromText } from '../domain/time-text.ts'
import { toBoolean, toInteger, toUuid } from './fields.ts'
import type { Ctx } from './request-context.ts'

export type Column = Condition['column']

const operators: readonly string[] = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'has', 'in', 'nin']

/** For /openapi.json: the query parameters of a list with these filters. */
export function listParameters(columns: readonly Column[], allProjects = columns.length > 0): z.ZodObject {
  const filter = 'value, or op:value with op one of eq, neq, gt, gte, lt, lte, has, in, nin.'
  return z.object({
    ...Object.fromEntries(columns.map((column) => [column, parameter(filter)])),
    ...(allProjects && { all_projects: parameter('Rows of every project; admins only.') }),
    limit: parameter('Maximum number of rows; absent: all.'),
    marker: parameter('Id of the last row of the previous page.'),
  })
}

/** Query parameter of lists that may be long. */
export const order = z
  .enum(['oldest', 'newest'])
  .optional()
  .openapi({ description: 'Which end comes first; default: oldest.' })

/**
 * The query of a list (contract 1.6): filters on `columns`, `all_projects`, and our `limit`, `marker` and optionally `order`;
 * anything else is refused. For an admin, `project_id` selects from all projects; for others it is ignored.
 */
export function listQuery(c: Ctx, who: Principal, columns: readonly Column[], hasOrder = false): ListQuery {
  const query = c.req.queries()
  refuseUnknown(query, columns, hasOrder)
  const everywhere = allProjects(query, who) || (who.isAdmin && query.project_id !== undefined)
  const asked = who.isAdmin ? columns : columns.filter((column) => column !== 'project_id')
  const conditions = asked.flatMap((column) => (query[column] ?? []).map((value) => condition(column, value)))
  const page = {
    ...pageOf(query),
    ...(hasOrder && { newestFirst: named('order', () => isNewestFirst(query.order?.[0])) }),
  }
  return { filter: { projectId: everywhere ? null : who.projectId, conditions }, page }
}

/** The query of a list without filters: only our `limit` and `marker`. */
export function pageQuery(c: Ctx): Page {
  const query = c.req.queries()
  refuseUnknown(query, null)
  return pageOf(query)
}

/** `op:value`, or a value for equality. */
export function condition(column: Column, value: string): Condition {
  const colon = value.indexOf(':')
  const op = value.slice(0, Math.max(colon, 0))
  if (column === 'created_at') return timeCondition(value)
  if (!operators.includes(op)) return { column, op: 'eq', values: [value] }
  const rest = value.slice(colon + 1)
  return { column, op: op as Condition['op'], values: op === 'in' || op === 'nin' ? rest.split(',') : [rest] }
}

const comparisons: readonly string[] = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte']

/** `gte:2030-01-02T03:04:05Z`; without an operator, equality. The time itself contains colons. */
function timeCondition(value: string): Condition {
  const named = /^([a-z]+):(.*)$/s.exec(value)
  const [, op = 'eq', text = value] = named ?? []
  const time = text.length > longestTime ? null : timeFromText(text)
  if (!comparisons.includes(op) || time === null) {
    throw invalid(
      `"created_at" must be a time such as 2030-01-02T03:04:05Z, with one of ${comparisons.join(', ')} and a colon before it.`,
    )
  }
  return { column: 'created_at', op: op as Condition['op'], values: [String(time)] }
}

const longestTime = 64

function isNewestFirst(asked = 'oldest'): boolean {
  if (asked === 'newest' || asked === 'oldest') return asked === 'newest'
  throw invalid('must be oldest or newest.')
}

function refuseUnknown(query: Record<string, string[]>, columns: readonly Column[] | null, hasOrder = false): void {
  const known = [
    ...(columns === null ? [] : ['all_projects', ...columns]),
    'limit',
    'marker',
    ...(hasOrder ? ['order'] : []),
  ]
  const unknown = Object.keys(query).find((key) => !known.includes(key))
  if (unknown === undefined) return
  throw invalid(`${JSON.stringify(unknown)} is not a parameter of this list; it takes ${known.join(', ')}.`)
}

function allProjects(query: Record<string, string[]>, who: Principal): boolean {
  const asked = (query.all_projects ?? []).some((value) => named('all_projects', () => toBoolean(value)))
  if (asked && !who.isAdmin) throw notAllowed('all_projects needs the admin role.')
  return asked
}

function pageOf(query: Record<string, string[]>): Page {
  const [limit] = query.limit ?? []
  const [marker] = query.marker ?? []
  return {
    limit: limit === undefined ? null : named('limit', () => atLeastOne(toInteger(limit))),
    marker: marker === undefined ? null : named('marker', () => toUuid(marker)),
  }
}

function atLeastOne(value: number): number {
  if (value < 1) throw invalid('must be 1 or more.')
  return value
}

/** Prefixes a message about a value with the parameter's name. */
function named<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof FaasError) throw invalid(`"${name}" ${error.message}`)
    throw error
  }
}

const parameter = (about: string): z.ZodType => z.string().optional().openapi({ description: about })
