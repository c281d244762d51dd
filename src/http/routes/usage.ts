import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { dayOf, type UsageKey, usageKeys } from '../../domain/platform/usage.ts'
import type { ShownUsage, Usage } from '../../services/runs/usage.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { toBoolean } from '../fields.ts'
import type { Ctx } from '../request-context.ts'

const shownRow = z.object({
  day: z.string().nullable().openapi({ description: 'In UTC.' }),
  project_id: z.string().nullable(),
  function_id: z.string().nullable(),
  function_name: z.string().nullable().openapi({ description: 'Null: it has none, or does not exist any more.' }),
  calls: z.int(),
  busy_gb_seconds: z.number().openapi({ description: 'Memory of workers while calls ran in them.' }),
  idle_gb_seconds: z.number().openapi({ description: 'Memory of workers that were kept warm.' }),
  cpu_seconds: z
    .number()
    .openapi({ description: 'Processor time of calls and of what they leave running, where it is known.' }),
  bytes_in: z.int(),
  bytes_out: z.int(),
})

const shown = z.object({ from: z.string(), to: z.string(), usage: z.array(shownRow) }).openapi('Usage')

const columns = Object.keys(shownRow.shape) as (keyof z.output<typeof shownRow>)[]

const query = z.object({
  from: z
    .string()
    .optional()
    .openapi({ description: 'First day, such as 2026-11-01; default: the first of the month.' }),
  to: z.string().optional().openapi({ description: 'Last day; default: today.' }),
  by: z.string().optional().openapi({
    description: 'How the sums are grouped: by day, project, function, or several with commas; default: function.',
  }),
  format: z.enum(['json', 'csv']).optional(),
  all_projects: z.string().optional().openapi({ description: 'Include every project; admins only.' }),
})

/** Use of functions. */
export function bindUsage(app: HttpApp, usage: Usage): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/usage',
      tag: 'stats',
      summary: 'Show the resources that functions used, by day, project and function',
      description: 'CSV with format=csv, or when the request accepts text/csv. The last seconds are included.',
      query,
      answers: { 200: shown },
      refusals: ['invalid_request', 'forbidden'],
    },
    async (c) => {
      const asked = askedOf(c)
      const { fromDay, toDay, rows } = await usage.list(c.get('who'), asked)
      const shownRows = rows.map(rowJson)
      if (!asked.isCsv) return c.json({ from: fromDay, to: toDay, usage: shownRows })
      return c.body(csvOf(shownRows), 200, { 'Content-Type': 'text/csv; charset=utf-8' })
    },
  )
}

function askedOf(c: Ctx) {
  const given = c.req.query()
  const unknown = Object.keys(given).find((key) => !(key in query.shape))
  if (unknown !== undefined) {
    const known = Object.keys(query.shape).join(', ')
    throw invalid(`${JSON.stringify(unknown)} is not a parameter here; the parameters are ${known}.`)
  }
  const { format } = given
  if (format !== undefined && format !== 'csv' && format !== 'json') throw invalid('"format" must be json or csv.')
  return {
    fromDay: dayIn('from', given.from),
    toDay: dayIn('to', given.to),
    by: keysIn(given.by ?? 'function'),
    allProjects: given.all_projects !== undefined && toBoolean(given.all_projects),
    isCsv: format === 'csv' || (format === undefined && c.req.header('accept')?.startsWith('text/csv') === true),
  }
}

function dayIn(name: string, given: string | undefined): string | undefined {
  if (given === undefined || isDay(given)) return given
  throw invalid(`"${name}" must be a day such as 2026-11-30, not ${JSON.stringify(given)}.`)
}

/** True when the day exists. */
function isDay(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(at) && dayOf(at) === text
}

function keysIn(given: string): UsageKey[] {
  const names = given.split(',')
  const wrong = names.find((name) => !(usageKeys as readonly string[]).includes(name))
  if (wrong !== undefined) throw invalid(`"by" takes ${usageKeys.join(', ')}, not ${JSON.stringify(wrong)}.`)
  return names as UsageKey[]
}

const rowJson = (row: ShownUsage): z.output<typeof shownRow> => ({
  day: row.day,
  project_id: row.projectId,
  function_id: row.functionId,
  function_name: row.functionName,
  calls: row.calls,
  busy_gb_seconds: rounded(row.busyGbSeconds),
  idle_gb_seconds: rounded(row.idleGbSeconds),
  cpu_seconds: rounded(row.cpuSeconds),
  bytes_in: row.bytesIn,
  bytes_out: row.bytesOut,
})

const rounded = (value: number): number => Math.round(value * 1000) / 1000

/** CSV by RFC 4180. Cells that a spreadsheet would take for a formula are marked as text. */
const csvOf = (rows: z.output<typeof shownRow>[]): string =>
  [columns.join(','), ...rows.map((row) => columns.map((name) => cell(row[name])).join(',')), ''].join('\r\n')

function cell(value: string | number | null): string {
  if (typeof value !== 'string') return String(value ?? '')
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
