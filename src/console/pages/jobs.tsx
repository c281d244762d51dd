import { useState } from 'preact/hooks'
import type { FunctionRow, JobRow } from '../../client/resources.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Badge, Empty, Field, Page, Table, Trouble } from '../parts/basics.tsx'
import { go, Link } from '../router.tsx'
import { time } from '../text.ts'

export function Jobs() {
  const jobs = useLoad(() => get<{ jobs: JobRow[] }>('/v1/jobs'), [])
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const change = (id: string, fields: object) => call('PUT', `/v1/jobs/${id}`, fields).then(jobs.reload)
  const run = async (job: JobRow) => {
    const target = job.function_alias
      ? { function_alias: job.function_alias }
      : { function_id: job.function_id, function_version: job.function_version }
    const { id } = await call<{ id: string }>('POST', '/v1/executions', {
      ...target,
      sync: false,
      ...(job.function_input !== null && { input: job.function_input }),
    })
    go(`/executions/${id}`)
  }
  const rows = jobs.data?.jobs ?? []
  return (
    <Page title="Jobs">
      <Trouble problem={jobs.problem} />
      <Day jobs={rows} />
      {jobs.data !== undefined && rows.length === 0 && (
        <Empty>There are no jobs. A job runs a function by a pattern such as 0 9 * * mon-fri.</Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Jobs"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Name', cell: ({ name, id }) => name ?? id },
            {
              title: 'Function',
              cell: ({ function_id, function_alias }) =>
                function_alias ? (
                  `alias ${function_alias}`
                ) : (
                  <Link to={`/functions/${function_id}`}>{names.get(function_id ?? '') ?? function_id}</Link>
                ),
            },
            {
              title: 'Pattern',
              cell: ({ pattern, timezone }) => (pattern === null ? 'once' : `${pattern} (${timezone})`),
            },
            { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
            { title: 'Next', cell: ({ next_execution_time }) => time(next_execution_time) },
            {
              title: 'Actions',
              cell: (job) => (
                <span class="actions">
                  <Action label="Run now" kind="small" act={() => run(job)} />
                  {job.status === 'running' && (
                    <Action label="Pause" kind="small" act={() => change(job.id, { status: 'paused' })} />
                  )}
                  {job.status === 'paused' && (
                    <Action label="Resume" kind="small" act={() => change(job.id, { status: 'running' })} />
                  )}
                  <Action
                    label="Delete"
                    kind="small danger"
                    confirm="Remove this job?"
                    act={() => call('DELETE', `/v1/jobs/${job.id}`).then(jobs.reload)}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
      <NewJob functions={functions.data?.functions ?? []} onMade={jobs.reload} />
    </Page>
  )
}

/** Next runs within a day, side by side: what falls together stands together. */
function Day({ jobs }: { jobs: JobRow[] }) {
  const now = Date.now()
  const dayMs = 86_400_000
  const soon = jobs
    .filter(({ status, next_execution_time }) => status === 'running' && next_execution_time !== null)
    .map((job) => ({ job, at: (Date.parse(`${job.next_execution_time}`.replace(/Z?$/, 'Z')) - now) / dayMs }))
    .filter(({ at }) => at >= 0 && at <= 1)
  if (soon.length === 0) return null
  return (
    <figure class="day">
      <figcaption>Next runs within a day</figcaption>
      <svg
        viewBox="0 0 1000 30"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${soon.length} jobs run next within a day`}
      >
        <line x1="0" x2="1000" y1="15" y2="15" />
        {soon.map(({ job, at }) => (
          <rect key={job.id} x={at * 994} y="5" width="6" height="20">
            <title>{`${job.name ?? job.id}: ${time(job.next_execution_time)}`}</title>
          </rect>
        ))}
      </svg>
      <div class="hours" aria-hidden="true">
        {[0, 6, 12, 18, 24].map((hours) => (
          <span key={hours}>
            {new Date(now + hours * 3_600_000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
          </span>
        ))}
      </div>
    </figure>
  )
}

function NewJob({ functions, onMade }: { functions: FunctionRow[]; onMade(): void }) {
  const [fields, setFields] = useState({
    name: '',
    function_id: '',
    pattern: '0 9 * * mon-fri',
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    function_input: '',
  })
  const input = (name: keyof typeof fields, label: string, hint?: string) => (
    <Field label={label} hint={hint}>
      <input value={fields[name]} onInput={(event) => setFields({ ...fields, [name]: event.currentTarget.value })} />
    </Field>
  )
  const create = async () => {
    const { function_input, name, ...rest } = fields
    const functionId = rest.function_id || functions[0]?.id
    await call('POST', '/v1/jobs', {
      ...rest,
      function_id: functionId,
      ...(name && { name }),
      ...(function_input && { function_input }),
    })
    onMade()
  }
  return (
    <section>
      <h2>New job</h2>
      <form class="form two" onSubmit={(event) => event.preventDefault()}>
        <Field label="Function">
          <select
            value={fields.function_id || functions[0]?.id}
            onChange={(event) => setFields({ ...fields, function_id: event.currentTarget.value })}
          >
            {functions.map(({ id, name }) => (
              <option key={id} value={id}>
                {name ?? id}
              </option>
            ))}
          </select>
        </Field>
        {input('name', 'Name')}
        {input('pattern', 'Pattern', 'minute hour day month weekday, or @hourly and the like')}
        {input('timezone', 'Time zone')}
        {input('function_input', 'Input')}
        <div class="actions">
          <Action label="Create the job" kind="primary" act={create} />
        </div>
      </form>
    </section>
  )
}
