import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from '@hono/zod-openapi'
import type { Fn } from '../../domain/functions/function.ts'
import type { FunctionCors } from '../../domain/functions/function-access.ts'
import { factsOf } from '../../domain/functions/signature.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Authenticate } from '../../domain/platform/principal.ts'
import { takesRequest } from '../../domain/platform/worker.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'
import { inputFromBody, inputOfRequest } from '../../domain/runs/input.ts'
import type { PublicFunctions } from '../../services/functions/public-functions.ts'
import type { Targets } from '../../services/functions/targets.ts'
import type { AsyncRequests } from '../../services/runs/async-requests.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import { admits, answerHeaders, setHeaders } from '../access/cross-origin.ts'
import { toInvoke } from '../access/guard.ts'
import { allowedOriginsOf, refuseCrossSite } from '../access/open-mode.ts'
import type { Bodies } from '../connection/bodies.ts'
import { unpacked } from '../connection/content-encoding.ts'
import { describe, type HttpApp } from '../endpoint.ts'
import type { EndpointDescription } from '../endpoint-description.ts'
import {
  type AsyncRequest,
  asyncRequestIn,
  asyncRequestOfFission,
  asyncRequestOfOpenFaas,
} from '../executions/async-request.ts'
import { eventsIn, modeOf } from '../executions/cloud-events.ts'
import { answerEvents } from '../executions/event-runs.ts'
import { answerAcceptedRun, answerWithRun } from '../executions/run-response.ts'
import { calleeOf } from '../functions/callee.ts'
import { type FunctionUrl, requestHead } from '../functions/function-call.ts'
import { callbackTerms } from '../openfaas/async-call.ts'
import type { HttpSettings } from '../settings.ts'

export interface InvokeParts {
  targets: Targets
  invocation: Invocation
  asyncRequests: AsyncRequests
  newId: NewId
  exposed: PublicFunctions
  authenticate: Authenticate
  bodies: Bodies
  settings: HttpSettings
}

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const

/** Describes `ANY /fn/{name}` and below, which `request-listener.ts` serves, for /openapi.json. */
export function describeInvoke(app: HttpApp): void {
  for (const path of ['/fn/:name', '/fn/:name/:path']) {
    for (const method of methods) describe(app, { method, path, ...aboutInvoke })
  }
}

const aboutInvoke: Omit<EndpointDescription, 'method' | 'path'> = {
  tag: 'functions',
  ...toInvoke,
  summary: 'Call a function',
  description:
    'The body is the event: JSON becomes a value, text a string, anything else bytes. The answer is what the function ' +
    'returned; a web function gets the whole request and makes the whole answer. X-Execution-Id names the execution, ' +
    'Server-Timing says how long each phase took. An exception of the function is 502, and a call that takes longer than its timeout is 504. ' +
    'With Prefer: wait=N, the answer is 202 when the run takes longer than this number of seconds, and the run continues; ' +
    'respond-async does not wait at all. A repeated Idempotency-Key gets the first answer. ' +
    'CloudEvents are accepted in each mode: the input is the data, and a batch is 202 with the ids of a run for each.',
  body: { '*/*': z.any() },
  answers: {
    200: z.any(),
    202: z.union([z.object({ execution_id: z.string() }), z.object({ executions: z.array(z.string()) })]),
  },
  refusals: [
    'invalid_request',
    'not_found',
    'conflict',
    'queue_full',
    'runtime_unavailable',
    'too_large',
    'call_too_deep',
    'no_worker',
    'shutting_down',
  ],
}

/**
 * Calls a function: the body is the event, the response is the function's value. It uses Node's own request and response, because
 * this path must be fast. The caller is authorised before the body is read.
 */
