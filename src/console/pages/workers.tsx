import type { FunctionRow, WorkerRow } from '../../client/resources/functions.ts'
import type { RuntimeRow } from '../../client/resources/runtimes.ts'
import { call, get } from '../api.ts'
import { serverNow } from '../live.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Empty, Facts, Page, Table, Trouble } from '../parts/basics.tsx'
import { Link } from '../router.tsx'

interface Shown extends WorkerRow {
  name: string
}

interface Generic {
  name: string
  total: number
  available: number
}

/** Who is warm, for whom; and how many wait for any function. */
export function Workers() {
  const workers = useLoad(readWorkers, [])
  const generic = useLoad(readGeneric, [])
  useEvery(3000, () => {
    workers.reload()
    generic.reload()
  })
  const states = Object.entries(serverNow.value.workers ?? {})
  return (
    <Page title="Workers">
      <Trouble problem={workers.problem ?? generic.problem} />
      <Facts facts={states.map(([state, count]): [string, number] => [state, count])} />
      {generic.data !== undefined && (
        <section>
          <h2>By runtime</h2>
          <Table
            label="Workers by runtime"
            rows={generic.data}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Runtime', cell: ({ name }) => name },
              { title: 'Workers', cell: ({ total }) => total, number: true },
              { title: 'Generic and ready', cell: ({ available }) => available, number: true },
            ]}
          />
        </section>
      )}
      <section>
        <h2>By function</h2>
        {workers.data?.length === 0 && (
          <Empty>No function has a worker at the moment: the next call takes a generic one.</Empty>
        )}
        {workers.data !== undefined && workers.data.length > 0 && (
          <Table
            label="Workers by function"
            rows={workers.data}
            keyOf={({ worker_name }) => worker_name}
            columns={[
              { title: 'Worker', cell: ({ worker_name }) => <code>{worker_name}</code> },
              {
                title: 'Function',
                cell: ({ function_id, name }) => (
                  <Link to={`/functions/${function_id}`} class="cut">
                    {name}
                  </Link>
                ),
              },
              { title: 'Version', cell: ({ function_version }) => function_version, number: true },
              {
                title: 'Actions',
                cell: ({ function_id, function_version }) => (
                  <span class="actions">
                    <Action
                      label="One more"
                      kind="small"
                      act={() => call('POST', `${place(function_id, function_version)}/scale_up`, { count: 1 })}
                    />
                    <Action
                      label="End all"
                      kind="small danger"
                      confirm="The next call of this function starts cold."
                      act={() => call('POST', `${place(function_id, function_version)}/detach`)}
                    />
                  </span>
                ),
              },
            ]}
          />
        )}
      </section>
    </Page>
  )
}

const place = (id: string, version: number): string =>
  `/v1/functions/${id}${version === 0 ? '' : `/versions/${version}`}`

async function readWorkers(): Promise<Shown[]> {
  const { functions } = await get<{ functions: FunctionRow[] }>('/v1/functions')
  const found = await Promise.all(
    functions.flatMap(({ id, name, latest_version }) =>
      Array.from({ length: latest_version + 1 }, async (_, version) => {
        const { workers } = await get<{ workers: WorkerRow[] }>(
          `/v1/functions/${id}/workers?function_version=${version}`,
        )
        return workers.map((worker) => ({ ...worker, name: name ?? id }))
      }),
    ),
  )
  return found.flat()
}

async function readGeneric(): Promise<Generic[]> {
  const { runtimes } = await get<{ runtimes: RuntimeRow[] }>('/v1/runtimes')
  const seen = new Set<string>()
  const own = runtimes.filter(({ image }) => !seen.has(image) && seen.add(image))
  return Promise.all(
    own.map(async ({ id, name }) => {
      const { capacity } = await get<{ capacity: { total: number; available: number } }>(`/v1/runtimes/${id}/pool`)
      return { name: name ?? id, ...capacity }
    }),
  )
}
