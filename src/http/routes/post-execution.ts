import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Executions } from '../../services/runs/executions.ts'
import type { Bodies } from '../connection/bodies.ts'
import { jsonText, mediaTypeOf, parseObject, refuseMediaType } from '../connection/body.ts'
import { ResponseCaller } from '../connection/caller.ts'
import { unpacked } from '../connection/content-encoding.ts'
import { ownHeaders } from '../error-response.ts'
import { asyncRequestIn } from '../executions/async-request.ts'
import { executionJson } from '../executions/execution-json.ts'
import { executionFields, runOptionsOf } from '../executions/execution-request.ts'

/** `POST /v1/executions` on Node's own request and response: see `request-listener.ts`. */
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

const own = Object.entries(ownHeaders('/v1/')).flat()

function sendText(outgoing: ServerResponse, status: number, json: string): void {
  const length = String(Buffer.byteLength(json))
  outgoing.writeHead(status, [...own, 'Content-Type', 'application/json', 'Content-Length', length])
  outgoing.end(json)
}

async function created(
  executions: Executions,
  who: Principal,
  body: Buffer,
  headers: IncomingHttpHeaders,
  outgoing: ServerResponse,
): Promise<{ status: 201 | 202; json: string }> {
  const asyncRequest = asyncRequestIn(headers)
  const values = parseObject(jsonText(body))
  const { fields, isPlain } = executionFields(values)
  const given = {
    functionId: fields.function_id,
    functionVersion: fields.function_version,
    functionAlias: fields.function_alias,
    input: fields.input,
    sync: fields.sync,
    description: fields.description,
    traceparent: headers.traceparent as string | undefined,
  }
  const caller = new ResponseCaller(outgoing)
  if (isPlain && asyncRequest === undefined) {
    return { status: 201, json: executionJson(await executions.create(who, given, caller)) }
  }
  const terms = runOptionsOf(fields, asyncRequest)
  if (terms === undefined && asyncRequest === undefined) {
    return { status: 201, json: executionJson(await executions.create(who, given, caller)) }
  }
  const ms = given.sync === false ? 0 : (asyncRequest?.waitMs ?? null)
  const execution = await executions.ask(who, { ...given, terms, delayMs: fields.delay }, { ms, left: caller.signal })
  if (asyncRequest?.applied) outgoing.setHeader('Preference-Applied', asyncRequest.applied)
  const isLate = given.sync !== false && execution.status === 'running'
  return { status: isLate ? 202 : 201, json: executionJson(execution) }
}
