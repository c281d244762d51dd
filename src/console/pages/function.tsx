import { useState } from 'preact/hooks'
import type { ExecutionRow } from '../../client/resources/executions.ts'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { StatsRow } from '../../client/resources/stats.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Copy, Empty, ErrorMessage, Facts, Page, Table } from '../parts/basics.tsx'
import { go, Link, query, setQuery } from '../router.tsx'
import { mebibytes, ms, percent, time } from '../text.ts'
import { BuildList } from './builds.tsx'
import { executionColumns } from './execution-columns.tsx'
import { FunctionCodeTab } from './function-code.tsx'
import { FunctionRun } from './function-run.tsx'
import { FunctionSettings } from './function-settings.tsx'
import { FunctionVersionsTab } from './function-versions.tsx'

const tabs = ['run', 'code', 'builds', 'settings', 'versions', 'executions', 'numbers'] as const

/** A function: run it, change it, see its runs. */
export function FunctionPage({ id }: { id: string }) {
  const fn = useLoad(() => get<FunctionRow>(`/v1/functions/${encodeURIComponent(id)}`), [id])
  const [runs, setRuns] = useState(0)
  const tab = query.value.get('tab') ?? 'run'
  if (fn.data === undefined) return <ErrorMessage problem={fn.problem} />
  const data = fn.data
  const name = data.name ?? data.id
  const remove = async () => {
    await call('DELETE', `/v1/functions/${encodeURIComponent(data.id)}`)
    go('/functions')
  }
  const address = `${location.origin}/fn/${encodeURIComponent(name)}`
  return (
    <Page
      title={name}
      actions={<Action label="Delete" kind="danger" act={remove} confirm={`Delete ${name} with its versions?`} />}
    >
      <p class="address">
        <code>{address}</code> <Copy text={address} />
      </p>
      <Facts
        facts={[
          ['Description', data.description],
          ['Code', data.code.source === 'image' ? String(data.code.image) : data.code.source],
          ['Entry', data.entry],
          ['Memory', mebibytes(data.memory_size)],
          ['Timeout', `${data.timeout} s`],
          ['Versions', data.latest_version],
          ['Changed or called', time(data.updated_at ?? data.created_at)],
        ]}
      />
      <div class="tabs" role="tablist" aria-label="Sections of the function">
        {tabs.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`tab-${each}`}
            aria-controls="part"
            aria-selected={tab === each}
            tabIndex={tab === each ? 0 : -1}
            onClick={() => setQuery('tab', each)}
            onKeyDown={(event) => onArrow(event, each)}
          >
            {each}
          </button>
        ))}
      </div>
      <div id="part" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === 'run' && <FunctionRun fn={data} onRun={() => setRuns(runs + 1)} />}
        {tab === 'code' && <FunctionCodeTab fn={data} onSaved={fn.reload} />}
        {tab === 'builds' && <BuildList functionId={data.id} />}
        {tab === 'settings' && <FunctionSettings fn={data} onSaved={fn.reload} />}
        {tab === 'versions' && <FunctionVersionsTab fn={data} onChanged={fn.reload} />}
        {tab === 'executions' && <Runs id={data.id} />}
        {tab === 'numbers' && <Numbers id={data.id} />}
      </div>
    </Page>
  )
}

function onArrow(event: KeyboardEvent, at: (typeof tabs)[number]): void {
  const index = tabs.indexOf(at)
  const to: Record<string, number> = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: -1 }
  const step = to[event.key]
  if (step === undefined) return
  event.preventDefault()
  const next = tabs.at(step % tabs.length) as string
  setQuery('tab', next)
  requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus())
}

const mostRuns = 50

function Runs({ id }: { id: string }) {
  const { data, problem, reload } = useLoad(
    () =>
      get<{ executions: ExecutionRow[] }>(
        `/v1/executions?function_id=${encodeURIComponent(id)}&order=newest&limit=${mostRuns}`,
      ),
    [id],
  )
  useEvery(3000, reload)
  return (
    <>
      <ErrorMessage problem={problem} />
      {data?.executions.length === 0 && <Empty>It has not run yet.</Empty>}
      {data !== undefined && data.executions.length > 0 && (
        <Table
          label="Runs of the function"
          rows={data.executions}
          keyOf={(row) => row.id}
          columns={executionColumns(null)}
        />
      )}
      {data?.executions.length === mostRuns && (
        <p>
          <Link to={`/executions?function_id=${encodeURIComponent(id)}`}>All executions, with filters</Link>
        </p>
      )}
    </>
  )
}

function Numbers({ id }: { id: string }) {
  const { data, problem, reload } = useLoad(() => get<StatsRow>(`/v1/functions/${encodeURIComponent(id)}/stats`), [id])
  useEvery(3000, reload)
  if (data === undefined) return <ErrorMessage problem={problem} />
  return (
    <>
      <Facts
        facts={[
          ['Since', time(data.since)],
          ['Runs', data.executions],
          ['Failed', `${data.failed + data.error} (${percent(data.error_rate)})`],
          ['Starts', `${data.starts.warm} warm, ${data.starts.prewarmed} prewarmed, ${data.starts.cold} cold`],
          [
            'Cold start reasons',
            Object.entries(data.cold_reasons)
              .map(([reason, { count }]) => `${reason.replaceAll('_', ' ')} ${count}`)
              .join(', '),
          ],
          ['Compute time', `${data.gb_seconds.busy} GB-seconds`],
        ]}
      />
      <Table
        label="Phases"
        rows={Object.entries(data.phases)}
        keyOf={([phase]) => phase}
        columns={[
          { title: 'Phase', cell: ([phase]) => phase },
          { title: 'p50', cell: ([, { p50 }]) => ms(p50), number: true },
          { title: 'p95', cell: ([, { p95 }]) => ms(p95), number: true },
          { title: 'p99', cell: ([, { p99 }]) => ms(p99), number: true },
        ]}
      />
    </>
  )
}
