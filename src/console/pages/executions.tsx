import { useEffect, useState } from 'preact/hooks'
import type { ExecutionRow, FunctionRow } from '../../client/resources.ts'
import { get } from '../api.ts'
import { lastRun } from '../live.ts'
import { useLoad, useSoon } from '../load.ts'
import { Empty, Field, Page, Table, Trouble } from '../parts/basics.tsx'
import { query, setQuery } from '../router.tsx'
import { executionColumns } from './execution-columns.tsx'

const pageRows = 100
const filters = ['function_id', 'status', 'trigger', 'start_kind'] as const

/** Everything that ran, the newest first, page by page. */
export function Executions() {
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const asked = new URLSearchParams({ order: 'newest', limit: String(pageRows) })
  for (const name of filters) if (query.value.has(name)) asked.set(name, query.value.get(name) as string)
  const text = asked.toString()
  const first = useLoad(() => get<{ executions: ExecutionRow[] }>(`/v1/executions?${text}`), [text])
  const [more, setMore] = useState<ExecutionRow[]>([])
  const [isEnd, setIsEnd] = useState(false)
  useEffect(() => {
    setMore([])
    setIsEnd(false)
  }, [text])
  const reload = useSoon(1000, () => more.length === 0 && first.reload())
  useEffect(() => lastRun.subscribe((run) => run !== null && reload()), [])
  const rows = [...(first.data?.executions ?? []), ...more]
  const older = async () => {
    const marker = rows.at(-1)?.id
    const next = await get<{ executions: ExecutionRow[] }>(`/v1/executions?${text}&marker=${marker}`)
    setMore([...more, ...next.executions])
    setIsEnd(next.executions.length < pageRows)
  }
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const choice = (name: (typeof filters)[number], label: string, values: [value: string, text: string][]) => (
    <Field label={label}>
      <select value={query.value.get(name) ?? ''} onChange={(event) => setQuery(name, event.currentTarget.value)}>
        <option value="">all</option>
        {values.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </Field>
  )
  const plain = (...values: string[]): [string, string][] => values.map((value) => [value, value])
  return (
    <Page title="Executions">
      <div class="bar">
        {choice('function_id', 'Function', [...names])}
        {choice('status', 'Status', plain('running', 'success', 'failed', 'error'))}
        {choice('trigger', 'Trigger', plain('api', 'http', 'job', 'webhook', 'async', 'event'))}
        {choice('start_kind', 'Start', plain('warm', 'prewarmed', 'cold'))}
      </div>
      <Trouble problem={first.problem} />
      {first.data !== undefined && rows.length === 0 && <Empty>Nothing ran that fits.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Runs"
          rows={rows}
          keyOf={({ id }) => id}
          columns={executionColumns((id) => names.get(id) ?? id)}
        />
      )}
      {rows.length >= pageRows && !isEnd && (
        <button type="button" onClick={() => void older()}>
          Older
        </button>
      )}
    </Page>
  )
}
