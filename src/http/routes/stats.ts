import { z } from '@hono/zod-openapi'
import { requireAdmin } from '../../domain/platform/principal.ts'
import { coldReasons } from '../../domain/runs/start-kind.ts'
import type { Targets } from '../../services/functions/targets.ts'
import { phaseNames, type Stats, type Tally } from '../../services/runs/stats.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import type { RefusalCounters } from '../error-response.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { type Gauges, metricsText } from '../pages/metrics-text.ts'
import { shownTime } from '../time.ts'

export interface StatsParts {
  stats: Stats
  targets: Pick<Targets, 'findFunction'>
  gauges(): Gauges
  refusals: RefusalCounters
}

const tag = 'stats'
const percentiles = z.object({
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
})

const shown = z
  .object({
    since: z.string().openapi({ description: 'Start of the server; the numbers count from then.' }),
    executions: z.int(),
    success: z.int(),
    failed: z.int(),
    error: z.int(),
    error_rate: z.number().nullable().openapi({ description: 'Share of executions that did not succeed.' }),
    phases: z
      .object(Object.fromEntries(phaseNames.map((name) => [name, percentiles])))
      .openapi({ description: 'Milliseconds.' }),
    starts: z.object({ warm: z.int(), prewarmed: z.int(), cold: z.int() }),
    cold_ratio: z.number().nullable(),
    cold_reasons: z.record(z.enum(coldReasons), z.object({ count: z.int(), ratio: z.number() })),
    gb_seconds: z.object({
      busy: z.number(),
      idle_warm: z
        .number()
        .nullable()
        .openapi({ description: 'Null: it has no current use; /v1/usage shows it by day.' }),
    }),
  })
  .openapi('Stats')

const shownOfFunction = z
  .object({
    function_id: z.string(),
    executions: z.int(),
    failed: z.int(),
    error: z.int(),
    error_rate: z.number().nullable(),
    cold_ratio: z.number().nullable(),
    total: percentiles.openapi({ description: 'Milliseconds from the request to the end.' }),
  })
  .openapi('FunctionStats')

export function bindStats(app: HttpApp, { stats, targets, gauges, refusals }: StatsParts): void {
  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/stats',
      tag,
      summary: 'Show statistics of the executions that the project started',
      description: 'With all_projects=true, for admins: of the whole server.',
      query: listParameters([], true).pick({ all_projects: true }),
      answers: { 200: shown },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const { filter } = listQuery(c, c.get('who'), [])
      return c.json(asShown(stats.ofProject(filter.projectId), stats.sinceMs))
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/stats/functions',
      tag,
      summary: 'Show statistics of the executions that the project started, of each function',
      description: 'Functions that were called since the server started. With all_projects=true, for admins: of all.',
      query: listParameters([], true).pick({ all_projects: true }),
      answers: { 200: z.object({ since: z.string(), functions: z.array(shownOfFunction) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const { filter } = listQuery(c, c.get('who'), [])
      const functions = [...stats.byFunction(filter.projectId)].map(functionJson)
      return c.json({ since: shownTime(stats.sinceMs), functions })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/functions/:id/stats',
      onlyFunction: 'path',
      tag,
      summary: 'Show statistics of the executions of a function, by id or name',
      answers: { 200: shown },
      refusals: ['not_found'],
    },
    (c) => {
      const fn = targets.findFunction(c.get('who'), c.req.param('id'))
      return c.json(asShown(stats.ofFunction(fn.id), stats.sinceMs))
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/metrics',
      tag,
      summary: 'Show the metrics of the whole server for Prometheus (admin)',
      answers: { 200: 'text' },
      refusals: ['forbidden'],
    },
    (c) => {
      requireAdmin(c.get('who'), 'Reading the metrics')
      const text = metricsText(stats.ofProject(null), gauges(), refusals)
      return c.body(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
    },
  )
}

function functionJson([function_id, tally]: [string, Tally]): z.output<typeof shownOfFunction> {
  const { executions, failed, error } = tally
  return {
    ...{ function_id, executions, failed, error },
    error_rate: errorRate(tally),
    cold_ratio: coldRatio(tally),
    total: percentilesOf(tally, 'total'),
  }
}

const errorRate = ({ executions, failed, error }: Tally): number | null =>
  executions === 0 ? null : share(failed + error, executions)

const begunOf = ({ starts }: Tally): number => starts.warm + starts.prewarmed + starts.cold

function coldRatio(tally: Tally): number | null {
  const begun = begunOf(tally)
  return begun === 0 ? null : share(tally.starts.cold, begun)
}

function asShown(tally: Tally, sinceMs: number): z.output<typeof shown> {
  const { executions, success, failed, error, starts } = tally
  const begun = begunOf(tally)
  const reasons = [...tally.coldReasons].map(([reason, count]) => [reason, { count, ratio: share(count, begun) }])
  return {
    since: shownTime(sinceMs),
    executions,
    success,
    failed,
    error,
    error_rate: errorRate(tally),
    phases: Object.fromEntries(phaseNames.map((name) => [name, percentilesOf(tally, name)])),
    starts,
    cold_ratio: coldRatio(tally),
    cold_reasons: Object.fromEntries(reasons),
    gb_seconds: { busy: rounded(tally.busyGbSeconds), idle_warm: null },
  }
}

function percentilesOf(tally: Tally, name: (typeof phaseNames)[number]): z.output<typeof percentiles> {
  const at = (of: number): number | null => {
    const ms = tally.phases[name].percentile(of)
    return ms === null ? null : rounded(ms)
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

const share = (part: number, whole: number): number => Math.round((part / whole) * 10_000) / 10_000
const rounded = (value: number): number => Math.round(value * 1000) / 1000
