import { useEffect } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import { get } from '../api.ts'
import { lastRun } from '../live.ts'
import { useEvery, useLoad, useSoon } from '../load.ts'
import { Empty, ErrorMessage, Table } from '../parts/basics.tsx'
import { Link } from '../router.tsx'
import { time } from '../text.ts'

const everyMs = 10_000
const mostRead = 200
const mostShown = 8

/** Accepted runs that have no worker yet, the oldest first, and how many dead letters wait for a decision. */
export function Waiting({ nameOf }: { nameOf(id: string): string }) {
  const { data, problem, reload } = useLoad(readWaiting, [])
  const soon = useSoon(1000, reload)
  useEffect(() => lastRun.subscribe((run) => run !== null && soon()), [])
  useEvery(everyMs, reload)
  return (
    <section>
      <h2>Waiting</h2>
      <ErrorMessage problem={problem} />
      {data !== undefined && data.deadLetters > 0 && (
        <p>
          <Link to="/dead-letters">{deadLettersText(data.deadLetters)}</Link> for a decision.
        </p>
      )}
      {data?.runs.length === 0 && <Empty>No accepted run waits.</Empty>}
      {data !== undefined && data.runs.length > 0 && (
        <Table
          label="Waiting runs"
          rows={data.runs.slice(0, mostShown)}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'Accepted',
              cell: ({ id, created_at }) => <Link to={`/executions/${id}`}>{time(created_at)}</Link>,
            },
            {
              title: 'Function',
              cell: ({ function_id }) => (
                <Link to={`/functions/${function_id}`} class="cut">
                  {nameOf(function_id)}
                </Link>
              ),
            },
            { title: 'Trigger', cell: ({ trigger }) => trigger },
            { title: 'Attempts', cell: ({ attempt }) => attempt, number: true },
            { title: 'Waits for', cell: ({ run_at }) => (isLater(run_at) ? time(run_at) : 'a worker') },
          ]}
        />
      )}
      {data !== undefined && data.runs.length > mostShown && (
        <p>
          <Link to="/executions?status=running">{`${data.runs.length - mostShown} more`}</Link>
        </p>
      )}
    </section>
  )
}

const isLater = (iso: string | null): boolean => iso !== null && Date.parse(iso) > Date.now()

const deadLettersText = (count: number): string =>
  count === 1 ? '1 dead letter waits' : `${count === mostRead ? `${count} or more` : count} dead letters wait`

async function readWaiting(): Promise<{ runs: ExecutionRow[]; deadLetters: number }> {
  const [{ executions }, { dead_letters }] = await Promise.all([
    get<{ executions: ExecutionRow[] }>(`/v1/executions?status=running&limit=${mostRead}`),
    get<{ dead_letters: ExecutionRow[] }>(`/v1/dead-letters?limit=${mostRead}`),
  ])
  return { runs: executions.filter(({ start_kind }) => start_kind === null), deadLetters: dead_letters.length }
}
