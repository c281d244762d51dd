import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import type { Principal } from '../../domain/principal.ts'
import { coldReasons } from '../../domain/start-kind.ts'
import type { Terms } from '../../domain/terms.ts'
import type { Executions } from '../../services/runs/executions.ts'
import { phaseNames } from '../../services/runs/stats.ts'
import { type AsyncRequest, asyncRequestIn } from '../asked.ts'
import type { Bodies } from '../bodies.ts'
import { jsonText, mediaTypeOf, parseObject, refuseMediaType } from '../body.ts'
import { ResponseCaller } from '../caller.ts'
import { unpacked } from '../content-encoding.ts'
import { type App, describe, endpoint } from '../endpoint.ts'
import { executionJson } from '../execution-json.ts'
import { sendExecutions } from '../execution-list.ts'
import { field, flag, integer, parseFields, text, uuidParam } from '../fields.ts'
import { toInvoke } from '../guard.ts'
import { type Column, listParameters, listQuery, order } from '../list-query.ts'
import {
  definedOf,
  delay,
  destination,
  idempotencyKey,
  priority,
  retries,
  shownDestination,
  timeField,
} from '../terms-fields.ts'

const tag = 'executions'
const columns: readonly Column[] = [
  ...(['function_id', 'status', 'description', 'project_id'] as const),
  ...(['trigger', 'trigger_id', 'start_kind', 'function_alias', 'created_at', 'error'] as const),
]

const newExecution = z.object({
  function_id: text(255, 'Id or name of the function; name@alias and name:3 say more.'),
  function_version: integer('0, the default: the function as it is now.'),
  function_alias: text(255, 'Wins over function_id and function_version.'),
  input: field({ type: ['string', 'null'], description: 'Text; a JSON object in it is the input itself.' }, asText),
  target: text(255, 'For an app (signature azure): the name of its function.'),
  sync: flag('True, the default: answer when the run is over. False: answer when it is accepted for good.'),
  description: text(),
  delay: delay(),
  run_at: timeField('Time before which the run does not begin; UTC.'),
  priority: priority(),
  retries: retries("How it is tried again, where it differs from the function's way."),
  idempotency_key: idempotencyKey(),
  on_success: destination('Where its result goes when it succeeds.'),
  on_failure: destination('Where its result goes when it will not be tried again.'),
})

export const shownExecution = z
  .object({
    id: z.string(),
    function_id: z.string(),
    function_version: z.int(),
    function_alias: z.string().nullable(),
    description: z.string().nullable(),
    status: z.enum(['running', 'success', 'failed', 'error']),
    sync: z.boolean(),
    input: z.string().nullable(),
    result: z.string().nullable().openapi({ description: 'JSON text: `duration` in seconds, and `output`.' }),
    project_id: z.string(),
    created_at: z.string(),
    updated_at: z.string().nullable(),
    output: z.any().openapi({ description: 'What the function returned.' }),
    error: z
      .object({
        type: z.string(),
        message: z.string(),
        stack: z.string().nullable(),
        during: z.literal('load').optional().openapi({ description: 'There when the code could not even be loaded.' }),
      })
      .nullable(),
    attempt: z.int(),
    trigger: z.enum(['api', 'http', 'job', 'webhook', 'async', 'event']),
    trigger_id: z
      .string()
      .nullable()
      .openapi({ description: 'The job, webhook or source that made it, or the execution whose function called.' }),
    start_kind: z.enum(['warm', 'prewarmed', 'cold']).nullable(),
    cold_reason: z.enum(coldReasons).nullable(),
    phases: z
      .object(Object.fromEntries(phaseNames.map((name) => [name, z.number()])))
      .nullable()
      .openapi({ description: 'Milliseconds.' }),
    worker: z.string().nullable(),
    memory_peak_mb: z.number().nullable(),
    cpu_ms: z.number().nullable(),
    run_at: z.string().nullable().openapi({ description: 'Not before this: a delay, or the next try.' }),
    dead_at: z.string().nullable().openapi({ description: 'Since when it is a dead letter.' }),
    priority: z.int(),
    outputs: z
      .array(z.object({ name: z.string(), type: z.string(), to: z.string().nullable(), messages: z.array(z.string()) }))
      .nullable()
      .openapi({ description: 'What an app put into output bindings that nobody here reads.' }),
    delivery: z
      .object({
        to: shownDestination,
        state: z.enum(['pending', 'delivered', 'failed']),
        attempts: z.int(),
        error: z.string().nullable(),
      })
      .nullable()
      .openapi({ description: 'Whether its result has reached its destination.' }),
  })
  .openapi('Execution')

