import type { HttpRequestHead } from '../domain/http-request.ts'
import { inputOfRequest } from '../domain/input.ts'
import type { SignedRequest } from '../domain/webhook-signature.ts'
import { type CallInput, type Revision, takesRequest } from '../domain/worker.ts'
import { unpacked } from './content-encoding.ts'
import type { Ctx } from './ctx.ts'
import { exactPlace, requestHead } from './function-call.ts'
import { inputOfAction, isAction } from './openwhisk/web-webhook.ts'
import type { HttpSettings } from './settings.ts'
import { webhookInput } from './webhook-input.ts'

/** Input and body are told a worker in one frame, which holds 16 MiB. */
const longestCallBytes = 15 * 1024 * 1024

/** The bytes as they came, over which senders make their signatures; at the expense of the webhook's project. */
export async function readSigned(c: Ctx, { maxBodyBytes }: HttpSettings, projectId: string): Promise<SignedRequest> {
  const { incoming, outgoing } = c.env
  const body = await c.get('bodies').read(incoming, outgoing, { maxBytes: maxBodyBytes, isKnown: false, projectId })
  return {
    body,
    headers: new Map(Object.entries(incoming.headersDistinct).map(([name, all]) => [name, all?.[0] ?? ''])),
  }
}

/** Whose value is a secret in itself: the function need not see it, and it is kept nowhere. */
const secretHeaders = new Set(['x-gitlab-token'])

/**
 * The call of a webhook as its function sees it. Web functions get the request as it came; others the fields of the contract,
 * and beside them the request with the bytes of its body.
 */
export async function webhookCall(
  c: Ctx,
  id: string,
  revision: Revision,
  body: Buffer,
  { maxBodyBytes, trustProxy }: HttpSettings,
): Promise<{ input: CallInput; http: HttpRequestHead }> {
  const { incoming } = c.env
  const whole = requestHead(incoming, exactPlace(id, incoming.url as string), null, trustProxy)
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
