import type { IncomingMessage, ServerResponse } from 'node:http'
import { type RouteConfig, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, errorCodes, FaasError, type LimitFacts, LimitReached } from '../domain/errors.ts'
import type { Log } from '../domain/runs/log.ts'

/** The only table from error code to HTTP status. */
export const statusOfCode: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  in_use: 403,
  not_found: 404,
  call_too_deep: 400,
  method_not_allowed: 405,
  conflict: 409,
  runtime_unavailable: 409,
  request_timeout: 408,
  too_large: 413,
  unsupported_media_type: 415,
  build_failed: 400,
  headers_too_large: 431,
  limit_reached: 429,
  queue_full: 503,
  storage_full: 503,
  too_many_bodies: 503,
  no_worker: 503,
  shutting_down: 503,
  auth_unavailable: 503,
  engine_failed: 503,
  openstack_failed: 500,
  not_supported: 501,
  internal: 500,
}

/** The contract's three keys, and our code for programs. */
export interface ErrorBody {
  faultcode: 'Client' | 'Server'
  faultstring: string
  debuginfo: null
  code: ErrorCode
  /** Present with `limit_reached`. */
  limit?: LimitFacts
}

const unexplained = new FaasError('internal', 'Something failed inside the server; its log says what.')

/** Converts whatever was thrown to a FaasError; an unknown error becomes `internal`, with the cause for the log. */
export function asFaasError(error: unknown): FaasError {
  if (error instanceof FaasError) return error
  return new FaasError('internal', unexplained.message, { cause: error })
}

export function errorBody(error: FaasError): ErrorBody {
  const faultcode = statusOfCode[error.code] < 500 ? 'Client' : 'Server'
  const body: ErrorBody = { faultcode, faultstring: error.message, debuginfo: null, code: error.code }
  if (error instanceof LimitReached) body.limit = error.limit
  return body
}

/** Counts responses by error code since the server began. */
export class RefusalCounters {
  #counts = new Map<ErrorCode, number>()

  count(code: ErrorCode): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
  }

  entries(): Iterable<[ErrorCode, number]> {
    return this.#counts.entries()
  }
}

/** Receivers of errors. */
export interface ErrorObservers {
  log: Log
  refusals: RefusalCounters
}

/**
 * Headers of the server's own responses: browsers must not guess their type, and nobody may store what belongs to a token, because
 * caches do not know `X-Auth-Token`.
 */
export function ownHeaders(path: string): Record<string, string> {
  const isPrivate = path.startsWith('/v1/') || path === '/metrics'
  return { 'X-Content-Type-Options': 'nosniff', ...(isPrivate && { 'Cache-Control': 'no-store' }) }
}

/** Headers that belong to an error code. */
export function errorHeaders(error: FaasError): Record<string, string> {
  if (error instanceof LimitReached) return { 'Retry-After': String(error.retryAfterSeconds) }
  return errorCodes[error.code] === 'capacity' ? { 'Retry-After': '1' } : {}
}

/**
 * The response to anything thrown. Our own faults are logged with their cause, which is never shown. `verbsOf` lists the methods
 * of a path, for 405.
 */
export function errorResponse(
  c: Context,
  thrown: unknown,
  { log, refusals }: ErrorObservers,
  verbsOf: (path: string) => string[],
): Response {
  const error = asFaasError(thrown)
  refusals.count(error.code)
  const status = logged(error, c.req.method, c.req.path, log)
  if (error.code === 'method_not_allowed') c.header('Allow', verbsOf(c.req.path).join(', '))
  return c.json(errorBody(error), status, errorHeaders(error))
}

/**
 * Like `errorResponse`, on Node's own response. A response that has begun is cut off; the unread rest of the request is not
 * awaited.
 */
export function sendError(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  thrown: unknown,
  { log, refusals }: ErrorObservers,
): void {
  const error = asFaasError(thrown)
  refusals.count(error.code)
  const status = logged(error, incoming.method as string, pathOf(incoming), log)
  if (outgoing.headersSent) return void outgoing.destroy()
  if (!incoming.complete) outgoing.setHeader('Connection', 'close')
  const body = JSON.stringify(errorBody(error))
  const headers = {
    ...ownHeaders('/v1/'),
    ...errorHeaders(error),
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  }
  outgoing.writeHead(status, headers)
  outgoing.end(body)
}

/** The error body for a response that has begun; the error is counted and logged as usual. */
export function lateErrorBody(c: Context, thrown: unknown, { log, refusals }: ErrorObservers): ErrorBody {
  const error = asFaasError(thrown)
  refusals.count(error.code)
  logged(error, c.req.method, c.req.path, log)
  return errorBody(error)
}

/** Without the query, which may be confidential. */
export const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] as string

/** Logs the error if necessary and returns its status. */
function logged(error: FaasError, method: string, path: string, log: Log): ContentfulStatusCode {
  const status = statusOfCode[error.code]
  const keys = { method, path, status, code: error.code, reason: error.message }
  if (status >= 500 && error.code !== 'not_supported')
    log.error({ ...keys, err: error.cause ?? error }, 'request failed')
  else log.debug(keys, 'request refused')
  return status
}

const errorSchema = z
  .object({
    faultcode: z.enum(['Client', 'Server']),
    faultstring: z.string().openapi({ description: 'What is wrong and what to do.' }),
    debuginfo: z.null(),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode]),
    limit: z
      .object({
        name: z.string(),
        of: z.enum(['function', 'project', 'webhook', 'address']),
        value: z.number(),
        used: z.number().nullable(),
      })
      .optional()
      .openapi({ description: 'With limit_reached: which limit, whose, and how much of it is used.' }),
  })
  .openapi('Error')

/** Lists a route's errors for /openapi.json: by status, with the codes. */
export function refusalAnswers(about: { refusals?: ErrorCode[]; public?: unknown }): RouteConfig['responses'] {
  const codes: ErrorCode[] = [...(about.public ? [] : ['unauthenticated' as const]), ...(about.refusals ?? [])]
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...codes, 'internal' as const]) {
    byStatus.set(statusOfCode[code], [...(byStatus.get(statusOfCode[code]) ?? []), code])
  }
  const answers: RouteConfig['responses'] = {}
  for (const [status, ofStatus] of byStatus) {
    answers[status] = {
      description: ofStatus.join(' or '),
      content: { 'application/json': { schema: errorSchema } },
    }
  }
  return answers
}
