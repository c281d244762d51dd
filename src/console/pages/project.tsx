import { useEffect } from 'preact/hooks'
import type { LimitRow, LimitsRow } from '../../client/resources/projects.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { isAdmin } from '../me.ts'
import { numberIn } from '../number-text.ts'
import { Action, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'

const unlimited = 'none'

/** The limits of a project with their current use; admins can change them. */
export function ProjectPage({ id }: { id: string }) {
  const path = `/v1/projects/${encodeURIComponent(id)}/limits`
  const limits = useLoad(() => get<LimitsRow>(path), [id])
  useEvery(5000, limits.reload)
  const rows = limits.data?.limits ?? []
  return (
    <Page title={`Project ${id}`}>
      <ErrorMessage problem={limits.problem} />
      {rows.length > 0 && (
        <Table
          label="Limits"
          rows={rows}
          keyOf={({ name }) => name}
          columns={[
            { title: 'Limit', cell: ({ name }) => <code>{name}</code> },
            { title: 'Meaning', cell: ({ about }) => <span class="prose">{about}</span> },
            { title: 'Used', cell: ({ used }) => (used === null ? '–' : used.toLocaleString()), number: true },
            { title: 'Maximum', cell: ({ value }) => value?.toLocaleString() ?? 'no limit', number: true },
            { title: 'Share', cell: (row) => <Share {...row} /> },
            { title: 'Source', cell: ({ own }) => (own ? 'this project' : 'default') },
          ]}
        />
      )}
      {isAdmin.value && rows.length > 0 && <Change key={id} rows={rows} path={path} onSaved={limits.reload} />}
    </Page>
  )
}

function Share({ name, used, value }: LimitRow) {
  if (used === null || value === null || value === 0) return null
  return (
    <meter min={0} max={1} high={0.8} value={Math.min(1, used / value)} aria-label={`${name}: used of the limit`} />
  )
}

function Change({ rows, path, onSaved }: { rows: LimitRow[]; path: string; onSaved(): void }) {
  const form = useForm(ownOf(rows))
  const kept = JSON.stringify(ownOf(rows))
  useEffect(() => {
    for (const [name, text] of Object.entries(ownOf(rows))) form.set(name, text)
  }, [kept])
  const save = async () => {
    const given = Object.entries(form.texts)
      .filter(([, text]) => text.trim() !== '')
      .map(([name, text]) => [name, text.trim() === unlimited ? null : numberIn(text, name)])
    await call('PUT', path, Object.fromEntries(given))
    onSaved()
  }
  return (
    <section>
      <h2>Set limits</h2>
      <p>{`An empty field means the default; "${unlimited}" means no limit. Changes apply from the next call.`}</p>
      <form class="form two" onSubmit={(event) => event.preventDefault()}>
        {rows.map(({ name, own, value }) => (
          <div key={name}>{form.input(name, name, own ? {} : { placeholder: `default: ${value ?? unlimited}` })}</div>
        ))}
        <div class="actions">
          <Action label="Save limits" kind="primary" act={save} />
        </div>
      </form>
    </section>
  )
}

const ownOf = (rows: LimitRow[]): Record<string, string> =>
  Object.fromEntries(rows.map(({ name, own, value }) => [name, own ? String(value ?? unlimited) : '']))
