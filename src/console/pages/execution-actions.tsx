import { useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import { call } from '../api.ts'
import { Action } from '../parts/basics.tsx'
import { go } from '../router.tsx'

/** Actions on a run: repeat with the same or another version, cancel, and those on dead letters. */
export function ExecutionActions({
  run,
  latestVersion,
  onChanged,
}: {
  run: ExecutionRow
  latestVersion: number
  onChanged(): void
}) {
  const [version, setVersion] = useState(run.function_version)
  const again = async () => {
    const { id } = await call<ExecutionRow>('POST', '/v1/executions', {
      function_id: run.function_id,
      function_version: version,
      sync: false,
      ...(run.input !== null && { input: run.input }),
    })
    go(`/executions/${id}`)
  }
  return (
    <>
      {run.status === 'running' && (
        <Action
          label="Cancel"
          kind="danger"
          act={() => call('POST', `/v1/executions/${encodeURIComponent(run.id)}/cancel`).then(onChanged)}
        />
      )}
      {run.dead_at !== null && (
        <>
          <Action
            label="Redrive"
            act={() => call('POST', `/v1/dead-letters/${encodeURIComponent(run.id)}/redrive`).then(onChanged)}
          />
          <Action
            label="Drop"
            kind="danger"
            confirm="The run is not retried; its record stays."
            act={() => call('DELETE', `/v1/dead-letters/${encodeURIComponent(run.id)}`).then(onChanged)}
          />
        </>
      )}
      {latestVersion > 0 && (
        <select
          aria-label="Version for the new run"
          value={version}
          onChange={(event) => setVersion(Number(event.currentTarget.value))}
        >
          <option value={0}>current code</option>
          {Array.from({ length: latestVersion }, (_, at) => at + 1).map((number) => (
            <option key={number} value={number}>
              version {number}
            </option>
          ))}
        </select>
      )}
      <Action label="Run again" act={again} />
    </>
  )
}
