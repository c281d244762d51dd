import { useState } from 'preact/hooks'
import type { UsageList, UsageRow } from '../../client/resources/usage.ts'
import { get } from '../api.ts'
import { useLoad } from '../load.ts'
import { isAdmin } from '../me.ts'
import { Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { Link } from '../router.tsx'

const groupings = ['function', 'day', 'project', 'day,function'] as const

/** Use of functions this month: of the caller's project, for admins of all. */
export function UsagePage() {
  const [by, setBy] = useState<(typeof groupings)[number]>('function')
  const everywhere = isAdmin.value ? '&all_projects=true' : ''
  const used = useLoad(() => get<UsageList>(`/v1/usage?by=${by}${everywhere}`), [by, everywhere])
  const rows = used.data?.usage ?? []
  const choice = (
    <select aria-label="Group by" value={by} onChange={(event) => setBy(event.currentTarget.value as typeof by)}>
      {groupings.map((name) => (
        <option key={name} value={name}>
          {`by ${name.replace(',', ' and ')}`}
        </option>
      ))}
    </select>
  )
  return (
    <Page title="Usage" actions={choice}>
      <ErrorMessage problem={used.problem} />
      {used.data !== undefined && <p class="prose">{`${used.data.from} to ${used.data.to}, in days of UTC.`}</p>}
      {used.data !== undefined && rows.length === 0 && <Empty>No usage yet.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Usage"
          rows={rows}
          keyOf={({ day, project_id, function_id }) => `${day} ${project_id} ${function_id}`}
          columns={[
            ...(by.includes('day') ? [{ title: 'Day', cell: ({ day }: UsageRow) => day ?? '' }] : []),
            ...(by === 'day' ? [] : [{ title: 'Project', cell: ({ project_id }: UsageRow) => project_id ?? '' }]),
            ...(by.includes('function')
              ? [{ title: 'Function', cell: (row: UsageRow) => <FunctionOf row={row} /> }]
              : []),
            { title: 'Calls', cell: ({ calls }) => calls, number: true },
            { title: 'Busy GB-s', cell: ({ busy_gb_seconds }) => busy_gb_seconds.toFixed(1), number: true },
            { title: 'Idle GB-s', cell: ({ idle_gb_seconds }) => idle_gb_seconds.toFixed(1), number: true },
            { title: 'CPU s', cell: ({ cpu_seconds }) => cpu_seconds.toFixed(1), number: true },
            { title: 'Bytes in', cell: ({ bytes_in }) => bytes_in, number: true },
            { title: 'Bytes out', cell: ({ bytes_out }) => bytes_out, number: true },
          ]}
        />
      )}
    </Page>
  )
}

const FunctionOf = ({ row: { function_id, function_name } }: { row: UsageRow }) => (
  <Link to={`/functions/${function_id}`} class="cut">
    {function_name ?? function_id}
  </Link>
)
