import { useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { RuntimeRow } from '../../client/resources/runtimes.ts'
import type { FunctionStatsRow } from '../../client/resources/stats.ts'
import type { KeptWorkerRow } from '../../client/resources/workers.ts'
import { get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { isAdmin } from '../me.ts'
import { Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { Link } from '../router.tsx'
import { mebibytes, ms, percent, time } from '../text.ts'

const everyMs = 5000

export function FunctionsPage() {
  const [wanted, setWanted] = useState('')
  const { data, problem, reload } = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const runtimes = useLoad(() => get<{ runtimes: RuntimeRow[] }>('/v1/runtimes'), [])
  const runtimeName = (id: string | null) => runtimes.data?.runtimes.find((row) => row.id === id)?.name ?? '–'
  const { statsOf, workersOf } = useTraffic(reload)
  const rows = (data?.functions ?? []).filter(({ name, id }) =>
    (name ?? id).toLowerCase().includes(wanted.toLowerCase()),
  )
  return (
    <Page
      title="Functions"
      actions={
        <Link to="/functions/new" class="button primary">
          New function
        </Link>
      }
    >
      <ErrorMessage problem={problem} />
      {data?.functions.length === 0 && (
        <Empty>
          There are no functions yet. <Link to="/functions/new">Make the first one</Link>: a few lines in the browser
          are enough.
        </Empty>
      )}
      {data !== undefined && data.functions.length > 0 && (
        <>
          <input
            type="search"
            class="filter"
            aria-label="Filter by name"
            placeholder="Filter by name"
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
          <Table
            label="Functions"
            rows={rows}
            keyOf={({ id }) => id}
            columns={[
              {
                title: 'Name',
                cell: ({ name, id }) => (
                  <Link to={`/functions/${id}`} class="cut">
                    {name ?? id}
                  </Link>
                ),
              },
              { title: 'Runtime', cell: ({ runtime_id }) => runtimeName(runtime_id) },
              { title: 'Memory', cell: ({ memory_size }) => mebibytes(memory_size), number: true },
              { title: 'Versions', cell: ({ latest_version }) => latest_version, number: true },
              ...(isAdmin.value ? [{ title: 'Workers', cell: ({ id }: FunctionRow) => workersOf(id) }] : []),
              { title: 'Calls', cell: ({ count }) => count.toLocaleString(), number: true },
              { title: 'Failed', cell: ({ id }) => <Failed stats={statsOf(id)} />, number: true },
              { title: 'p95', cell: ({ id }) => ms(statsOf(id)?.total.p95), number: true },
              { title: 'Changed or called', cell: ({ updated_at, created_at }) => time(updated_at ?? created_at) },
            ]}
          />
        </>
      )}
    </Page>
  )
}

/** Since the server started. */
function Failed({ stats }: { stats: FunctionStatsRow | undefined }) {
  const rate = stats?.error_rate ?? null
  return <span class={rate !== null && rate > 0 ? 'bad' : ''}>{percent(rate)}</span>
}

/** Traffic and workers of each function, read again and again, together with the list. */
function useTraffic(reload: () => void) {
  const stats = useLoad(() => get<{ functions: FunctionStatsRow[] }>('/v1/stats/functions'), [])
  const workers = useLoad(
    () => (isAdmin.value ? get<{ workers: KeptWorkerRow[] }>('/v1/workers') : Promise.resolve({ workers: [] })),
    [isAdmin.value],
  )
  useEvery(everyMs, () => {
    reload()
    stats.reload()
    workers.reload()
  })
  const statsOf = (id: string) => stats.data?.functions.find(({ function_id }) => function_id === id)
  const workersOf = (id: string): string => {
    const own = workers.data?.workers.filter(({ function_id }) => function_id === id) ?? []
    const states = Map.groupBy(own, ({ state }) => state)
    return [...states].map(([state, { length }]) => `${length} ${state}`).join(', ') || '–'
  }
  return { statsOf, workersOf }
}
