import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../domain/platform/principal.ts'
import { whiskBadRequest } from './whisk-error.ts'

/** A call of the API, authenticated and with its body read. */
export interface WhiskCall {
  who: Principal
  /** Name of an entity, with its package if it has one; empty when the path names none. */
  name: string
  query: URLSearchParams
  body: Buffer
  incoming: IncomingMessage
  outgoing: ServerResponse
}

export interface WhiskAnswer {
  status: number
  /** Absent: no body. */
  json?: unknown
  headers?: Record<string, string>
}

export type Operation = (call: WhiskCall) => WhiskAnswer | Promise<WhiskAnswer>

export type WhiskBody = Record<string, unknown>

/** The JSON object of a request; an empty body is an empty object. Throws WhiskError. */
export function objectIn(body: Buffer): WhiskBody {
  const value = body.length === 0 ? {} : parsed(body)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as WhiskBody
  throw whiskBadRequest('The request content was malformed: it must be a JSON object.')
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw whiskBadRequest(`The request content was malformed: ${(error as Error).message}`)
  }
}

/** A number of the query from `least` to `most`. Throws WhiskError. */
export function numberIn(query: URLSearchParams, name: string, usual: number, least: number, most: number): number {
  const text = query.get(name)
  if (text === null || text === '') return usual
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw whiskBadRequest(
    `The query parameter '${name}' is ${JSON.stringify(text)}: it must be from ${least} to ${most}.`,
  )
}

const mostListed = 200
const usuallyListed = 30

/** The page of a list that `limit` and `skip` select; a limit of 0 means the maximum. */
export function pageOf(query: URLSearchParams): { limit: number; skip: number } {
  const limit = numberIn(query, 'limit', usuallyListed, 0, mostListed)
  return { limit: limit === 0 ? mostListed : limit, skip: numberIn(query, 'skip', 0, 0, Number.MAX_SAFE_INTEGER) }
}
