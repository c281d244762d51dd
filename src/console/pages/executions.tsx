import { useEffect, useRef, useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import { get } from '../api.ts'
import { lastRun } from '../live.ts'
import { useLoad, useSoon } from '../load.ts'
import { Empty, ErrorMessage, Page } from '../parts/basics.tsx'
import { FilterChoice, FilterText, FilterTime, plain, runFilters } from '../parts/choices.tsx'
import { LongTable } from '../parts/long-table.tsx'
import { query, setQuery } from '../router.tsx'
import { executionColumns } from './execution-columns.tsx'

const pageRows = 100
const filters = ['function_id', 'status', 'trigger', 'trigger_id', 'start_kind'] as const

/** All runs, the newest first; older ones are loaded while scrolling. */
export function ExecutionsPage() {
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const asked = runFilters(filters)
  const isFiltered = asked.size > 0
  asked.set('order', 'newest')
  asked.set('limit', String(pageRows))
  const text = asked.toString()
  const first = useLoad(() => get<{ executions: ExecutionRow[] }>(`/v1/executions?${text}`), [text])
  const older = useOlder(text, first.data?.executions)
  const [hasNews, setHasNews] = useState(false)
  const isAtTop = useRef(true)
  isAtTop.current = older.rows.length === 0
  const news = useSoon(1000, () => (isAtTop.current ? first.reload() : setHasNews(true)))
  useEffect(() => lastRun.subscribe((run) => run !== null && news()), [])
  useEffect(() => setHasNews(false), [text])
  const rows = [...(first.data?.executions ?? []), ...older.rows]
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const showNews = () => {
    older.clear()
    setHasNews(false)
    first.reload()
    scrollTo(0, 0)
  }
  return (
    <Page title="Executions">
      <div class="bar">
        <FilterChoice name="function_id" label="Function" values={[...names]} />
        <FilterChoice name="status" label="Status" values={plain('running', 'success', 'failed', 'error')} />
        <FilterChoice
          name="trigger"
          label="Trigger"
          values={plain('api', 'http', 'job', 'webhook', 'async', 'event')}
        />
        <FilterChoice name="start_kind" label="Start" values={plain('warm', 'prewarmed', 'cold')} />
        <FilterTime name="since" label="From" />
        <FilterTime name="until" label="Until" />
        <FilterText name="text" label="Error contains" />
      </div>
      {query.value.has('trigger_id') && (
        <p>
          Executions of one job, webhook or source.{' '}
          <button type="button" class="small" onClick={() => setQuery('trigger_id', '')}>
            Show all
          </button>
        </p>
      )}
      <ErrorMessage problem={first.problem ?? older.problem} />
      {hasNews && (
        <p class="news">
          <button type="button" onClick={showNews}>
            Show newer executions
          </button>
        </p>
      )}
      {first.data !== undefined && rows.length === 0 && (
        <Empty>{isFiltered ? 'No execution matches.' : 'No function has run yet.'}</Empty>
      )}
      {rows.length > 0 && (
        <LongTable
          label="Runs"
          rows={rows}
          keyOf={({ id }) => id}
          columns={executionColumns((id) => names.get(id) ?? id)}
          onEnd={older.read}
        />
      )}
      {rows.length >= pageRows && (
        <p role="status">
          {older.isEnd ? `${rows.length} executions; there are no older ones.` : 'Loading older executions …'}
        </p>
      )}
    </Page>
  )
}

/** Loads the pages after the first one. */
function useOlder(text: string, first: ExecutionRow[] | undefined) {
  const [rows, setRows] = useState<ExecutionRow[]>([])
  const [isEnd, setIsEnd] = useState(false)
  const [problem, setProblem] = useState<Error>()
  const turn = useRef(0)
  const isReading = useRef(false)
  const clear = () => {
    turn.current++
    isReading.current = false
    setRows([])
    setIsEnd(false)
    setProblem(undefined)
  }
  useEffect(clear, [text])
  const read = () => {
    const marker = (rows.at(-1) ?? first?.at(-1))?.id
    if (isReading.current || isEnd || marker === undefined || (first?.length ?? 0) < pageRows) return
    isReading.current = true
    const own = turn.current
    get<{ executions: ExecutionRow[] }>(`/v1/executions?${text}&marker=${marker}`).then(
      ({ executions }) => {
        if (own !== turn.current) return
        isReading.current = false
        setProblem(undefined)
        setRows((known) => [...known, ...executions])
        setIsEnd(executions.length < pageRows)
      },
      (error: Error) => {
        if (own !== turn.current) return
        isReading.current = false
        setProblem(error)
      },
    )
  }
  return { rows, isEnd, problem, read, clear }
}
