import { useState } from 'preact/hooks'
import type { FunctionRow } from '../../client/resources/functions.ts'
import type { SourceRow } from '../../client/resources/sources.ts'
import type { WebhookRow } from '../../client/resources/webhooks.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Badge, Copy, Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { time } from '../text.ts'
import { WebhookDialog } from './webhook-dialog.tsx'
import { WebhookForm } from './webhook-form.tsx'

export function WebhooksPage() {
  const webhooks = useLoad(() => get<{ webhooks: WebhookRow[] }>('/v1/webhooks'), [])
  const sources = useLoad(() => get<{ sources: SourceRow[] }>('/v1/sources'), [])
  const functions = useLoad(() => get<{ functions: FunctionRow[] }>('/v1/functions'), [])
  const names = new Map(functions.data?.functions.map(({ id, name }) => [id, name ?? id]))
  const targetOf = (row: { function_id: string | null; function_alias: string | null }) =>
    row.function_alias ? `alias ${row.function_alias}` : (names.get(row.function_id ?? '') ?? row.function_id)
  const [shown, setShown] = useState<WebhookRow>()
  const rows = webhooks.data?.webhooks ?? []
  return (
    <Page title="Webhooks">
      <ErrorMessage problem={webhooks.problem} />
      {webhooks.data !== undefined && rows.length === 0 && (
        <Empty>There are no webhooks. A webhook is a URL that runs a function without a token.</Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Webhooks"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Function', cell: (row) => <span class="cut">{targetOf(row)}</span> },
            { title: 'Response', cell: (row) => (row.sync ? 'the function’s' : '202 at once') },
            { title: 'Signature', cell: ({ signature }) => signature?.scheme ?? 'none' },
            { title: 'Description', cell: ({ description }) => <span class="rest">{description || '–'}</span> },
            {
              title: 'URL',
              cell: ({ webhook_url }) => (
                <span class="actions">
                  <code class="cut">{webhook_url}</code>
                  <Copy text={webhook_url} />
                </span>
              ),
            },
            {
              title: 'Actions',
              cell: (row) => (
                <span class="actions">
                  <button type="button" class="small" onClick={() => setShown(row)}>
                    Open
                  </button>
                  <Action
                    label="Delete"
                    kind="small danger"
                    confirm="The URL stops working."
                    act={() => call('DELETE', `/v1/webhooks/${encodeURIComponent(row.id)}`).then(webhooks.reload)}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
      <section>
        <h2>New webhook</h2>
        <ErrorMessage problem={functions.problem} />
        {functions.data && <WebhookForm functions={functions.data.functions} onDone={webhooks.reload} />}
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
                        call('PUT', `/v1/sources/${encodeURIComponent(id)}`, {
                          status: status === 'running' ? 'paused' : 'running',
                        }).then(sources.reload)
                      }
                    />
                    <Action
                      label="Delete"
                      kind="small danger"
                      confirm="Changes of objects no longer run the function."
                      act={() => call('DELETE', `/v1/sources/${encodeURIComponent(id)}`).then(sources.reload)}
                    />
                  </span>
                ),
              },
            ]}
          />
        </section>
      )}
      {shown !== undefined && (
        <WebhookDialog
          key={shown.id}
          webhook={shown}
          name={targetOf(shown) ?? shown.id}
          onClose={() => setShown(undefined)}
          onChanged={() => {
            setShown(undefined)
            webhooks.reload()
          }}
        />
      )}
    </Page>
  )
}
