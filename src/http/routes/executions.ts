import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from '@hono/zod-openapi'
import { invalid } from '../../domain/errors.ts'
import { coldReasons, type Execution } from '../../domain/execution.ts'
import type { Principal } from '../../domain/principal.ts'
import type { Caller } from '../../domain/worker.ts'
import type { Executions } from '../../services/runs/executions.ts'
import { phaseNames } from '../../services/runs/stats.ts'
import type { Bodies } from '../bodies.ts'
import { jsonText, mediaTypeOf, parseObject, refuseMediaType } from '../body.ts'
import { ResponseCaller } from '../caller.ts'
import { unpacked } from '../content-encoding.ts'
import { type App, type Ctx, describe, endpoint } from '../endpoint.ts'
import { executionJson } from '../execution-json.ts'
import { field, flag, integer, parseFields, text, uuidParam } from '../fields.ts'
import { type Column, listParameters, listQuery, order } from '../list-query.ts'

const tag = 'executions'
const columns: readonly Column[] = [
  ...(['function_id', 'status', 'description', 'project_id'] as const),
  ...(['trigger', 'trigger_id', 'start_kind', 'function_alias', 'created_at'] as const),
]

const newExecution = z.object({
  function_id: text(255, 'Id or name of the function; name@alias and name:3 say more.'),
  function_version: integer('0, the default: the function as it is now.'),
  function_alias: text(255, 'Wins over function_id and function_version.'),
  input: field({ type: ['string', 'null'], description: 'Text; a JSON object in it is the input itself.' }, asText),
  sync: flag('True, the default: answer when the run is over. False: answer when it is accepted for good.'),
  description: text(),
})

const shown = z
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
    trigger_id: z.string().nullable().openapi({ description: 'The job, webhook or source that made it.' }),
    start_kind: z.enum(['warm', 'prewarmed', 'cold']).nullable(),
    cold_reason: z.enum(coldReasons).nullable(),
    phases: z
      .object(Object.fromEntries(phaseNames.map((name) => [name, z.number()])))
      .nullable()
      .openapi({ description: 'Milliseconds.' }),
    worker: z.string().nullable(),
    memory_peak_mb: z.number().nullable(),
    cpu_ms: z.number().nullable(),
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
  const sent = await bodies.read(incoming, outgoing, { maxBytes: maxBodyBytes, isKnown: true })
  const encoding = incoming.headers['content-encoding']
  const body = encoding === undefined ? sent : await unpacked(sent, encoding, maxBodyBytes)
  sendText(outgoing, 201, await created(executions, who, body, new ResponseCaller(outgoing)))
}

function sendText(outgoing: ServerResponse, status: number, json: string): void {
  outgoing.writeHead(status, ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(json))])
  outgoing.end(json)
}

async function created(executions: Executions, who: Principal, body: Buffer, caller: Caller): Promise<string> {
  const values = parseObject(jsonText(body))
  const fields: PlainFields = isPlain(values) ? values : parseFields(newExecution, values)
  const given = {
    functionId: fields.function_id,
    functionVersion: fields.function_version,
    functionAlias: fields.function_alias,
    input: fields.input,
    sync: fields.sync,
    description: fields.description,
  }
  const execution = await executions.create(who, given, caller)
  return executionJson(execution)
}

export function bindExecutions(app: App, executions: Executions): void {
  describe(app, {
    method: 'post',
    path: '/v1/executions',
    tag,
    summary: 'Run a function',
    description: '201 whatever the function does: look at the status.',
    body: newExecution,
    answers: { 201: shown },
    refusals: [
      'invalid_request',
      'not_found',
      'runtime_unavailable',
      'too_large',
      'unsupported_media_type',
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
      summary: 'List executions, oldest first unless "order" is newest',
      query: listParameters(columns).extend({ order }),
      answers: { 200: z.object({ executions: z.array(shown) }) },
      refusals: ['invalid_request', 'forbidden'],
    },
    (c) => sendList(c, executions.list(c.get('who'), listQuery(c, c.get('who'), columns, true))),
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions/:id',
      tag,
      summary: 'Show an execution',
      answers: { 200: shown },
      refusals: ['invalid_request', 'not_found'],
    },
    async (c) => {
      const execution = await executions.get(c.get('who'), uuidParam('Execution', c.req.param('id')))
      return c.body(executionJson(execution), 200, json)
    },
  )

  endpoint(
    app,
    {
      method: 'get',
      path: '/v1/executions/:id/log',
      tag,
      summary: 'What a run printed so far',
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

const json = { 'Content-Type': 'application/json' }

interface PlainFields {
  function_id?: string | null
  function_version?: number | null
  function_alias?: string | null
  input?: string | null
  sync?: boolean | null
  description?: string | null
}

/** Nothing to convert and nothing to complain about, as in most requests: saves what the schema costs. */
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

/** Not bounded in length: the body as a whole is. */
function asText(value: unknown): string {
  if (typeof value !== 'string') throw invalid('must be a string; write a JSON object as text.')
  return value
}

/** One JSON object, sent while it is being read: a list may be longer than memory. A short one is sent at once. */
async function sendList(c: Ctx, slices: AsyncIterable<Execution[]>): Promise<Response> {
  const rows = slices[Symbol.asyncIterator]()
  const first = await rows.next()
  const second = first.done ? first : await rows.next()
  const start = `{"executions":[${first.done ? '' : rowsJson(first.value)}`
  if (second.done) return c.body(`${start}]}`, 200, json)
  return c.body(ReadableStream.from(listBytes(start, second.value, rows)), 200, json)
}

async function* listBytes(
  start: string,
  second: Execution[],
  rows: AsyncIterator<Execution[]>,
): AsyncGenerator<Uint8Array> {
  try {
    yield Buffer.from(`${start},${rowsJson(second)}`)
    for (let next = await rows.next(); !next.done; next = await rows.next()) {
      yield Buffer.from(`,${rowsJson(next.value)}`)
    }
    yield Buffer.from(']}')
  } finally {
    await rows.return?.()
  }
}

const rowsJson = (rows: Execution[]): string => rows.map(executionJson).join(',')
