import { useEffect, useState } from 'preact/hooks'
import { destinationToRead } from '../../client/destination-text.ts'
import { explanationOf } from '../../client/explanation.ts'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import { get } from '../api.ts'
import { lastRun, onLog } from '../live.ts'
import { useLoad } from '../load.ts'
import { Badge, ErrorMessage, Facts, Page } from '../parts/basics.tsx'
import { Phases } from '../parts/phases.tsx'
import { Link } from '../router.tsx'
import { json, start, time } from '../text.ts'
import { ExecutionActions } from './execution-actions.tsx'
import { logOf } from './function-run.tsx'

/** One run: what it waited for, why it was cold, its output, and its end. */
export function ExecutionPage({ id }: { id: string }) {
  const run = useLoad(() => get<ExecutionRow>(`/v1/executions/${encodeURIComponent(id)}`), [id])
  const fn = useLoad(
    () =>
      run.data === undefined
        ? Promise.resolve(undefined)
        : get<FunctionRow>(`/v1/functions/${encodeURIComponent(run.data.function_id)}`),
    [run.data?.function_id],
  )
  const [log, setLog] = useState('')
  const status = run.data?.status
  useEffect(() => void logOf(id).then(setLog), [id, status])
  useEffect(() => onLog(id, (text) => setLog((before) => before + text)), [id])
  useEffect(
    () => lastRun.subscribe((changed) => changed?.id === id && changed.status !== 'running' && run.reload()),
    [id],
  )
  if (run.data === undefined) return <ErrorMessage problem={run.problem} />
  const row = run.data
  return (
    <Page
      title={`Run of ${fn.data?.name ?? row.function_id}`}
      actions={<ExecutionActions run={row} latestVersion={fn.data?.latest_version ?? 0} onChanged={run.reload} />}
    >
      <Facts
        facts={[
          ['Status', <Badge kind={row.status} />],
          [
            'Function',
            <Link
              to={`/functions/${row.function_id}`}
            >{`${fn.data?.name ?? row.function_id}${row.function_version > 0 ? `:${row.function_version}` : ''}`}</Link>,
          ],
          [
            'Trigger',
            row.trigger_id === null ? (
              row.trigger
            ) : (
              <Link to={`/executions?trigger_id=${row.trigger_id}`}>{row.trigger}</Link>
            ),
          ],
          ['Start', start(row)],
          ['Attempt', row.attempt],
          ['Not before', row.run_at === null ? null : time(row.run_at)],
          ['Priority', row.priority === 0 ? null : row.priority],
          ['Dead letter since', row.dead_at === null ? null : time(row.dead_at)],
          ['Destination', row.delivery && <Delivery delivery={row.delivery} />],
          ['Worker', row.worker],
          ['Memory', row.memory_peak_mb === null ? null : `${row.memory_peak_mb} MiB peak`],
          ['CPU', row.cpu_ms === null ? null : `${row.cpu_ms} ms`],
          ['Started', time(row.created_at)],
          ['ID', <code>{row.id}</code>],
        ]}
      />
      <Phases phases={row.phases} />
      <ul class="sentences">
        {explanationOf(row, fn.data ?? null).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {row.error && (
        <>
          <h2>Error</h2>
          <pre class="bad">{row.error.stack ?? `${row.error.type}: ${row.error.message}`}</pre>
        </>
      )}
      <h2>Log</h2>
      <pre aria-live="polite">{log === '' ? 'No output.' : log}</pre>
      <h2>Input</h2>
      <pre>{row.input ?? 'none'}</pre>
      {row.status === 'success' && (
        <>
          <h2>Output</h2>
          <pre>{json(row.output)}</pre>
        </>
      )}
    </Page>
  )
}

/** The destination of the result, and the state of the delivery. */
function Delivery({ delivery: { to, state, attempts, error } }: { delivery: NonNullable<ExecutionRow['delivery']> }) {
  return (
    <>
      {destinationToRead(to)} <Badge kind={state} /> {attempts > 1 && `${attempts} tries`} {error}
    </>
  )
}