export async function invoke(
  parts: InvokeParts,
  place: FunctionUrl,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const found = calleeOf(parts, place, incoming)
  const { target, projectId, from, spent, isKnown, isOwn, isAdmin } = found instanceof Promise ? await found : found
  refuseOtherSites(parts, target.fn, incoming)
  allowOrigin(target.fn.cors, incoming, outgoing)
  const { maxBodyBytes, trustProxy } = parts.settings
  const body = await parts.bodies.read(incoming, outgoing, { maxBytes: maxBodyBytes, isKnown, projectId })
  const traceparent = incoming.headers.traceparent as string | undefined
  const terms = place.isAsyncOpenFaas ? callbackTerms(place.name, incoming.headers, isOwn) : undefined
  const request = { target, projectId, from, trigger: 'http' as const, traceparent, ...(terms && { terms }) }
  const asyncRequest = askedOf(parts, place, incoming)
  if (!takesRequest(target.revision)) {
    const encoding = incoming.headers['content-encoding']
    const event = encoding === undefined ? body : await unpacked(body, encoding, maxBodyBytes)
    const mode = modeOf(incoming.headers)
    if (mode !== undefined) {
      const events = eventsIn(mode, incoming.headers, event, target.revision.signature)
      const head = headFor(isOwn ? null : spent, requestHead(incoming, place, spent, trustProxy))
      return answerEvents(parts, { ...request, http: head }, mode, events, asyncRequest, outgoing, isOwn)
    }
    const input = inputFromBody(event, incoming.headers['content-type'], target.revision.signature)
    // `return` of a promise costs an async function three turns of the queue of promises, `await` one.
    if (asyncRequest === undefined) await answerWithRun(parts, { ...request, input }, outgoing, isOwn)
    else await answerAcceptedRun(parts, { ...request, input }, asyncRequest, outgoing, isOwn)
    return
  }
  const head = headFor(isOwn ? null : spent, requestHead(incoming, place, spent, trustProxy))
  const http = factsOf(target.revision.signature).isApp && isOwn ? keyed(head, isAdmin === true) : head
  const whole = { ...request, input: inputOfRequest(body), http }
  if (asyncRequest === undefined) await answerWithRun(parts, whole, outgoing, isOwn)
  else await answerAcceptedRun(parts, whole, asyncRequest, outgoing, isOwn)
}

/** Undefined for calls without such headers, which are almost all. */
function askedOf({ newId }: InvokeParts, place: FunctionUrl, { headers }: IncomingMessage): AsyncRequest | undefined {
  if (place.isAsyncOpenFaas) return asyncRequestOfOpenFaas(newId())
  return asyncRequestIn(headers) ?? (place.isFission ? asyncRequestOfFission(headers) : undefined)
}

/** A token sent as `?code=` is removed before another project's function sees the request. */
function headFor(token: string | null, http: HttpRequestHead): HttpRequestHead {
  if (token === null || !http.target.includes('code=')) return http
  return { ...http, target: withoutKey(http.target, token), url: withoutKey(http.url, token) }
}

function withoutKey(url: string, token: string): string {
  const [path = '', query = ''] = url.split(/\?(.*)/s)
  const kept = query.split('&').filter((part) => new URLSearchParams(part).get('code') !== token)
  return kept.join('&') === '' ? path : `${path}?${kept.join('&')}`
}

/** The key has been verified and is removed before the function sees the request. */
function keyed(http: HttpRequestHead, isAdmin: boolean): HttpRequestHead {
  const headers = http.headers.filter(([name]) => name !== 'x-functions-key')
  return { ...http, headers, key: isAdmin ? 'admin' : 'function' }
}

/** A page of another site may call a function only if the function's CORS setting allows it. */
function refuseOtherSites({ settings }: InvokeParts, fn: Fn, incoming: IncomingMessage): void {
  if (!settings.isOpen || fn.access === 'public') return
  const { origin } = incoming.headers
  if (origin !== undefined && fn.cors !== null && admits(fn.cors, origin)) return
  refuseCrossSite(incoming, allowedOriginsOf(settings), false)
}

/** CORS headers for any response. */
function allowOrigin(rule: FunctionCors | null, { headers }: IncomingMessage, outgoing: ServerResponse): void {
  const { origin } = headers
  if (rule === null || origin === undefined || !admits(rule, origin)) return
  setHeaders(outgoing, answerHeaders(rule, origin))
}
