import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { signatureSchemes, type WebhookSignature } from '../../domain/triggers/webhook-signature.ts'
import { readObject } from '../connection/body.ts'
import { field, flag, integer, nullable, number, parseFields, text } from '../fields.ts'
import type { Ctx } from '../request-context.ts'

/** What a request says about a webhook. */
export const settableWebhook = z.object({
  function_id: text(
    255,
    "Id or name of a function of the caller's project, with an alias (name@alias) or a version (name:3) if needed.",
  ),
  function_version: integer('0, the default: the function as it is when called.'),
  function_alias: text(255, 'Replaces function_id and function_version; resolved when called.'),
  description: text(),
  signature: nullable(
    field(
      {
        type: ['object', 'null'],
        description:
          'Who must sign: {"scheme": github, gitlab, slack, stripe, standard or hmac, "secret": name of a secret, "header" (hmac; default x-signature), "tolerance": seconds (default 300)}; null: nobody.',
      },
      toSignature,
    ),
  ),
  max_rate: nullable(number("Maximum calls per second; null: the server's default.")),
  sync: flag(
    "True: the response is the function's response, and GET is accepted too. False (default): the response is 202, and the run follows.",
  ),
})

export async function readWebhook(c: Ctx, settings: { maxBodyBytes: number }) {
  const fields = parseFields(settableWebhook, await readObject(c, settings.maxBodyBytes))
  return {
    functionId: fields.function_id,
    functionVersion: fields.function_version,
    functionAlias: fields.function_alias,
    description: fields.description,
    sync: fields.sync,
    signature: fields.signature,
    maxRate: fields.max_rate,
  }
}

const signatureShape = z.strictObject({
  scheme: z.enum(signatureSchemes),
  secret: z.string().min(1),
  header: z.string().nullish(),
  tolerance: z.int().nullish(),
})

function toSignature(value: unknown): WebhookSignature {
  const parsed = signatureShape.safeParse(value)
  if (!parsed.success) {
    throw invalid(`must be {"scheme": one of ${signatureSchemes.join(', ')}, "secret": the name of a secret}.`)
  }
  const { scheme, secret, header = null, tolerance = null } = parsed.data
  return { scheme, secret, header: header?.toLowerCase() ?? null, toleranceSeconds: tolerance }
}
