import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { RuntimeRow } from '../../client/resources/runtimes.ts'
import type { KeptWorkerRow, RetainedWorkers, WorkerHistoryRow } from '../../client/resources/workers.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Facts, Page, Table } from '../parts/basics.tsx'
import { FunctionsChart, MemoryChart, StartsChart } from '../parts/worker-history.tsx'
import { Link } from '../router.tsx'
import { mebibytes, ms, start, time } from '../text.ts'

interface Generic {
  name: string
  total: number
  available: number
}

/** Warm workers by function in the order of eviction, generic workers, and the last starts. */
export function WorkersPage() {
  const kept = useLoad(() => get<RetainedWorkers>('/v1/workers'), [])
  const history = useLoad(() => get<WorkerHistoryRow>('/v1/workers/history'), [])
  const generic = useLoad(readGeneric, [])
  const starts = useLoad(readStarts, [])
  useEvery(3000, () => {
    kept.reload()
    history.reload()
    generic.reload()
    starts.reload()
  })
  const { data } = kept
  return (
    <Page title="Workers">
      <ErrorMessage problem={kept.problem ?? history.problem ?? generic.problem ?? starts.problem} />
      {data !== undefined && (
        <Facts
          facts={[
            ['Reserved memory', `${mebibytes(data.memory.reserved)} of ${mebibytes(data.memory.budget)}`],
            ['Used memory', data.memory.used === null ? null : mebibytes(data.memory.used)],
            ['Waiting calls', data.waiting_calls],
            ...Object.entries(countsOf(data.workers)),
          ]}
        />
      )}
      {history.data !== undefined && (
        <section class="charts" aria-label="The last 15 minutes">
          <MemoryChart history={history.data} />
          <StartsChart history={history.data} />
          {history.data.functions.length > 0 && (
            <FunctionsChart
              key={history.data.functions.map(({ function_id }) => function_id).join()}
              history={history.data}
            />
          )}
        </section>
      )}
      {generic.data !== undefined && (
        <section>
          <h2>By runtime</h2>
          <Table
            label="Workers by runtime"
            rows={generic.data}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Runtimes', cell: ({ name }) => <span class="prose">{name}</span> },
              { title: 'Workers', cell: ({ total }) => total, number: true },
              { title: 'Generic', cell: ({ available }) => available, number: true },
            ]}
          />
        </section>
      )}
      <section>
        <h2>All workers</h2>
        <p>When memory is needed, the worker is evicted that is expected to save the least cold-start time per MiB.</p>
        {data?.workers.length === 0 && <Empty>There are no workers at the moment.</Empty>}
        {data !== undefined && data.workers.length > 0 && (
          <Table
            label="All workers"
            rows={data.workers}
            keyOf={({ worker_name }) => worker_name}
            columns={[
              { title: 'Worker', cell: ({ worker_name }) => <code>{worker_name}</code> },
              { title: 'Function', cell: (worker) => functionOf(worker) },
              { title: 'State', cell: ({ state }) => <Badge kind={state} /> },
              { title: 'Reserved', cell: ({ memory }) => mebibytes(memory), number: true },
              {
                title: 'Used',
                cell: ({ memory_used: used }) => (used === null ? '–' : mebibytes(used)),
                number: true,
              },
              { title: 'Calls', cell: ({ calls }) => calls, number: true },
              {
                title: 'Idle',
                cell: ({ idle_seconds }) => (idle_seconds === null ? '–' : `${idle_seconds} s`),
                number: true,
              },
              { title: 'Eviction', cell: ({ eviction }) => (eviction === null ? '–' : `${eviction}.`), number: true },
              { title: 'Reason', cell: (worker) => whyText(worker) },
              { title: 'Actions', cell: (worker) => <WorkerActions worker={worker} /> },
            ]}
          />
        )}
      </section>
      <section>
        <h2>Recent starts</h2>
        {starts.data?.length === 0 && <Empty>No call has started or taken a worker yet.</Empty>}
        {starts.data !== undefined && starts.data.length > 0 && (
          <Table
            label="Recent starts"
            rows={starts.data}
            keyOf={({ id }) => id}
            columns={[
              { title: 'Time', cell: ({ id, created_at }) => <Link to={`/executions/${id}`}>{time(created_at)}</Link> },
              { title: 'Start', cell: (row) => start(row) },
              {
                title: 'Call waited',
                cell: ({ phases }) => ms(phases === null ? null : (phases.acquire ?? 0) + (phases.load ?? 0)),
                number: true,
              },
              { title: 'Worker', cell: ({ worker }) => <code>{worker ?? '–'}</code> },
            ]}
          />
        )}
      </section>
    </Page>
  )
}

const countsOf = (workers: KeptWorkerRow[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { state } of workers) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

const functionOf = ({ function_id, function_name, function_version, image }: KeptWorkerRow) =>
  function_id === null ? (
    <span class="cut">{`generic: ${image}`}</span>
  ) : (
    <Link to={`/functions/${function_id}`} class="cut">
      {`${function_name ?? function_id}${function_version ? `:${function_version}` : ''}`}
    </Link>
  )

/** What is shown as 0. */
const leastMs = 0.05

const whyText = ({ state, saves }: KeptWorkerRow): string => {
  if (saves !== null) return saves < leastMs ? 'saves nothing' : `saves ${ms(saves)}/h`
  if (state === 'busy') return 'serves a call'
  return state === 'leaving' ? 'is being stopped' : 'kept by min_workers'
}

function WorkerActions({ worker: { function_id: id, function_version: version } }: { worker: KeptWorkerRow }) {
  if (id === null) return <>–</>
  const at = `/v1/functions/${encodeURIComponent(id)}${version ? `/versions/${version}` : ''}`
  return (
    <span class="actions">
      <Action label="Scale up" kind="small" act={() => call('POST', `${at}/scale_up`, { count: 1 })} />
      <Action
        label="Stop all"
        kind="small danger"
        confirm="All workers of this function stop; its next call starts cold."
        act={() => call('POST', `${at}/detach`)}
      />
    </span>
  )
}

const readStarts = async (): Promise<ExecutionRow[]> => {
  const query = 'start_kind=in:cold,prewarmed&order=newest&limit=20'
  return (await get<{ executions: ExecutionRow[] }>(`/v1/executions?${query}`)).executions
}

/** Runtimes of one image share its workers. */
async function readGeneric(): Promise<Generic[]> {
  const { runtimes } = await get<{ runtimes: RuntimeRow[] }>('/v1/runtimes')
  const byImage = Map.groupBy(runtimes, ({ image }) => image)
  return Promise.all(
    [...byImage.values()].map(async (sharing) => {
      const { capacity } = await get<{ capacity: Omit<Generic, 'name'> }>(
        `/v1/runtimes/${encodeURIComponent(String(sharing[0]?.id))}/pool`,
      )
      return { name: sharing.map(({ id, name }) => name ?? id).join(', '), ...capacity }
    }),
  )
}
