import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** How senders of webhooks prove that they know the secret. Pure, over the raw body. */
export const signatureSchemes = ['github', 'gitlab', 'slack', 'stripe', 'standard', 'hmac'] as const
export type SignatureScheme = (typeof signatureSchemes)[number]

export interface WebhookSignature {
  scheme: SignatureScheme
  /** Name of the project's secret. */
  secret: string
  /** `hmac`: header with the signature; null: X-Signature. */
  header: string | null
  /** Limit of the age of a signed time; null: five minutes. */
  toleranceSeconds: number | null
}

export interface SignedWebhook {
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>
  body: Buffer
}

/** `deliveryId`: the sender's id of the delivery, equal for repeated ones; null: the sender gives none. */
export type SignatureVerdict = { isGood: true; deliveryId: string | null } | { isGood: false; why: string }

const defaultToleranceSeconds = 300
export const defaultSignatureHeader = 'x-signature'

export function checkWebhookSignature(
  signature: WebhookSignature,
  secret: string,
  request: SignedWebhook,
  nowMs: number,
): SignatureVerdict {
  const toleranceMs = (signature.toleranceSeconds ?? defaultToleranceSeconds) * 1000
  return schemes[signature.scheme]({
    signature,
    secret,
    request,
    isFresh: (s) => Math.abs(nowMs - s * 1000) <= toleranceMs,
  })
}

interface Question {
  signature: WebhookSignature
  secret: string
  request: SignedWebhook
  /** Whether a signed time, in Unix seconds, is close enough to now. */
  isFresh(seconds: number): boolean
}

const schemes: Record<SignatureScheme, (question: Question) => SignatureVerdict> = {
  github: ({ secret, request }) =>
    fits(hmac(secret, request.body, 'hex'), [after(header(request, 'x-hub-signature-256'), 'sha256=')])
      ? good(header(request, 'x-github-delivery'))
      : bad('X-Hub-Signature-256'),

  /** GitLab sends the secret itself instead of a signature. */
  gitlab: ({ secret, request }) =>
    fits(secret, [header(request, 'x-gitlab-token')])
      ? good(header(request, 'idempotency-key') ?? header(request, 'x-gitlab-event-uuid'))
      : bad('X-Gitlab-Token'),

  slack: ({ secret, request, isFresh }) => {
    const time = header(request, 'x-slack-request-timestamp')
    const signed = after(header(request, 'x-slack-signature'), 'v0=')
    if (!fits(hmac(secret, joined(`v0:${time}:`, request.body), 'hex'), [signed])) return bad('X-Slack-Signature')
    return isTimely(time, isFresh) ? good(`slack ${time} ${signed}`) : stale('X-Slack-Request-Timestamp')
  },

  stripe: ({ secret, request, isFresh }) => {
    const parts = (header(request, 'stripe-signature') ?? '').split(',').map((part) => part.split('=', 2))
    const time = parts.find(([name]) => name === 't')?.[1]
    const given = parts.filter(([name]) => name === 'v1').map(([, value]) => value)
    if (!fits(hmac(secret, joined(`${time}.`, request.body), 'hex'), given)) return bad('Stripe-Signature')
    return isTimely(time, isFresh) ? good(idIn(request.body)) : stale('the time in Stripe-Signature')
  },

  /** www.standardwebhooks.com */
  standard: ({ secret, request, isFresh }) => {
    const [id, time] = [header(request, 'webhook-id'), header(request, 'webhook-timestamp')]
    const given = (header(request, 'webhook-signature') ?? '').split(' ').map((one) => after(one, 'v1,'))
    const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
    if (!fits(hmac(key, joined(`${id}.${time}.`, request.body), 'base64'), given)) return bad('Webhook-Signature')
    return isTimely(time, isFresh) ? good(id) : stale('Webhook-Timestamp')
  },

  /** Signature of the body alone, in hex or base64, with or without `sha256=`. */
  hmac: ({ signature, secret, request }) => {
    const name = signature.header ?? defaultSignatureHeader
    const sent = header(request, name)
    const given = sent?.replace(/^sha256=/i, '')
    const isHex = given !== undefined && /^[0-9a-f]{64}$/i.test(given)
    const expected = hmac(secret, request.body, isHex ? 'hex' : 'base64')
    return fits(expected, [isHex ? given.toLowerCase() : given])
      ? good(header(request, 'idempotency-key') ?? header(request, 'x-delivery-id'))
      : bad(name)
  },
}

const header = ({ headers }: SignedWebhook, name: string): string | undefined => headers.get(name)

const after = (text: string | undefined, prefix: string): string | undefined =>
  text?.startsWith(prefix) ? text.slice(prefix.length) : undefined

const hmac = (secret: string | Buffer, signed: Buffer, encoding: 'hex' | 'base64'): string =>
  createHmac('sha256', secret).update(signed).digest(encoding)

const joined = (before: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(before), body])

/** Compares in constant time, for any length. */
function fits(expected: string, given: (string | undefined)[]): boolean {
  const wanted = digest(expected)
  let found = false
  for (const one of given) {
    const isEqual = timingSafeEqual(wanted, digest(one ?? ''))
    found ||= isEqual && one !== undefined
  }
  return found
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const isTimely = (time: string | undefined, isFresh: Question['isFresh']): boolean =>
  time !== undefined && /^\d{1,12}$/.test(time) && isFresh(Number(time))

/** The event's id, which Stripe keeps in repeated deliveries. */
function idIn(body: Buffer): string | null {
  try {
    const { id } = JSON.parse(body.toString('utf8'))
    return typeof id === 'string' ? id : null
  } catch {
    return null
  }
}

const mostIdChars = 200

const good = (deliveryId: string | null | undefined): SignatureVerdict => ({
  isGood: true,
  deliveryId: deliveryId ? deliveryId.slice(0, mostIdChars) : null,
})

const bad = (where: string): SignatureVerdict => ({
  isGood: false,
  why: `The signature in ${where} is missing or does not match.`,
})

const stale = (where: string): SignatureVerdict => ({
  isGood: false,
  why: `The request is too old, or from the future: ${where} is too far from now.`,
})
