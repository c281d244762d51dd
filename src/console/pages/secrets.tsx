import { useState } from 'preact/hooks'
import type { SecretRow } from '../../client/resources/secrets.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Empty, ErrorMessage, Field, Page, Table } from '../parts/basics.tsx'
import { time } from '../text.ts'

const none = { name: '', value: '' }

/** Names and versions; values can be set and are never shown. */
export function SecretsPage() {
  const secrets = useLoad(() => get<{ secrets: SecretRow[] }>('/v1/secrets'), [])
  const [fields, setFields] = useState(none)
  const rows = secrets.data?.secrets ?? []
  const set = (name: keyof typeof none) => (event: { currentTarget: { value: string } }) =>
    setFields({ ...fields, [name]: event.currentTarget.value })
  const keep = async () => {
    const { name, value } = fields
    const isThere = rows.some((secret) => secret.name === name)
    if (isThere) await call('PUT', `/v1/secrets/${encodeURIComponent(name)}`, { value })
    else await call('POST', '/v1/secrets', { name, value })
    setFields(none)
    secrets.reload()
  }
  return (
    <Page title="Secrets">
      <ErrorMessage problem={secrets.problem} />
      {secrets.data !== undefined && rows.length === 0 && (
        <Empty>
          There are no secrets. A secret is an encrypted value that functions use and nobody can read again.
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Secrets"
          rows={rows}
          keyOf={({ name }) => name}
          columns={[
            {
              title: 'Name',
              cell: ({ name }) => (
                <span class="cut" title={name}>
                  {name}
                </span>
              ),
            },
            { title: 'Version', cell: ({ version }) => version },
            { title: 'Used by', cell: ({ used_by }) => used_by.map(({ id, name }) => name ?? id).join(', ') },
            { title: 'Changed', cell: ({ created_at, updated_at }) => time(updated_at ?? created_at) },
            {
              title: 'Actions',
              cell: ({ name }) => (
                <Action
                  label="Delete"
                  kind="small danger"
                  confirm="All versions are deleted."
                  act={() => call('DELETE', `/v1/secrets/${encodeURIComponent(name)}`).then(secrets.reload)}
                />
              ),
            },
          ]}
        />
      )}
      <section>
        <h2>New secret or new value</h2>
        <form class="form two" onSubmit={(event) => event.preventDefault()}>
          <Field label="Name">
            <input value={fields.name} onInput={set('name')} />
          </Field>
          <Field label="Value" hint="never shown again">
            <input type="password" autoComplete="off" value={fields.value} onInput={set('value')} />
          </Field>
          <div class="actions">
            <Action label="Save secret" kind="primary" act={keep} />
          </div>
        </form>
      </section>
    </Page>
  )
}
