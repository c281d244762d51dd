import type { ExecutionRow } from '../../client/resources/executions.ts'
import { Badge, type Column } from '../parts/basics.tsx'
import { Link } from '../router.tsx'
import { ms, start, time } from '../text.ts'

/** `nameOf`: names of functions; null where all are of one. */
export function executionColumns(nameOf: ((id: string) => string) | null): Column<ExecutionRow>[] {
  return [
    { title: 'Time', cell: ({ id, created_at }) => <Link to={`/executions/${id}`}>{time(created_at)}</Link> },
    nameOf === null ? versionColumn : functionColumn(nameOf),
    { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
    { title: 'Trigger', cell: ({ trigger }) => trigger },
    { title: 'Start', cell: (row) => start(row) },
    { title: 'Total', cell: ({ phases }) => ms(phases?.total), number: true },
    errorColumn,
  ]
}

const functionColumn = (nameOf: (id: string) => string): Column<ExecutionRow> => ({
  title: 'Function',
  cell: ({ function_id, function_version }) => (
    <Link to={`/functions/${function_id}`} class="cut">
      {nameOf(function_id)}
      {function_version > 0 && `:${function_version}`}
    </Link>
  ),
})

const versionColumn: Column<ExecutionRow> = {
  title: 'Version',
  cell: ({ function_version }) => (function_version > 0 ? function_version : 'current code'),
}

/** One line, as wide as the other columns leave it; the whole text under the pointer. */
export const errorColumn: Column<ExecutionRow> = {
  title: 'Error',
  cell: ({ error }) => {
    if (!error) return null
    const text = `${error.type}: ${error.message}`
    return (
      <span class="rest" title={text}>
        {text}
      </span>
    )
  },
}
