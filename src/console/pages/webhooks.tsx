import { useState } from 'preact/hooks'
import type { WebhookRow } from '../../client/resources/webhooks.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { Action, Copy, Empty, ErrorMessage, Page, Table } from '../parts/basics.tsx'
import { useTargets } from '../targets.ts'
import { NoFunctions } from './no-functions.tsx'
import { Sources } from './sources.tsx'
import { WebhookDialog } from './webhook-dialog.tsx'
import { WebhookForm } from './webhook-form.tsx'

export function WebhooksPage() {
  const webhooks = useLoad(() => get<{ webhooks: WebhookRow[] }>('/v1/webhooks'), [])
  const { targets, problem } = useTargets()
  const names = new Map(targets?.functions.map(({ id, name }) => [id, name ?? id]))
  const targetOf = (row: { function_id: string | null; function_alias: string | null }) =>
    row.function_alias ? `alias ${row.function_alias}` : (names.get(row.function_id ?? '') ?? row.function_id)
  const [shown, setShown] = useState<WebhookRow>()
  const rows = webhooks.data?.webhooks ?? []
  return (
    <Page title="Webhooks and sources">
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
        <ErrorMessage problem={problem} />
        {targets?.functions.length === 0 && <NoFunctions />}
        {targets && targets.functions.length > 0 && <WebhookForm targets={targets} onDone={webhooks.reload} />}
      </section>
      <Sources targets={targets} targetOf={targetOf} />
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
