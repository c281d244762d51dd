import { z } from '@hono/zod-openapi'
import type { Webhook } from '../../domain/triggers/webhook.ts'
import { signatureSchemes, type WebhookSignature } from '../../domain/triggers/webhook-signature.ts'
import type { WebhookDelivery } from '../../services/triggers/webhook-deliveries.ts'
import { shownTime } from '../time.ts'

export const shownWebhook = z
  .object({
    id: z.string(),
    function_id: z.string().nullable(),
    function_alias: z.string().nullable(),
    function_version: z.int().nullable(),
    description: z.string().nullable(),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    webhook_url: z.string().openapi({ description: 'POST here runs the function; no token needed.' }),
    sync: z.boolean(),
    signature: z
      .object({
        scheme: z.enum(signatureSchemes),
        secret: z.string().openapi({ description: 'The name of the secret.' }),
        header: z.string().nullable(),
        tolerance: z.int().nullable(),
      })
      .nullable(),
    max_rate: z.number().nullable(),
  })
  .openapi('Webhook')

export const shownDelivery = z
  .object({
    id: z.string(),
    received_at: z.string(),
    status: z.enum(['accepted', 'duplicate', 'refused']),
    reason: z.string().nullable(),
    execution_id: z.string().nullable(),
    delivery_id: z.string().nullable().openapi({ description: 'What the sender calls it.' }),
    bytes: z.int(),
    can_redeliver: z.boolean(),
  })
  .openapi('Delivery')

export function webhookJson(webhook: Webhook, url: string): z.output<typeof shownWebhook> {
  return {
    id: webhook.id,
    function_id: webhook.functionId,
    function_alias: webhook.functionAlias,
    function_version: webhook.functionVersion,
    description: webhook.description,
    project_id: webhook.projectId,
    created_at: shownTime(webhook.createdAt),
    updated_at: shownTime(webhook.updatedAt),
    webhook_url: url,
    sync: webhook.sync,
    signature: webhook.signature && shownSignature(webhook.signature),
    max_rate: webhook.maxRate,
  }
}

const shownSignature = ({ scheme, secret, header, toleranceSeconds }: WebhookSignature) => ({
  ...{ scheme, secret, header },
  tolerance: toleranceSeconds,
})

export function deliveryJson(delivery: WebhookDelivery): z.output<typeof shownDelivery> {
  return {
    id: delivery.id,
    received_at: shownTime(delivery.receivedAt),
    status: delivery.status,
    reason: delivery.reason,
    execution_id: delivery.executionId,
    delivery_id: delivery.deliveryId,
    bytes: delivery.bytes,
    can_redeliver: delivery.request !== null,
  }
}
