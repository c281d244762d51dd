import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { z } from '@hono/zod-openapi'
import { FaasError } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { selected } from '../../domain/list.ts'
import type { Webhook } from '../../domain/webhook.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import type { Webhooks } from '../../services/triggers/webhooks.ts'
import { answerWithRun } from '../answered-run.ts'
import { readObject } from '../body.ts'
import { type App, type Ctx, endpoint } from '../endpoint.ts'
import { flag, integer, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { handedOutBase } from '../path.ts'
import type { HttpSettings } from '../settings.ts'
import { shownTime } from '../time.ts'
import { readWebhookCall } from '../webhook-call.ts'

const tag = 'webhooks'

const settable = z.object({
  function_id: text(255, 'Id or name of a function of the own project; name@alias and name:3 say more.'),
  function_version: integer('0, the default: the function as it is when called.'),
  function_alias: text(255, 'Wins over function_id and function_version; looked up when called.'),
  description: text(),
  sync: flag(
    "True: the answer is the function's own, and GET is taken too. False, the default: 202, and the run follows.",
  ),
})

const shown = z
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
  })
  .openapi('Webhook')

export interface WebhookParts {
  webhooks: Webhooks
  invocation: Invocation
  newId: NewId
  settings: HttpSettings
}

export function bindWebhooks(app: App, parts: WebhookParts): void {
  const { webhooks, invocation, settings } = parts
  /** Nobody knows who calls: for what is not there, no body is read. */
  const take = async (c: Ctx, id: string): Promise<Response> => {
    const { sync, run } = webhooks.called(id)
    const request = { ...run, ...(await readWebhookCall(c, id, run.target.revision, settings)) }
    if (!sync) return c.json({ execution_id: (await invocation.accept(request)).execution.id }, 202)
    await answerWithRun(parts, request, c.env.outgoing, false)
    return RESPONSE_ALREADY_SENT
  }
  const asShown = (c: Ctx, webhook: Webhook) => shownWebhook(webhook, webhookUrl(c, webhook.id, settings))

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/webhooks',
      tag,
      summary: 'Make a URL that runs a function without credentials',
      body: settable,
      answers: { 201: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const fields = await readSettable(c, settings)
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
      answers: { 200: z.object({ webhooks: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => {
      const query = listQuery(c, c.get('who'), ['project_id'])
      const rows = selected(webhooks.list(query.filter.projectId), query)
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
      answers: { 200: shown },
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
      summary: 'Point a webhook at something else, or describe it',
      description: 'A new alias replaces function and version; a new function or version replaces the alias.',
      body: settable,
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found', 'too_large', 'unsupported_media_type'],
    },
    async (c) => {
      const id = uuidParam('Webhook', c.req.param('id'))
      const fields = await readSettable(c, settings)
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
      method: 'post',
      path: '/v1/webhooks/:id/invoke',
      tag,
      summary: 'Run the function of a webhook',
      description:
        'The input is one object of the query and the body: members of a JSON object, or fields of a form. ' +
        'A repeated field becomes an array. The run is accepted for good when the answer comes. With "sync" the answer is ' +
        "the function's own, as that of /fn/{name}.",
      public: { id: /[0-9a-f-]+/ },
      body: {
        'application/json': z.any(),
        'application/x-www-form-urlencoded': z.any(),
        'multipart/form-data': z.any(),
      },
      answers: { 200: z.any(), 202: z.object({ execution_id: z.string() }) },
      refusals: ['invalid_request', 'not_found', 'runtime_unavailable', 'too_large', 'queue_full', 'shutting_down'],
    },
    (c) => take(c, uuidParam('Webhook', c.req.param('id'))),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/webhooks/:id/invoke',
      tag,
      summary: 'Run the function of a webhook that answers',
      description: 'For those who try an address with a challenge first. Only with "sync"; another webhook is a POST.',
      public: { id: /[0-9a-f-]+/ },
      answers: { 200: z.any() },
      refusals: ['not_found', 'runtime_unavailable', 'no_worker', 'shutting_down'],
    },
    (c) => {
      const id = c.req.param('id')
      if (!webhooks.isSync(id)) throw new FaasError('not_found', `There is nothing at ${c.req.path}.`)
      return take(c, id)
    },
  )
}

async function readSettable(c: Ctx, settings: { maxBodyBytes: number }) {
  const fields = parseFields(settable, await readObject(c, settings.maxBodyBytes))
  return {
    functionId: fields.function_id,
    functionVersion: fields.function_version,
    functionAlias: fields.function_alias,
    description: fields.description,
    sync: fields.sync,
  }
}

const webhookUrl = (c: Ctx, id: string, settings: HttpSettings): string =>
  `${handedOutBase(c, settings)}/v1/webhooks/${id}/invoke`

function shownWebhook(webhook: Webhook, url: string): z.output<typeof shown> {
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
  }
}
