import { useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { RuntimeRow } from '../../client/resources/runtimes.ts'
import { get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { Link } from '../router.tsx'
import { mebibytes, time } from '../text.ts'

export function FunctionsPage() {
  const [wanted, setWanted] = useState('')
  const { data, problem } = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const runtimes = useLoad(() => get<{ runtimes: RuntimeRow[] }>('/v1/runtimes'), [])
  const runtimeName = (id: string | null) => runtimes.data?.runtimes.find((row) => row.id === id)?.name ?? '–'
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
              { title: 'Entry', cell: ({ entry }) => entry ?? '–' },
              { title: 'Memory', cell: ({ memory_size }) => mebibytes(memory_size), number: true },
              { title: 'Timeout', cell: ({ timeout }) => `${timeout} s`, number: true },
              { title: 'Versions', cell: ({ latest_version }) => latest_version, number: true },
              { title: 'Calls', cell: ({ count }) => count, number: true },
              { title: 'Changed or called', cell: ({ updated_at, created_at }) => time(updated_at ?? created_at) },
            ]}
          />
        </>
      )}
    </Page>
  )
}
