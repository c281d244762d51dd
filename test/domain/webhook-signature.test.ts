import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  checkWebhookSignature,
  type SignatureScheme,
  type WebhookSignature,
} from '../../src/domain/triggers/webhook-signature.ts'

/** Made here as the senders' own documents say, not by the code that is asked. */

const secret = 'It is a secret'
const body = '{"id":"evt_1","action":"opened"}'
const nowMs = Date.parse('2026-11-30T12:00:00Z')
const now = nowMs / 1000
const signed = (text: string, encoding: 'hex' | 'base64' = 'hex', key: string | Buffer = secret) =>
  createHmac('sha256', key).update(text).digest(encoding)

const signature = (scheme: SignatureScheme, more: Partial<WebhookSignature> = {}): WebhookSignature => {
  return { scheme, secret: 'HOOK', header: null, toleranceSeconds: null, ...more }
}
const check = (scheme: SignatureScheme, headers: Record<string, string>, more = {}, sent = body, key = secret) =>
  checkWebhookSignature(
    signature(scheme, more),
    key,
    { headers: new Map(Object.entries(headers)), body: Buffer.from(sent) },
    nowMs,
  )

const slackOf = (time: number, text = body) => ({
  'x-slack-request-timestamp': String(time),
  'x-slack-signature': `v0=${signed(`v0:${time}:${text}`)}`,
})
const stripeOf = (time: number) => ({ 'stripe-signature': `t=${time},v0=old,v1=${signed(`${time}.${body}`)}` })
const standardKey = Buffer.from('0123456789abcdef0123')
const standardOf = (time: number, id = 'msg_1') => ({
  'webhook-id': id,
  'webhook-timestamp': String(time),
  'webhook-signature': `v1,bogus v1,${signed(`${id}.${time}.${body}`, 'base64', standardKey)}`,
})
const github = { 'x-hub-signature-256': `sha256=${signed(body)}`, 'x-github-delivery': 'd-1' }

describe('a signature is refused', () => {
  const cases: [name: string, scheme: SignatureScheme, headers: Record<string, string>][] = [
    ['that is missing', 'github', {}],
    ['that is missing, of plain HMAC', 'hmac', {}],
    ['that is missing, of Slack', 'slack', {}],
    ['that is missing, of Stripe', 'stripe', {}],
    ['that is missing, of Standard Webhooks', 'standard', {}],
    ['that is missing, of GitLab', 'gitlab', {}],
    ['that is empty', 'gitlab', { 'x-gitlab-token': '' }],
    ['by another secret', 'github', { 'x-hub-signature-256': `sha256=${signed(body, 'hex', 'other')}` }],
    ['of another body', 'github', { 'x-hub-signature-256': `sha256=${signed(`${body} `)}` }],
    [
      'by SHA-1, which GitHub sends too',
      'github',
      { 'x-hub-signature': 'sha1=abc', 'x-hub-signature-256': 'sha1=abc' },
    ],
    ['without its prefix', 'github', { 'x-hub-signature-256': signed(body) }],
    [
      'that is the beginning of the right one',
      'github',
      { 'x-hub-signature-256': `sha256=${signed(body).slice(0, 63)}` },
    ],
    ['of another time', 'slack', { ...slackOf(now), 'x-slack-request-timestamp': String(now - 1) }],
    ['that is old, of Slack', 'slack', slackOf(now - 301)],
    ['that is of the future, of Slack', 'slack', slackOf(now + 301)],
    ['that is old, of Stripe', 'stripe', stripeOf(now - 301)],
    ['that is old, of Standard Webhooks', 'standard', standardOf(now - 301)],
    ['without a time', 'slack', { 'x-slack-signature': `v0=${signed(`v0:undefined:${body}`)}` }],
    ['of a time that is none', 'stripe', { 'stripe-signature': `t=1e9,v1=${signed(`1e9.${body}`)}` }],
    ['in an older form only', 'stripe', { 'stripe-signature': `t=${now},v0=${signed(`${now}.${body}`)}` }],
    ['of another message', 'standard', { ...standardOf(now), 'webhook-id': 'msg_2' }],
  ]
  test.each(cases)('%s', (_name, scheme, headers) => {
    expect(check(scheme, headers)).toMatchObject({ isGood: false, why: expect.stringMatching(/^The /) })
  })
})

describe('a signature is good', () => {
  const cases: [
    name: string,
    scheme: SignatureScheme,
    headers: Record<string, string>,
    id: string | null,
    key?: string,
  ][] = [
    ['of GitHub', 'github', github, 'd-1'],
    ['of GitLab', 'gitlab', { 'x-gitlab-token': secret, 'x-gitlab-event-uuid': 'u-1' }, 'u-1'],
    [
      'of GitLab, sent again',
      'gitlab',
      { 'x-gitlab-token': secret, 'idempotency-key': 'k', 'x-gitlab-event-uuid': 'u' },
      'k',
    ],
    ['of Stripe, known by its event', 'stripe', stripeOf(now - 299), 'evt_1'],
    ['of Standard Webhooks', 'standard', standardOf(now), 'msg_1', `whsec_${standardKey.toString('base64')}`],
    ['of plain HMAC in hex', 'hmac', { 'x-signature': signed(body) }, null],
    ['of plain HMAC in upper case', 'hmac', { 'x-signature': signed(body).toUpperCase() }, null],
    ['of plain HMAC in base64', 'hmac', { 'x-signature': signed(body, 'base64'), 'x-delivery-id': '7' }, '7'],
    ['of plain HMAC with its name', 'hmac', { 'x-signature': `sha256=${signed(body)}` }, null],
  ]
  test.each(cases)('%s', (_name, scheme, headers, deliveryId, key = secret) => {
    expect(check(scheme, headers, {}, body, key)).toEqual({ isGood: true, deliveryId })
  })

  test('of Slack, known by itself: the same request is not taken twice', () => {
    const verdict = check('slack', slackOf(now))
    expect(verdict).toEqual(check('slack', slackOf(now)))
    expect(verdict).toMatchObject({ isGood: true, deliveryId: expect.stringContaining(String(now)) })
  })

  test('as the document of GitHub has it', () => {
    const headers = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' }
    expect(check('github', headers, {}, 'Hello, World!', "It's a Secret to Everybody")).toMatchObject({ isGood: true })
  })

  test('within the time that the webhook says, and in the header that it names', () => {
    expect(check('slack', slackOf(now - 301), { toleranceSeconds: 400 })).toMatchObject({ isGood: true })
    expect(check('hmac', { 'x-shop-hmac': signed(body) }, { header: 'x-shop-hmac' })).toMatchObject({ isGood: true })
  })
})
