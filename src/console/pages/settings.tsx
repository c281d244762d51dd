import type { SettingRow } from '../../client/resources/settings.ts'
import { get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Badge, Empty, ErrorMessage, Field, Page, Table } from '../parts/basics.tsx'
import { useForm } from '../parts/form.tsx'

/** The server's settings, which can be changed in its environment. */
export function SettingsPage() {
  const settings = useLoad(() => get<{ settings: SettingRow[] }>('/v1/settings'), [])
  const form = useForm({ text: '', from: 'all' })
  const { text, from } = form.texts
  const rows = (settings.data?.settings ?? []).filter(
    (row) =>
      (from === 'all' || row.given) && `${row.name} ${row.about}`.toLowerCase().includes(text.trim().toLowerCase()),
  )
  const subjects = [...new Set(rows.map(({ subject }) => subject))]
  return (
    <Page title="Settings">
      <p class="prose">
        The settings in effect. They are set in the environment of the server, which reads it when it starts.
      </p>
      <div class="bar">
        <Field label="Filter">
          <input type="search" value={text} onInput={(event) => form.set('text', event.currentTarget.value)} />
        </Field>
        {form.choice('from', 'Show', [
          ['all', 'all'],
          ['given', 'set in the environment'],
        ])}
      </div>
      <ErrorMessage problem={settings.problem} />
      {settings.data !== undefined && rows.length === 0 && (
        <Empty>
          {from === 'all' ? 'No setting matches.' : 'No matching setting is set in the environment: all are defaults.'}
        </Empty>
      )}
      {subjects.map((subject) => (
        <section key={subject}>
          <h2>{subject}</h2>
          <Table
            label={subject}
            rows={rows.filter((row) => row.subject === subject)}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Setting', cell: ({ name }) => <code>{name}</code> },
              { title: 'Value', cell: (row) => <code class="value">{shownValue(row)}</code> },
              { title: 'Source', cell: ({ given }) => (given ? <Badge kind="environment" /> : 'default') },
              { title: 'Meaning', cell: ({ about }) => <span class="prose">{withoutLinks(about)}</span> },
            ]}
          />
        </section>
      ))}
    </Page>
  )
}

function shownValue({ value, secret, given }: SettingRow): string {
  if (secret) return given ? '(secret)' : '–'
  return value ?? '–'
}

/** Removes the links from the documentation's sentences. */
const withoutLinks = (text: string): string => text.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '')
