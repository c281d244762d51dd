import { useState } from 'preact/hooks'
import type { FunctionRow, SourceRow, WebhookRow } from '../../client/resources.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Badge, Copy, Empty, Field, Page, Table, Trouble } from '../parts/basics.tsx'
import { time } from '../text.ts'

export function Webhooks() {
  const webhooks = useLoad(() => get<{ webhooks: WebhookRow[] }>('/v1/webhooks'), [])
  const sources = useLoad(() => get<{ sources: SourceRow[] }>('/v1/sources'), [])
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const targetOf = (row: { function_id: string | null; function_alias: string | null }) =>
    row.function_alias ? `alias ${row.function_alias}` : (names.get(row.function_id ?? '') ?? row.function_id)
  const [functionId, setFunctionId] = useState('')
  const [description, setDescription] = useState('')
  const [sync, setSync] = useState(false)
  const create = async () => {
    const id = functionId || functions.data?.functions[0]?.id
    await call('POST', '/v1/webhooks', { function_id: id, sync, ...(description && { description }) })
    webhooks.reload()
  }
  const rows = webhooks.data?.webhooks ?? []
  return (
    <Page title="Webhooks">
      <Trouble problem={webhooks.problem} />
      {webhooks.data !== undefined && rows.length === 0 && (
        <Empty>There are no webhooks. A webhook is an address that runs a function without a token.</Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Webhooks"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Function', cell: (row) => targetOf(row) },
            { title: 'Answer', cell: (row) => (row.sync ? 'the function’s' : '202 at once') },
            { title: 'Description', cell: ({ description: text }) => text ?? '–' },
            {
              title: 'Address',
              cell: ({ webhook_url }) => (
                <span class="actions">
                  <code class="cut">{webhook_url}</code>
                  <Copy text={webhook_url} />
                </span>
              ),
            },
            {
              title: 'Actions',
              cell: ({ id, webhook_url }) => (
                <span class="actions">
                  <Action
                    label="Try it"
                    kind="small"
                    act={() => fetch(new URL(webhook_url).pathname, { method: 'POST', body: '{}' })}
                  />
                  <Action
                    label="Delete"
                    kind="small danger"
                    confirm="Its address will answer no more."
                    act={() => call('DELETE', `/v1/webhooks/${id}`).then(webhooks.reload)}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
      <section>
        <h2>New webhook</h2>
        <form class="form two" onSubmit={(event) => event.preventDefault()}>
          <Field label="Function">
            <select
              value={functionId || functions.data?.functions[0]?.id}
              onChange={(event) => setFunctionId(event.currentTarget.value)}
            >
              {functions.data?.functions.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name ?? id}
                </option>
              ))}
            </select>
          </Field>
          <Field label="Description">
            <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} />
          </Field>
          <Field label="Answer">
            <select value={String(sync)} onChange={(event) => setSync(event.currentTarget.value === 'true')}>
              <option value="false">202 at once; the run follows</option>
              <option value="true">what the function answers</option>
            </select>
          </Field>
          <div class="actions">
            <Action label="Create the webhook" kind="primary" act={create} />
          </div>
        </form>
      </section>
      {(sources.data?.sources.length ?? 0) > 0 && (
        <section>
          <h2>Sources</h2>
          <Table
            label="Sources"
            rows={sources.data?.sources ?? []}
            keyOf={({ id }) => id}
            columns={[
              { title: 'Container', cell: ({ container, prefix }) => `${container}/${prefix ?? ''}` },
              { title: 'Function', cell: (row) => targetOf(row) },
              { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
              { title: 'Last look', cell: ({ last_polled_at }) => time(last_polled_at) },
              { title: 'Error', cell: ({ last_error }) => last_error ?? '–' },
            ]}
          />
        </section>
      )}
    </Page>
  )
}
