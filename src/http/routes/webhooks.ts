import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { z } from '@hono/zod-openapi'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { selected } from '../../domain/list.ts'
import type { Webhook } from '../../domain/webhook.ts'
import { signatureSchemes, type WebhookSignature } from '../../domain/webhook-signature.ts'
import type { AskedRuns } from '../../services/runs/asked-runs.ts'
import type { Executions } from '../../services/runs/executions.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import type { Delivery, DeliveryStatus } from '../../services/triggers/deliveries.ts'
import type { Webhooks } from '../../services/triggers/webhooks.ts'
import { answerWithRun } from '../answered-run.ts'
import { askedIn } from '../asked.ts'
import { readObject } from '../body.ts'
import type { Ctx } from '../ctx.ts'
import { type App, endpoint } from '../endpoint.ts'
import { type EventRun, eventsOf } from '../event-runs.ts'
import { field, flag, integer, nullable, number, parseFields, text, uuidParam } from '../fields.ts'
import { listParameters, listQuery } from '../list-query.ts'
import { answerAsWebAction, isAction } from '../openwhisk/web-webhook.ts'
import { handedOutBase } from '../path.ts'
import type { HttpSettings } from '../settings.ts'
import { shownTime } from '../time.ts'
import { readSigned, webhookCall } from '../webhook-call.ts'
import type { WrongTokens } from '../wrong-tokens.ts'

const tag = 'webhooks'

const settable = z.object({
  function_id: text(255, 'Id or name of a function of the own project; name@alias and name:3 say more.'),
  function_version: integer('0, the default: the function as it is when called.'),
  function_alias: text(255, 'Wins over function_id and function_version; looked up when called.'),
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
  max_rate: nullable(number("Most calls a second; null: the server's default.")),
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

const shownDelivery = z
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

export interface WebhookParts {
  webhooks: Webhooks
  invocation: Invocation
  executions: Executions
  asked: AskedRuns
  newId: NewId
  settings: HttpSettings
  wrongTokens: WrongTokens
}

export function bindWebhooks(app: App, parts: WebhookParts): void {
  const { webhooks, invocation, asked, executions, newId, settings, wrongTokens } = parts
  const calledOf = (c: Ctx, id: string) => {
    try {
      return webhooks.called(id)
    } catch (error) {
      throw wrongTokens.counted(error, c.env.incoming, 'not_found')
    }
  }
  /** The caller is anonymous, so no body is read for a webhook that does not exist. */
  const take = async (c: Ctx, id: string): Promise<Response> => {
    const call = calledOf(c, id)
    const signed = await readSigned(c, settings, call.webhook.projectId)
    const { executionId, deliveryId } = webhooks.admit(call, signed)
    /** The record includes the function's input, so that the delivery can be repeated. */
    const note = (status: DeliveryStatus, execution: string, { input, http }: EventRun, bytes = signed.body.length) =>
      webhooks.note(id, { status, executionId: execution, deliveryId, bytes, request: { input, http } })
    const kept = await webhookCall(c, id, call.run.target.revision, signed.body, settings)
    const traceparent = c.req.header('traceparent')
    const plain = { ...call.run, ...kept, traceparent, ...(executionId !== undefined && { executionId }) }
    const events = await eventsOf(c, plain, signed.body, settings)
    if (Array.isArray(events)) {
      const ids: string[] = []
      for (const run of events) {
        const execution = await asked.accept(run)
        ids.push(execution.id)
        note('accepted', execution.id, run, run.input.body.length)
      }
      return c.json({ executions: ids }, 202)
    }
    const request = events
    const key = executionId === undefined ? askedIn(c.env.incoming.headers)?.key : undefined
    if (!call.webhook.sync && key !== undefined) {
      const execution = await asked.accept({ ...request, terms: { ...request.terms, key } })
      note('accepted', execution.id, request)
      return c.json({ execution_id: execution.id }, 202)
    }
    if (!call.webhook.sync) {
      const { execution, duplicate } = await invocation.accept(request)
      note(duplicate ? 'duplicate' : 'accepted', execution.id, request)
      return c.json({ execution_id: execution.id }, 202)
    }
    if (executionId !== undefined && (await executions.has(executionId))) {
      note('duplicate', executionId, request)
      return c.json({ execution_id: executionId }, 200)
    }
    const ranAs = executionId ?? newId()
    note('accepted', ranAs, request)
    const run = { ...request, executionId: ranAs }
    if (isAction(run.target.revision)) await answerAsWebAction(parts, run, c.env.outgoing)
    else await answerWithRun(parts, run, c.env.outgoing, false)
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
      summary: 'Run the function with what such a call brought, once more',
      answers: { 202: z.object({ execution_id: z.string() }) },
      refusals: ['invalid_request', 'not_found', 'runtime_unavailable', 'queue_full'],
    },
    async (c) => {
      const { id, delivery } = c.req.param()
      const request = webhooks.again(c.get('who'), uuidParam('Webhook', id), uuidParam('Delivery', delivery))
      return c.json({ execution_id: (await invocation.accept(request)).execution.id }, 202)
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
        "the function's own, as that of /fn/{name}. The input of a CloudEvent is its data; a batch starts a run for each event.",
      public: { id: /[0-9a-f-]+/ },
      body: {
        'application/json': z.any(),
        'application/x-www-form-urlencoded': z.any(),
        'multipart/form-data': z.any(),
      },
      answers: {
        200: z.any(),
        202: z.union([z.object({ execution_id: z.string() }), z.object({ executions: z.array(z.string()) })]),
      },
      refusals: [
        ...(['invalid_request', 'unauthenticated', 'not_found', 'runtime_unavailable', 'too_large'] as const),
        ...(['limit_reached', 'queue_full', 'shutting_down'] as const),
      ],
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
    signature: webhook.signature && shownSignature(webhook.signature),
    max_rate: webhook.maxRate,
  }
}

const shownSignature = ({ scheme, secret, header, toleranceSeconds }: WebhookSignature) => ({
  ...{ scheme, secret, header },
  tolerance: toleranceSeconds,
})

function deliveryJson(delivery: Delivery): z.output<typeof shownDelivery> {
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
