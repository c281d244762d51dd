import type { IncomingHttpHeaders } from 'node:http'
import { mediaTypeOf } from '../connection/body.ts'
import type { WhiskBody } from './whisk-call.ts'
import { whiskBadRequest } from './whisk-error.ts'

/** Converts the request of a web action to parameters. Pure. */

export interface WebRequest {
  method: string
  /** The path behind the action's name, with its slash; empty: none. */
  path: string
  /** The raw query without `?`. */
  query: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** Namespace of an authenticated caller. */
  user?: string | undefined
  /** True when the action wants the raw body and query. */
  isRaw: boolean
}

/** `immutable`: parameters that callers may not override. Throws WhiskError. */
export function webParams(request: WebRequest, immutable: string[] = []): WhiskBody {
  const { method, path, user } = request
  const about = {
    __ow_method: method.toLowerCase(),
    __ow_headers: headersOf(request.headers),
    __ow_path: path,
    ...(user !== undefined && { __ow_user: user }),
  }
  if (request.isRaw) return { ...about, __ow_query: request.query, __ow_body: rawBody(request) }
  const { fields, body } = readBody(request)
  const given = { ...Object.fromEntries(new URLSearchParams(request.query)), ...fields }
  const wrong = Object.keys(given).filter((name) => name.startsWith('__ow_') || immutable.includes(name))
  if (wrong.length > 0) {
    throw whiskBadRequest(
      `Request defines parameters that are not allowed (e.g., reserved properties): ${wrong.join(', ')}.`,
    )
  }
  return { ...given, ...about, ...(body !== undefined && { __ow_body: body }) }
}

function headersOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}

const jsonType = 'application/json'

function rawBody({ headers, body }: WebRequest): string {
  const type = mediaTypeOf(headers['content-type'])
  return body.toString(type === jsonType || !isText(type) ? 'base64' : 'utf8')
}

/** Fields to merge into the parameters, or the raw body; neither: the request has none. */
function readBody({ headers, body }: WebRequest): { fields?: WhiskBody; body?: unknown } {
  if (body.length === 0) return {}
  const type = mediaTypeOf(headers['content-type'])
  if (type === 'application/x-www-form-urlencoded') {
    return { fields: Object.fromEntries(new URLSearchParams(body.toString('utf8'))) }
  }
  if (type !== jsonType) return { body: body.toString(isText(type) ? 'utf8' : 'base64') }
  const value = parsed(body)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? { fields: value as WhiskBody } : { body: value }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw whiskBadRequest(`The request content was malformed: ${(error as Error).message}`)
  }
}

const isText = (type: string): boolean =>
  type.startsWith('text/') ||
  ['application/xml', 'application/javascript', 'application/x-www-form-urlencoded'].includes(type)
