import { useEffect, useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import { apiRequest, call, get } from '../api.ts'
import { onLog } from '../live.ts'
import { Action, Badge, Field } from '../parts/basics.tsx'
import { Phases } from '../parts/phases.tsx'
import { Link } from '../router.tsx'
import { json, start } from '../text.ts'

/** Runs a function with an input; output, log and phases appear as they arrive. */
export function FunctionRun({ fn, onRun }: { fn: FunctionRow; onRun(): void }) {
  const [input, setInput] = useState('{"name": "Li Bai"}')
  const [row, setRow] = useState<ExecutionRow>()
  const [log, setLog] = useState('')
  const run = async () => {
    setLog('')
    const accepted = await call<ExecutionRow>('POST', '/v1/executions', {
      function_id: fn.id,
      sync: false,
      ...(input.trim() !== '' && { input }),
    })
    setRow(accepted)
    setRow(await ended(accepted))
    setLog(await logOf(accepted.id))
    onRun()
  }
  useEffect(
    () => (row === undefined ? undefined : onLog(row.id, (text) => setLog((before) => before + text))),
    [row?.id],
  )
  return (
    <>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        <Field label="Input" hint="JSON is parsed; other text is passed as a string.">
          <textarea
            rows={5}
            spellcheck={false}
            value={input}
            onInput={(event) => setInput(event.currentTarget.value)}
          />
        </Field>
        <div class="actions">
          <Action label="Run" kind="primary" act={run} />
        </div>
      </form>
      {row && <Result row={row} log={log} />}
    </>
  )
}

export const logOf = async (id: string): Promise<string> => {
  const answer = await apiRequest('GET', `/v1/executions/${encodeURIComponent(id)}/log`)
  return answer.status === 200 ? (await answer.text()).split('\n').slice(1).join('\n') : ''
}

async function ended(accepted: ExecutionRow): Promise<ExecutionRow> {
  let row = accepted
  for (let waitMs = 50; row.status === 'running'; waitMs = Math.min(1000, waitMs * 1.5)) {
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    row = await get<ExecutionRow>(`/v1/executions/${encodeURIComponent(row.id)}`)
  }
  return row
}

function Result({ row, log }: { row: ExecutionRow; log: string }) {
  return (
    <section class="result" aria-live="polite">
      <h2>
        <Badge kind={row.status} /> {row.start_kind && start(row)} <Link to={`/executions/${row.id}`}>Details</Link>
      </h2>
      {row.status === 'success' && <pre>{json(row.output)}</pre>}
      {row.error && <pre class="bad">{row.error.stack ?? `${row.error.type}: ${row.error.message}`}</pre>}
      {log !== '' && (
        <>
          <h2>Log</h2>
          <pre>{log}</pre>
        </>
      )}
      <Phases phases={row.phases} />
    </section>
  )
}
