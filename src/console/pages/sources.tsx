import type { SourceRow } from '../../client/resources/sources.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Badge, Empty, ErrorMessage, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'
import { Link } from '../router.tsx'
import { time } from '../text.ts'
import { NoFunctions } from './no-functions.tsx'
import { noSource, sourceFields } from './source-fields.ts'
import { type TargetRows, targetChoices, targetFields } from './target-choice.ts'

/** The sources of the project, and the form of a new one. */
export function Sources({
  targets,
  targetOf,
}: {
  targets: TargetRows | undefined
  targetOf(row: SourceRow): string | null
}) {
  const sources = useLoad(() => get<{ sources: SourceRow[] }>('/v1/sources'), [])
  const rows = sources.data?.sources ?? []
  return (
    <>
      <section>
        <h2>Sources</h2>
        <ErrorMessage problem={sources.problem} />
        {sources.data !== undefined && rows.length === 0 && (
          <Empty>
            There are no sources. A source watches a container in Swift, and changes of its objects run a function. It
            needs a server with OpenStack.
          </Empty>
        )}
        {rows.length > 0 && <SourceTable rows={rows} targetOf={targetOf} onChanged={sources.reload} />}
      </section>
      <section>
        <h2>New source</h2>
        {targets?.functions.length === 0 && <NoFunctions />}
        {targets && targets.functions.length > 0 && <SourceForm targets={targets} onDone={sources.reload} />}
      </section>
    </>
  )
}

function SourceTable({
  rows,
  targetOf,
  onChanged,
}: {
  rows: SourceRow[]
  targetOf(row: SourceRow): string | null
  onChanged(): void
}) {
  const placeOf = (id: string) => `/v1/sources/${encodeURIComponent(id)}`
  return (
    <Table
      label="Sources"
      rows={rows}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'Container',
          cell: ({ id, container, prefix }) => (
            <Link to={`/executions?trigger_id=${id}`} class="cut">{`${container}/${prefix ?? ''}`}</Link>
          ),
        },
        { title: 'Function', cell: (row) => targetOf(row) },
        { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
        { title: 'Last poll', cell: ({ last_polled_at }) => time(last_polled_at) },
        {
          title: 'Error',
          cell: ({ last_error }) => (last_error === null ? '–' : <span class="prose">{last_error}</span>),
        },
        {
          title: 'Actions',
          cell: ({ id, status }) => (
            <span class="actions">
              <Action
                label={status === 'running' ? 'Pause' : 'Resume'}
                kind="small"
                act={() =>
                  call('PUT', placeOf(id), { status: status === 'running' ? 'paused' : 'running' }).then(onChanged)
                }
              />
              <Action
                label="Delete"
                kind="small danger"
                confirm="Changes of objects no longer run the function."
                act={() => call('DELETE', placeOf(id)).then(onChanged)}
              />
            </span>
          ),
        },
      ]}
    />
  )
}

function SourceForm({ targets, onDone }: { targets: TargetRows; onDone(): void }) {
  const form = useForm(noSource)
  const { texts } = form
  const save = async () => {
    await call('POST', '/v1/sources', sourceFields(texts, targetFields(texts.target, targets)))
    form.reset()
    onDone()
  }
  return (
    <form class="form two" onSubmit={(event) => event.preventDefault()}>
      {form.input('container', 'Container', { placeholder: 'uploads' })}
      {form.input('prefix', 'Prefix', { placeholder: 'photos/', hint: 'empty: all objects' })}
      {form.choice('target', 'Function', targetChoices(targets))}
      {form.input('name', 'Name')}
      {form.input('interval', 'Interval (seconds)', { hint: 'between two checks; empty: 10' })}
      {form.choice('existing', 'Existing objects', [
        ['false', 'ignored'],
        ['true', 'reported as created'],
      ])}
      {form.checks('events', 'Changes', [
        ['created', 'created'],
        ['changed', 'changed'],
        ['deleted', 'deleted'],
      ])}
      <div class="actions">
        <Action label="Create source" kind="primary" act={save} />
      </div>
    </form>
  )
}
