import { useState } from 'preact/hooks'
import type { JobCalendar, JobRow } from '../../client/resources/jobs.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { go, Link } from '../router.tsx'
import { useTargets } from '../targets.ts'
import { minute, time } from '../text.ts'
import { JobDay } from './job-day.tsx'
import { JobForm } from './job-form.tsx'
import { NoFunctions } from './no-functions.tsx'
import { noTargets } from './target-choice.ts'

export function JobsPage() {
  const jobs = useLoad(() => get<{ jobs: JobRow[] }>('/v1/jobs'), [])
  const { targets, problem } = useTargets()
  const names = new Map(targets?.functions.map(({ id, name }) => [id, name ?? id]))
  const calendar = useLoad(() => get<JobCalendar>('/v1/jobs/calendar'), [])
  const [edited, setEdited] = useState<JobRow>()
  const reload = () => {
    jobs.reload()
    calendar.reload()
  }
  useEvery(60_000, reload)
  const change = (id: string, fields: object) => call('PUT', `/v1/jobs/${encodeURIComponent(id)}`, fields).then(reload)
  const run = async (job: JobRow) => {
    const target = job.function_alias
      ? { function_alias: job.function_alias }
      : { function_id: job.function_id, function_version: job.function_version }
    const { id } = await call<{ id: string }>('POST', '/v1/executions', {
      ...target,
      sync: false,
      ...(job.function_input && { input: job.function_input }),
    })
    go(`/executions/${id}`)
  }
  const rows = jobs.data?.jobs ?? []
  return (
    <Page title="Jobs">
      <ErrorMessage problem={jobs.problem ?? calendar.problem} />
      {calendar.data !== undefined && <JobDay calendar={calendar.data} />}
      {jobs.data !== undefined && rows.length === 0 && (
        <Empty>There are no jobs. A job runs a function on a schedule, such as 0 9 * * mon-fri.</Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Jobs"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'Name',
              cell: ({ name, id }) => (
                <Link to={`/executions?trigger_id=${id}`} class="cut">
                  {name ?? id}
                </Link>
              ),
            },
            {
              title: 'Function',
              cell: ({ function_id, function_alias }) =>
                function_alias ? (
                  `alias ${function_alias}`
                ) : (
                  <Link to={`/functions/${function_id}`} class="cut">
                    {names.get(function_id ?? '') ?? function_id}
                  </Link>
                ),
            },
            {
              title: 'Pattern',
              cell: ({ pattern, timezone }) => (
                <span class="cut" title={timezone}>
                  {pattern === null ? 'once' : timezone === 'UTC' ? pattern : `${pattern} (${timezone})`}
                </span>
              ),
            },
            { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
            {
              title: 'Next run',
              cell: ({ next_execution_time, next_runs }) => (
                <span title={next_runs.map((at) => time(at)).join('\n')}>{minute(next_execution_time)}</span>
              ),
            },
            ...(rows.some(({ left_out }) => left_out.length > 0)
              ? [{ title: 'Skipped', cell: (job: JobRow) => <LeftOut job={job} /> }]
              : []),
            {
              title: 'Actions',
              cell: (job) => (
                <span class="actions">
                  <Action label="Run now" kind="small" act={() => run(job)} />
                  {(job.status === 'running' || job.status === 'paused') && (
                    <button type="button" class="small" onClick={() => setEdited(job)}>
                      Edit
                    </button>
                  )}
                  {job.status === 'running' && (
                    <Action label="Pause" kind="small" act={() => change(job.id, { status: 'paused' })} />
                  )}
                  {job.status === 'paused' && (
                    <Action label="Resume" kind="small" act={() => change(job.id, { status: 'running' })} />
                  )}
                  <Action
                    label="Delete"
                    kind="small danger"
                    confirm="Delete this job?"
                    act={() => call('DELETE', `/v1/jobs/${encodeURIComponent(job.id)}`).then(reload)}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
      <section>
        <h2>New job</h2>
        <ErrorMessage problem={problem} />
        {targets?.functions.length === 0 && <NoFunctions />}
        {targets && targets.functions.length > 0 && <JobForm targets={targets} onDone={reload} />}
      </section>
      {edited !== undefined && (
        <Dialog title={`Job ${edited.name ?? edited.id}`} onClose={() => setEdited(undefined)}>
          <JobForm
            targets={noTargets}
            job={edited}
            onDone={() => {
              setEdited(undefined)
              reload()
            }}
          />
        </Dialog>
      )}
    </Page>
  )
}

/** Skipped runs since the server started. */
function LeftOut({ job: { left_out } }: { job: JobRow }) {
  const [last] = left_out
  if (last === undefined) return <>–</>
  const why = last.why === 'missed' ? 'missed' : 'the previous run was unfinished'
  return <span title={left_out.map(({ at }) => time(at)).join('\n')}>{`${time(last.at)}: ${why}`}</span>
}
