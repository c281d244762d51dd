import type { SecretRow } from '../../client/resources/secrets.ts'
import type { WebhookRow, WebhookSignature } from '../../client/resources/webhooks.ts'
import { call, get } from '../api.ts'
import { useLoad } from '../load.ts'
import { numberIn } from '../number-text.ts'
import { Action } from '../parts/basics.tsx'
import type { Choice } from '../parts/choices.tsx'
import { useForm } from '../parts/form.tsx'
import { type TargetRows, targetChoices, targetFields } from './target-choice.ts'

const schemes: Choice[] = [
  ['', 'none: the URL is secret'],
  ['github', 'GitHub'],
  ['gitlab', 'GitLab'],
  ['slack', 'Slack'],
  ['stripe', 'Stripe'],
  ['standard', 'Standard Webhooks'],
  ['hmac', 'HMAC-SHA256 in a header'],
]

/** Creates or changes a webhook. */
export function WebhookForm({
  targets,
  webhook,
  onDone,
}: {
  targets: TargetRows
  webhook?: WebhookRow
  onDone(): void
}) {
  const secrets = useLoad(() => get<{ secrets: SecretRow[] }>('/v1/secrets'), [])
  const signature = webhook?.signature
  const form = useForm({
    target: '',
    description: webhook?.description ?? '',
    sync: String(webhook?.sync ?? false),
    scheme: signature?.scheme ?? '',
    secret: signature?.secret ?? '',
    header: signature?.header ?? '',
    max_rate: webhook?.max_rate == null ? '' : String(webhook.max_rate),
  })
  const { texts } = form
  const names = secrets.data?.secrets.map(({ name }) => name) ?? []
  const save = async () => {
    const given = {
      sync: texts.sync === 'true',
      description: texts.description,
      signature: signatureOf(texts, names[0]),
      max_rate: numberIn(texts.max_rate, 'Calls per second') ?? null,
    }
    if (webhook !== undefined) await call('PUT', `/v1/webhooks/${encodeURIComponent(webhook.id)}`, given)
    else await call('POST', '/v1/webhooks', { ...given, ...targetFields(texts.target, targets) })
    onDone()
  }
  return (
    <form class="form two" onSubmit={(event) => event.preventDefault()}>
      {webhook === undefined && form.choice('target', 'Function', targetChoices(targets))}
      {form.input('description', 'Description')}
      {form.choice('sync', 'Response', [
        ['false', '202 at once, run later'],
        ['true', 'the function’s response'],
      ])}
      {form.choice('scheme', 'Signature', schemes)}
      {texts.scheme !== '' &&
        form.choice(
          'secret',
          'Signature secret',
          names.map((name) => [name, name]),
          names.length === 0 ? 'There are no secrets: create one first.' : undefined,
        )}
      {texts.scheme === 'hmac' && form.input('header', 'Header', { placeholder: 'x-signature' })}
      {form.input('max_rate', 'Calls per second', { hint: 'empty: the server’s default' })}
      <div class="actions">
        <Action label={webhook === undefined ? 'Create webhook' : 'Save'} kind="primary" act={save} />
      </div>
    </form>
  )
}

function signatureOf(
  { scheme, secret, header }: { scheme: string; secret: string; header: string },
  first: string | undefined,
): WebhookSignature | null {
  if (scheme === '') return null
  const name = secret || first
  if (name === undefined) throw new Error('Create a secret first: the signature is checked with it.')
  return { scheme: scheme as WebhookSignature['scheme'], secret: name, ...(scheme === 'hmac' && header && { header }) }
}
