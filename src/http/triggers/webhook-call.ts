import { type CallInput, type Revision, takesRequest } from '../../domain/platform/worker.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'
import { inputOfRequest } from '../../domain/runs/input.ts'
import type { SignedWebhook } from '../../domain/triggers/webhook-signature.ts'
import { unpacked } from '../connection/content-encoding.ts'
import { exactFunctionUrl, requestHead } from '../functions/function-call.ts'
import { inputOfAction, isAction } from '../openwhisk/web-webhook.ts'
import type { Ctx } from '../request-context.ts'
import type { HttpSettings } from '../settings.ts'
import { webhookInput } from './webhook-input.ts'

/** Input and body are sent to a worker in one frame, which holds 16 MiB. */
const longestCallBytes = 15 * 1024 * 1024

/** The raw bytes, which senders sign; they use the memory share of the webhook's project. */
export async function readSignedRequest(
  c: Ctx,
  { maxBodyBytes }: HttpSettings,
  projectId: string,
): Promise<SignedWebhook> {
  const { incoming, outgoing } = c.env
  const body = await c.get('bodies').read(incoming, outgoing, { maxBytes: maxBodyBytes, isKnown: false, projectId })
  return {
    body,
    headers: new Map(Object.entries(incoming.headersDistinct).map(([name, all]) => [name, all?.[0] ?? ''])),
  }
}

/** Headers whose value is itself a secret: the function does not get them, and they are not stored. */
const secretHeaders = new Set(['x-gitlab-token'])

/**
 * A webhook's call as its function sees it. Web functions get the request as it is; others get the contract's fields, together
 * with the request and its raw body.
 */
export async function webhookCall(
  c: Ctx,
  id: string,
  revision: Revision,
  body: Buffer,
  { maxBodyBytes, trustProxy }: HttpSettings,
): Promise<{ input: CallInput; http: HttpRequestHead }> {
  const { incoming } = c.env
  const whole = requestHead(incoming, exactFunctionUrl(id, incoming.url as string), null, trustProxy)
  const http = { ...whole, headers: whole.headers.filter(([name]) => !secretHeaders.has(name)) }
  if (takesRequest(revision)) return { input: inputOfRequest(body), http }
  const content = await unpacked(body, incoming.headers['content-encoding'], maxBodyBytes)
  if (isAction(revision)) {
    return { input: inputOfAction(incoming, new Set(http.headers.map(([name]) => name)), content), http }
  }
  const input = webhookInput(new URL(c.req.raw.url).searchParams, incoming.headers['content-type'], content)
  return { input, http: withBody(http, body, input) }
}

function withBody(http: HttpRequestHead, body: Buffer, input: CallInput): HttpRequestHead {
  if (body.equals(input.body)) return http
  const encoded = body.toString('base64')
  return { ...http, body: encoded.length + input.body.length > longestCallBytes ? null : encoded }
}
