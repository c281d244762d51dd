import { useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { TokenRow } from '../../client/resources/tokens.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Copy, Empty, ErrorMessage, Field, Page, Table } from '../parts/basics.tsx'
import { time } from '../text.ts'

const day = 86_400

export function TokensPage() {
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions?all_projects=true'), [])
  const nameOf = (id: string) => functions.data?.functions.find((fn) => fn.id === id)?.name ?? id
  const tokens = useLoad(() => get<{ tokens: TokenRow[] }>('/v1/tokens'), [])
  const [fields, setFields] = useState({
    name: '',
    project_id: 'default',
    role: 'member',
    scope: '',
    function: '',
    days: '',
  })
  const [made, setMade] = useState('')
  const set = (name: keyof typeof fields) => (event: { currentTarget: { value: string } }) =>
    setFields({ ...fields, [name]: event.currentTarget.value })
  const create = async () => {
    const { token } = await call<{ token: string }>('POST', '/v1/tokens', {
      name: fields.name,
      project_id: fields.project_id,
      roles: [fields.role],
      ...(fields.scope !== '' && { scopes: fields.scope.split(' ') }),
      ...(fields.function !== '' && { function: fields.function }),
      ...(fields.days !== '' && { expires_in: Number(fields.days) * day }),
    })
    setMade(token)
    tokens.reload()
  }
  const rotate = async (id: string) => {
    const { token } = await call<{ token: string }>('POST', `/v1/tokens/${encodeURIComponent(id)}/rotate`, {})
    setMade(token)
    tokens.reload()
  }
  const rows = tokens.data?.tokens ?? []
  return (
    <Page title="Tokens">
      <ErrorMessage problem={tokens.problem} />
      {tokens.data !== undefined && rows.length === 0 && <Empty>There are no tokens besides the admin token.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Tokens"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'Name',
              cell: ({ name }) => (
                <span class="cut" title={name}>
                  {name}
                </span>
              ),
            },
            { title: 'Project', cell: ({ project_id }) => project_id },
            { title: 'Roles', cell: ({ roles }) => roles.join(', ') },
            { title: 'Scopes', cell: ({ scopes }) => scopes?.join(', ') ?? 'all' },
            {
              title: 'Function',
              cell: ({ function_id }) => <span class="cut">{function_id === null ? 'any' : nameOf(function_id)}</span>,
            },
            { title: 'Expires', cell: ({ expires_at }) => time(expires_at) },
            { title: 'Last used', cell: ({ last_used_at }) => time(last_used_at) },
            {
              title: 'Previous token',
              cell: ({ previous_until }) => (previous_until === null ? '–' : `valid until ${time(previous_until)}`),
            },
            {
              title: 'Actions',
              cell: ({ id }) => (
                <span class="actions">
                  <Action
                    label="Rotate"
                    kind="small"
                    confirm="A new token is created; the old one stays valid for an hour."
                    act={() => rotate(id)}
                  />
                  <Action
                    label="Revoke"
                    kind="small danger"
                    confirm="The token is refused from now on."
                    act={() => call('DELETE', `/v1/tokens/${encodeURIComponent(id)}`).then(tokens.reload)}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
      <section>
        <h2>New token</h2>
        {made !== '' && (
          <p class="address" role="status">
            <code>{made}</code> <Copy text={made} /> It is not shown again.
          </p>
        )}
        <form class="form two" onSubmit={(event) => event.preventDefault()}>
          <Field label="Name">
            <input value={fields.name} onInput={set('name')} />
          </Field>
          <Field label="Project">
            <input value={fields.project_id} onInput={set('project_id')} />
          </Field>
          <Field label="Role">
            <select value={fields.role} onChange={set('role')}>
              <option>member</option>
              <option>admin</option>
            </select>
          </Field>
          <Field label="Scopes">
            <select value={fields.scope} onChange={set('scope')}>
              <option value="">all of the role</option>
              <option value="read">read</option>
              <option value="invoke">invoke: call functions</option>
              <option value="read invoke">read and invoke</option>
              <option value="deploy">deploy: read and change</option>
              <option value="admin">admin: administration</option>
            </select>
          </Field>
          <Field label="Function" hint="empty: any">
            <input value={fields.function} list="functions" onInput={set('function')} />
          </Field>
          <Field label="Expires after (days)" hint="empty: never">
            <input inputMode="numeric" value={fields.days} onInput={set('days')} />
          </Field>
          <datalist id="functions">
            {functions.data?.functions.map(({ id, name }) => (
              <option key={id} value={name ?? id} />
            ))}
          </datalist>
          <div class="actions">
            <Action label="Create token" kind="primary" act={create} />
          </div>
        </form>
      </section>
    </Page>
  )
}
