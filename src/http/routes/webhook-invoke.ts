import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { z } from '@hono/zod-openapi'
import { FaasError } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import type { AsyncRequests } from '../../services/runs/async-requests.ts'
import type { Executions } from '../../services/runs/executions.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import type { DeliveryStatus } from '../../services/triggers/webhook-deliveries.ts'
import type { Webhooks } from '../../services/triggers/webhooks.ts'
import type { TokenThrottle } from '../access/token-throttle.ts'
import { endpoint, type HttpApp } from '../endpoint.ts'
import { asyncRequestIn } from '../executions/async-request.ts'
import { type EventRun, eventsOf } from '../executions/event-runs.ts'
import { answerWithRun } from '../executions/run-response.ts'
import { uuidParam } from '../fields.ts'
import { answerAsWebAction, isAction } from '../openwhisk/web-webhook.ts'
import type { Ctx } from '../request-context.ts'
import type { HttpSettings } from '../settings.ts'
import { readSignedRequest, webhookCall } from '../triggers/webhook-call.ts'

const tag = 'webhooks'

export interface WebhookInvokeParts {
  webhooks: Webhooks
  invocation: Invocation
  executions: Executions
  asyncRequests: AsyncRequests
  newId: NewId
  settings: HttpSettings
  wrongTokens: TokenThrottle
}

/** The endpoint for callers without credentials: the webhook's address runs its function. */
export function bindWebhookInvoke(app: HttpApp, parts: WebhookInvokeParts): void {
  const { webhooks, invocation, asyncRequests, executions, newId, settings, wrongTokens } = parts
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
    const signed = await readSignedRequest(c, settings, call.webhook.projectId)
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
        const execution = await asyncRequests.accept(run)
        ids.push(execution.id)
        note('accepted', execution.id, run, run.input.body.length)
      }
      return c.json({ executions: ids }, 202)
    }
    const request = events
    const key = executionId === undefined ? asyncRequestIn(c.env.incoming.headers)?.key : undefined
    if (!call.webhook.sync && key !== undefined) {
      const execution = await asyncRequests.accept({ ...request, terms: { ...request.terms, key } })
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
      description: 'For senders that verify the URL with a challenge first. Only webhooks with "sync" answer GET.',
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
