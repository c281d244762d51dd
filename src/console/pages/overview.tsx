import { useEffect, useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { StatsRow } from '../../client/resources/stats.ts'
import type { WorkerHistoryRow } from '../../client/resources/workers.ts'
import { get } from '../api.ts'
import { lastRun, serverNow } from '../live.ts'
import { useEvery, useLoad, useSoon } from '../load.ts'
import { isAdmin } from '../me.ts'
import { Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { Chart } from '../parts/chart.tsx'
import { MemoryChart, StartsChart } from '../parts/worker-history.tsx'
import { Link } from '../router.tsx'
import { percent } from '../text.ts'
import { executionColumns } from './execution-columns.tsx'
import { Waiting } from './waiting.tsx'

interface Point {
  at: number
  perSecond: number | null
  failedPerSecond: number | null
  p50: number | null
  p95: number | null
  p99: number | null
}

const everyMs = 2000
const seconds = 120
const mostPoints = (seconds * 1000) / everyMs

export function OverviewPage() {
  const [points, setPoints] = useState<Point[]>([])
  const [last, setLast] = useState<{ at: number; stats: StatsRow }>()
  const stats = useLoad(() => get<StatsRow>('/v1/stats'), [])
  const failed = useLoad(
    () => get<{ executions: ExecutionRow[] }>('/v1/executions?status=in:failed,error&order=newest&limit=8'),
    [],
  )
  useEvery(everyMs, stats.reload)
  const readFailed = useSoon(500, failed.reload)
  useEffect(
    () =>
      lastRun.subscribe((run) => run !== null && run.status !== 'running' && run.status !== 'success' && readFailed()),
    [],
  )
  useEffect(() => {
    if (stats.data === undefined) return
    const now = { at: Date.now() / 1000, stats: stats.data }
    setPoints((known) => [...known, pointOf(now, last)].slice(-mostPoints))
    setLast(now)
  }, [stats.data])
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const { running, queued, jobs, workers } = serverNow.value
  const data = stats.data
  return (
    <Page
      title="Overview"
      actions={
        <Link to="/functions/new" class="button primary">
          New function
        </Link>
      }
    >
      <ErrorMessage problem={stats.problem} />
      <section class="tiles" aria-label="Now">
        <Tile name="Executions" value={data?.executions ?? '–'} note="since the server started" />
        <Tile
          name="Failed"
          value={percent(data?.error_rate)}
          note={`${(data?.failed ?? 0) + (data?.error ?? 0)} executions`}
        />
        <Tile name="Cold starts" value={percent(data?.cold_ratio)} note={coldNote(data)} />
        <Tile name="Running" value={running ?? '–'} note={queued === undefined ? '' : `${queued} queued`} />
        <Tile
          name="Workers"
          value={workers === undefined ? '–' : Object.values(workers).reduce((a, b) => a + b, 0)}
          note={workers === undefined ? '' : workersNote(workers)}
        />
        <Tile name="Jobs" value={jobs ?? '–'} note="scheduled" />
      </section>
      <section class="charts" aria-label="Last two minutes">
        <Chart
          title="Executions per second"
          unit=""
          seconds={seconds}
          times={points.map(({ at }) => at)}
          series={[
            { label: 'all', color: '--accent', values: points.map(({ perSecond }) => perSecond) },
            { label: 'failed', color: '--bad', values: points.map(({ failedPerSecond }) => failedPerSecond) },
          ]}
        />
        <Chart
          title="Duration"
          unit=" ms"
          seconds={seconds}
          times={points.map(({ at }) => at)}
          series={[
            { label: 'p50', color: '--accent', values: points.map(({ p50 }) => p50) },
            { label: 'p95', color: '--wait', values: points.map(({ p95 }) => p95) },
            { label: 'p99', color: '--bad', values: points.map(({ p99 }) => p99) },
          ]}
        />
      </section>
      {isAdmin.value && <History />}
      <Waiting nameOf={(id) => names.get(id) ?? id} />
      <section>
        <h2>Recent failures</h2>
        <ErrorMessage problem={failed.problem} />
        {failed.data?.executions.length === 0 && <Empty>No execution has failed.</Empty>}
        {failed.data !== undefined && failed.data.executions.length > 0 && (
          <Table
            label="Recent failures"
            rows={failed.data.executions}
            keyOf={({ id }) => id}
            columns={executionColumns((id) => names.get(id) ?? id)}
          />
        )}
      </section>
    </Page>
  )
}

/** The whole server, for admins. */
function History() {
  const { data, reload } = useLoad(() => get<WorkerHistoryRow>('/v1/workers/history'), [])
  useEvery(5000, reload)
  if (data === undefined) return null
  return (
    <section class="charts" aria-label="The last 15 minutes">
      <MemoryChart history={data} />
      <StartsChart history={data} />
    </section>
  )
}

function pointOf(now: { at: number; stats: StatsRow }, last: { at: number; stats: StatsRow } | undefined): Point {
  const { p50 = null, p95 = null, p99 = null } = now.stats.phases.total ?? {}
  const seconds = last === undefined ? 0 : now.at - last.at
  const rate = (count: (stats: StatsRow) => number): number | null =>
    last === undefined || seconds <= 0
      ? null
      : Math.max(0, Math.round(((count(now.stats) - count(last.stats)) / seconds) * 10) / 10)
  return {
    at: now.at,
    p50,
    p95,
    p99,
    perSecond: rate(({ executions }) => executions),
    failedPerSecond: rate(({ failed, error }) => failed + error),
  }
}

const Tile = ({ name, value, note }: { name: string; value: string | number; note: string }) => (
  <div class="tile">
    <span>{name}</span>
    <strong>{value}</strong>
    <small>{note}</small>
  </div>
)

const coldNote = (stats: StatsRow | undefined): string =>
  stats === undefined ? '' : `${stats.starts.warm} warm, ${stats.starts.prewarmed} prewarmed, ${stats.starts.cold} cold`

const workersNote = (workers: Record<string, number>): string =>
  Object.entries(workers)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ') || 'no workers'
