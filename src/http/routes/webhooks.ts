import { z } from '@hono/zod-openapi'
import { selectRows } from '../../domain/list.ts'
import type { Webhook } from '../../domain/triggers/webhook.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import type { Webhooks } from '../../services/triggers/webhooks.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { publishedBaseUrl } from '../path.ts'
import type { Ctx } from '../request-context.ts'
import type { HttpSettings } from '../settings.ts'
import { deliveryJson, shownDelivery, shownWebhook, webhookJson } from '../triggers/webhook-json.ts'
import { readWebhook, settableWebhook } from '../triggers/webhook-request.ts'

const tag = 'webhooks'

export interface WebhookParts {
  webhooks: Webhooks
  invocation: Invocation
  settings: HttpSettings
}

export function bindWebhooks(app: HttpApp, { webhooks, invocation, settings }: WebhookParts): void {
  const asShown = (c: Ctx, webhook: Webhook) =>
    webhookJson(webhook, `${publishedBaseUrl(c, settings)}/v1/webhooks/${webhook.id}/invoke`)

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/webhooks',
      tag,
      summary: 'Create a webhook: a URL that runs a function without credentials',
      body: settableWebhook,
      answers: { 201: shownWebhook },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = await readWebhook(c, settings)
      return c.json(asShown(c, webhooks.create(c.get('who'), fields)), 201)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/webhooks',
      tag,
      summary: 'List webhooks, oldest first',
      query: listParameters(['project_id']),
      answers: { 200: z.object({ webhooks: z.array(shownWebhook) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const query = listQuery(c, c.get('who'), ['project_id'])
      const rows = selectRows(webhooks.list(query.filter.projectId), query)
      return c.json({ webhooks: rows.map((webhook) => asShown(c, webhook)) })
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/webhooks/:id',
      tag,
      summary: 'Show a webhook',
      answers: { 200: shownWebhook },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => c.json(asShown(c, webhooks.get(c.get('who'), uuidParam('Webhook', c.req.param('id'))))),
  )

  endpoint(
    app,
    {
      method: 'put',
      path: '/v1/webhooks/:id',
      tag,
      summary: 'Change the target or the description of a webhook',
      description: 'A new alias replaces function and version; a new function or version replaces the alias.',
      body: settableWebhook,
      answers: { 200: shownWebhook },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const id = uuidParam('Webhook', c.req.param('id'))
      const fields = await readWebhook(c, settings)
      return c.json(asShown(c, webhooks.update(c.get('who'), id, fields)))
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/webhooks/:id',
      tag,
      summary: 'Delete a webhook',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      webhooks.delete(c.get('who'), uuidParam('Webhook', c.req.param('id')))
      return c.body(null, 204)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/webhooks/:id/deliveries',
      tag,
      summary: 'Show the last calls of a webhook since the server started, the newest first',
      answers: { 200: z.object({ deliveries: z.array(shownDelivery) }) },
      refusals: ['invalid_request', 'not_found'],
    },
    (c) => {
      const rows = webhooks.deliveries(c.get('who'), uuidParam('Webhook', c.req.param('id')))
      return c.json({ deliveries: rows.map(deliveryJson) })
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/webhooks/:id/deliveries/:delivery/redeliver',
      tag,
      summary: "Run the function again with a recorded call's request",
      answers: { 202: z.object({ execution_id: z.string() }) },
      refusals: ['invalid_request', 'not_found', 'runtime_unavailable', 'queue_full'],
    },
    async (c) => {
      const { id, delivery } = c.req.param()
      const request = webhooks.again(c.get('who'), uuidParam('Webhook', id), uuidParam('Delivery', delivery))
      return c.json({ execution_id: (await invocation.accept(request)).execution.id }, 202)
    },
  )
}
