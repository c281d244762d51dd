import { useState } from 'preact/hooks'
import type { DeliveryRow, WebhookRow } from '../../client/resources/webhooks.ts'
import { call, get } from '../api.ts'
import { useEvery, useLoad } from '../load.ts'
import { Action, Badge, Copy, Empty, ErrorMessage, Table } from '../parts/basics.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { useForm } from '../parts/form.tsx'
import { Link } from '../router.tsx'
import { time } from '../text.ts'
import { noTargets } from './target-choice.ts'
import { WebhookForm } from './webhook-form.tsx'

/** One webhook: its URL, a test call, its last deliveries, and its settings. */
export function WebhookDialog({
  webhook,
  name,
  onClose,
  onChanged,
}: {
  webhook: WebhookRow
  name: string
  onClose(): void
  onChanged(): void
}) {
  const path = `/v1/webhooks/${encodeURIComponent(webhook.id)}/deliveries`
  const deliveries = useLoad(() => get<{ deliveries: DeliveryRow[] }>(path), [webhook.id])
  useEvery(3000, deliveries.reload)
  const rows = deliveries.data?.deliveries ?? []
  return (
    <Dialog title={`Webhook of ${name}`} onClose={onClose}>
      <p class="address">
        <code>{webhook.webhook_url}</code> <Copy text={webhook.webhook_url} />
      </p>
      <Try webhook={webhook} onTried={deliveries.reload} />
      <h3>Recent deliveries</h3>
      <ErrorMessage problem={deliveries.problem} />
      {deliveries.data !== undefined && rows.length === 0 && <Empty>There are none since the server started.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Recent deliveries"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Time', cell: ({ received_at }) => time(received_at) },
            { title: 'Status', cell: ({ status }) => <Badge kind={status} /> },
            { title: 'Bytes', cell: ({ bytes }) => bytes, number: true },
            {
              title: 'Run',
              cell: ({ execution_id, reason }) =>
                execution_id === null ? (
                  <span class="prose">{reason}</span>
                ) : (
                  <Link to={`/executions/${execution_id}`}>show</Link>
                ),
            },
            {
              title: 'Actions',
              cell: ({ id, can_redeliver }) =>
                can_redeliver && (
                  <Action
                    label="Redeliver"
                    kind="small"
                    act={() => call('POST', `${path}/${id}/redeliver`).then(deliveries.reload)}
                  />
                ),
            },
          ]}
        />
      )}
      <h3>Settings</h3>
      <WebhookForm targets={noTargets} webhook={webhook} onDone={onChanged} />
    </Dialog>
  )
}

/** The test call is not signed: a webhook that requires signatures refuses it. */
function Try({ webhook, onTried }: { webhook: WebhookRow; onTried(): void }) {
  const form = useForm({ body: '{"name": "Li Bai"}' })
  const [answer, setAnswer] = useState('')
  const send = async () => {
    const asked = { method: 'POST', body: form.texts.body, headers: { 'Content-Type': 'application/json' } }
    const got = await fetch(new URL(webhook.webhook_url).pathname, asked)
    setAnswer(`${got.status} ${(await got.text()).slice(0, 2000)}`)
    onTried()
  }
  return (
    <form class="form" onSubmit={(event) => event.preventDefault()}>
      {form.area('body', 'Test body', { hint: 'sent as application/json, unsigned' })}
      <div class="actions">
        <Action label="Send" act={send} />
      </div>
      {answer !== '' && (
        <pre role="status" aria-label="Response">
          {answer}
        </pre>
      )}
    </form>
  )
}
