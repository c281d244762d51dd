import { useEffect, useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import { call, get } from '../api.ts'
import { lastRun } from '../live.ts'
import { useLoad, useSoon } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { FilterChoice, FilterText, FilterTime, plain, runFilters } from '../parts/choices.tsx'
import { Link } from '../router.tsx'
import { time } from '../text.ts'
import { DeadLetterDialog } from './dead-letter-dialog.tsx'
import { errorColumn } from './execution-columns.tsx'

const pageRows = 200
/** The API requires a filter for operations on many. */
const everyOne = 'created_at=gte:1970-01-01T00:00:00Z'

/** Accepted runs that did not succeed and are not retried automatically, the oldest first. */
export function DeadLettersPage() {
  const filters = runFilters(['function_id', 'status', 'trigger']).toString()
  const letters = useLoad(
    () => get<{ dead_letters: ExecutionRow[] }>(`/v1/dead-letters?limit=${pageRows}&${filters}`),
    [filters],
  )
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [shown, setShown] = useState<ExecutionRow>()
  const reload = useSoon(1000, letters.reload)
  useEffect(() => lastRun.subscribe((run) => run !== null && run.status !== 'running' && reload()), [])
  useEffect(() => setChosen(new Set()), [filters])
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const rows = letters.data?.dead_letters ?? []
  const marked = rows.filter(({ id }) => chosen.has(id))
  const choose = (ids: string[], isChosen: boolean) =>
    setChosen(new Set(isChosen ? [...chosen, ...ids] : [...chosen].filter((id) => !ids.includes(id))))
  const again = async (verb: 'redrive' | 'drop') => {
    try {
      if (marked.length === 0) refuseLeft(await call('POST', `/v1/dead-letters/${verb}?${filters || everyOne}`))
      else await eachOf(marked, verb)
    } finally {
      setChosen(new Set())
      letters.reload()
    }
  }
  const many = marked.length === 0 ? (filters === '' ? 'all' : 'all matching') : `${marked.length}`
  return (
    <Page title="Dead letters">
      <div class="bar">
        <FilterChoice name="function_id" label="Function" values={[...names]} />
        <FilterChoice name="status" label="Status" values={plain('failed', 'error')} />
        <FilterChoice name="trigger" label="Trigger" values={plain('job', 'webhook', 'async', 'event')} />
        <FilterTime name="since" label="Accepted since" />
        <FilterTime name="until" label="Accepted before" />
        <FilterText name="text" label="Error contains" />
      </div>
      <ErrorMessage problem={letters.problem} />
      {letters.data !== undefined && rows.length === 0 && (
        <Empty>
          {filters === ''
            ? 'There are no dead letters. An accepted run that fails, and is not retried, waits here for a decision.'
            : 'No dead letter matches.'}
        </Empty>
      )}
      {rows.length > 0 && (
        <>
          <div class="bar">
            <Action label={`Redrive ${many}`} act={() => again('redrive')} />
            <Action
              label={`Drop ${many}`}
              kind="danger"
              confirm="The runs are not retried; their records stay."
              act={() => again('drop')}
            />
          </div>
          <Table
            label="Dead letters"
            rows={rows}
            keyOf={({ id }) => id}
            columns={[
              {
                title: 'Selected',
                head: (
                  <input
                    type="checkbox"
                    aria-label="Select all shown"
                    checked={marked.length === rows.length}
                    onChange={({ currentTarget }) =>
                      choose(
                        rows.map(({ id }) => id),
                        currentTarget.checked,
                      )
                    }
                  />
                ),
                cell: ({ id, function_id }) => (
                  <input
                    type="checkbox"
                    aria-label={`Select the run of ${names.get(function_id) ?? function_id}`}
                    checked={chosen.has(id)}
                    onChange={({ currentTarget }) => choose([id], currentTarget.checked)}
                  />
                ),
              },
              { title: 'Since', cell: ({ id, dead_at }) => <Link to={`/executions/${id}`}>{time(dead_at)}</Link> },
              {
                title: 'Function',
                cell: ({ function_id }) => <span class="cut">{names.get(function_id) ?? function_id}</span>,
              },
              { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
              { title: 'Attempts', cell: ({ attempt }) => attempt, number: true },
              errorColumn,
              {
                title: 'Actions',
                cell: (row) => (
                  <span class="actions">
                    <button type="button" class="small" onClick={() => setShown(row)}>
                      Open
                    </button>
                    <Action
                      label="Redrive"
                      kind="small"
                      act={() =>
                        call('POST', `/v1/dead-letters/${encodeURIComponent(row.id)}/redrive`).then(letters.reload)
                      }
                    />
                    <Action
                      label="Drop"
                      kind="small danger"
                      confirm="The run is not retried; its record stays."
                      act={() => call('DELETE', `/v1/dead-letters/${encodeURIComponent(row.id)}`).then(letters.reload)}
                    />
                  </span>
                ),
              },
            ]}
          />
          {rows.length === pageRows && <p>{`The ${pageRows} oldest are shown; newer ones follow as these go.`}</p>}
        </>
      )}
      {shown !== undefined && (
        <DeadLetterDialog
          letter={shown}
          name={names.get(shown.function_id) ?? shown.function_id}
          onClose={() => setShown(undefined)}
          onDone={() => {
            setShown(undefined)
            letters.reload()
          }}
        />
      )}
    </Page>
  )
}

async function eachOf(letters: ExecutionRow[], verb: 'redrive' | 'drop'): Promise<void> {
  for (const { id } of letters) {
    if (verb === 'redrive') await call('POST', `/v1/dead-letters/${encodeURIComponent(id)}/redrive`)
    else await call('DELETE', `/v1/dead-letters/${encodeURIComponent(id)}`)
  }
}

function refuseLeft({ done, left }: { done: number; left: number }): void {
  if (left > 0) throw new Error(`${done} were redriven; the queue is full and ${left} are left. Try again later.`)
}