/** `POST /v1/executions` on Node's own request and response: see `front.ts`. */
export async function postExecution(
  { executions, bodies, settings }: { executions: Executions; bodies: Bodies; settings: { maxBodyBytes: number } },
  who: Principal,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  refuseMediaType(mediaTypeOf(incoming.headers['content-type']))
  const { maxBodyBytes } = settings
  const sent = await bodies.read(incoming, outgoing, {
    maxBytes: maxBodyBytes,
    isKnown: true,
    projectId: who.projectId,
  })
  const encoding = incoming.headers['content-encoding']
  const body = encoding === undefined ? sent : await unpacked(sent, encoding, maxBodyBytes)
  const { status, json } = await created(executions, who, body, incoming.headers, outgoing)
  sendText(outgoing, status, json)
}

function sendText(outgoing: ServerResponse, status: number, json: string): void {
  outgoing.writeHead(status, ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(json))])
  outgoing.end(json)
}

async function created(
  executions: Executions,
  who: Principal,
  body: Buffer,
  headers: IncomingHttpHeaders,
  outgoing: ServerResponse,
): Promise<{ status: 201 | 202; json: string }> {
  const asked = asyncRequestIn(headers)
  const values = parseObject(jsonText(body))
  const isUsual = isPlain(values)
  const fields: PlainFields = isUsual ? values : parseFields(newExecution, values)
  const given = {
    functionId: fields.function_id,
    functionVersion: fields.function_version,
    functionAlias: fields.function_alias,
    input: targeted(isUsual ? null : (fields as z.output<typeof newExecution>).target, fields.input),
    sync: fields.sync,
    description: fields.description,
    traceparent: headers.traceparent as string | undefined,
  }
  const caller = new ResponseCaller(outgoing)
  if (isUsual && asked === undefined) {
    return { status: 201, json: executionJson(await executions.create(who, given, caller)) }
  }
  const more = fields as z.output<typeof newExecution>
  const terms = termsOf(more, asked)
  if (terms === undefined && asked === undefined) {
    return { status: 201, json: executionJson(await executions.create(who, given, caller)) }
  }
  const ms = given.sync === false ? 0 : (asked?.waitMs ?? null)
  const execution = await executions.ask(who, { ...given, terms, delayMs: more.delay }, { ms, left: caller.signal })
  if (asked?.applied) outgoing.setHeader('Preference-Applied', asked.applied)
  const isLate = given.sync !== false && execution.status === 'running'
  return { status: isLate ? 202 : 201, json: executionJson(execution) }
}

/**
 * Undefined: no terms. Throws FaasError `invalid_request` for terms that need an accepted (queued) run when the caller waits for
 * a direct one.
 */
function termsOf(fields: Partial<z.output<typeof newExecution>>, asked: AsyncRequest | undefined): Terms | undefined {
  const { delay: delayMs, run_at, priority, retries, on_success, on_failure } = fields
  const key = fields.idempotency_key ?? asked?.key
  const ofAccepted = { delay: delayMs, run_at, priority, retries, on_success, on_failure }
  const first = Object.entries(ofAccepted).find(([, value]) => value !== undefined && value !== null)?.[0]
  if (first === undefined && key === undefined) return undefined
  if (first !== undefined && fields.sync !== false && (asked?.waitMs ?? null) === null) {
    throw invalid(`"${first}" is for runs that are accepted: send "sync": false, or the header Prefer: wait=30.`)
  }
  return definedOf({ runAtMs: run_at, priority, retries, onSuccess: on_success, onFailure: on_failure, key })
}

export function bindExecutions(app: App, executions: Executions): void {
  describe(app, {
    method: 'post',
    path: '/v1/executions',
    tag,
    ...toInvoke,
    summary: 'Run a function',
    description:
      '201 whatever the function does: look at the status. With "sync": false the run is accepted for good, and may have ' +
      'delay, run_at, priority, retries, on_success and on_failure. With the header Prefer: wait=N the run is accepted, ' +
      'and the answer is 202 when it takes longer than this number of seconds. The header Idempotency-Key is the field.',
    body: newExecution,
    answers: { 201: shownExecution, 202: shownExecution },
    refusals: [
      'invalid_request',
      'not_found',
      'conflict',
      'runtime_unavailable',
      'too_large',
      'unsupported_media_type',
      'call_too_deep',
      'queue_full',
      'shutting_down',
    ],
  })

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions',
      tag,
      onlyFunction: 'checked',
      summary: 'List executions, oldest first unless "order" is newest',
      query: listParameters(columns).extend({ order }),
      answers: { 200: z.object({ executions: z.array(shownExecution) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => sendExecutions(c, 'executions', executions.list(c.get('who'), listQuery(c, c.get('who'), columns, true))),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions/:id',
      tag,
      // A caller who may start runs may also see how they end.
      scope: ['read', 'invoke'],
      onlyFunction: 'checked',
      summary: 'Show an execution; with wait=30, once it has ended or after 30 seconds',
      query: z.object({ wait: z.string().optional() }),
      answers: { 200: shownExecution },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const [who, id] = [c.get('who'), uuidParam('Execution', c.req.param('id'))]
      const ms = waitMs(c.req.query('wait'))
      if (ms === null) return c.body(executionJson(await executions.get(who, id)), 200, json)
      const { signal: left } = new ResponseCaller(c.env.outgoing)
      return c.body(executionJson(await executions.wait(who, id, { ms, left })), 200, json)
    },
  )

  endpoint(
    app,
    {
      method: 'post',
      path: '/v1/executions/:id/cancel',
      scope: ['invoke', 'deploy'],
      onlyFunction: 'checked',
      tag,
      summary: 'Cancel a run',
      description:
        'One that waits ends at once, as failed, with an error of the type Cancelled. The function of one that is at work ' +
        'is told by its abort signal, and its worker is ended when the run has not ended within TAIBAI_STOP_GRACE_MS. ' +
        'Nothing happens to one that is over.',
      answers: { 200: shownExecution },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const execution = await executions.cancel(c.get('who'), uuidParam('Execution', c.req.param('id')))
      return c.body(executionJson(execution), 200, json)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions/:id/log',
      tag,
      scope: ['read', 'invoke'],
      onlyFunction: 'checked',
      summary: 'Show the output of a run up to now',
      description: 'A line with the id of the execution, then the output; 204 while there is none.',
      answers: { 200: 'text', 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const log = await executions.log(c.get('who'), uuidParam('Execution', c.req.param('id')))
      return log === null ? c.body(null, 204) : c.body(log, 200, { 'Content-Type': 'text/plain; charset=UTF-8' })
    },
  )

  endpoint(
    app,
    {
      method: 'delete',
      path: '/v1/executions/:id',
      tag,
      onlyFunction: 'checked',
      summary: 'Delete an execution in any status',
      description: 'A run that has begun goes on, and leaves no record.',
      answers: { 204: 'nothing' },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      await executions.delete(c.get('who'), uuidParam('Execution', c.req.param('id')))
      return c.body(null, 204)
    },
  )
}

const longestWaitSeconds = 600

/** A value that is not a number is ignored, like every unknown parameter of this route. */
function waitMs(wait: string | undefined): number | null {
  const seconds = Number(wait)
  return wait !== undefined && seconds > 0 ? Math.min(seconds, longestWaitSeconds) * 1000 : null
}

/** An app reads from its input which of its functions is called. */
function targeted(target: string | null | undefined, input: string | null | undefined): string | null | undefined {
  if (!target) return input
  const name = JSON.stringify(target)
  return input ? `{"target":${name},"input":${isJson(input) ? input : JSON.stringify(input)}}` : `{"target":${name}}`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const json = { 'Content-Type': 'application/json' }

interface PlainFields {
  function_id?: string | null
  function_version?: number | null
  function_alias?: string | null
  input?: string | null
  sync?: boolean | null
  description?: string | null
}

/** Most requests have only plain values, which need neither conversion nor checks: skipping the schema saves time. */
function isPlain(values: object): values is PlainFields {
  for (const [name, value] of Object.entries(values)) if (!isPlainField(name, value)) return false
  return true
}

function isPlainField(name: string, value: unknown): boolean {
  switch (name) {
    case 'function_id':
    case 'function_alias':
    case 'description':
      return value === null || (typeof value === 'string' && value.length <= 255)
    case 'input':
      return value === null || typeof value === 'string'
    case 'function_version':
      return value === null || Number.isSafeInteger(value)
    case 'sync':
      return value === null || typeof value === 'boolean'
    default:
      return false
  }
}

/** Not limited in length: the whole body is. */
function asText(value: unknown): string {
  if (typeof value !== 'string') throw invalid('must be a string; write a JSON object as text.')
  return value
}
