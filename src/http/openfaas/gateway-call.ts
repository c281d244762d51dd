import type { IncomingMessage } from 'node:http'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { type GatewayBody, namespace } from './deployment.ts'

/** A call of the gateway, authenticated and with its body read. */
export interface GatewayCall {
  who: Principal
  /** Function name in the path; empty: none. */
  name: string
  query: URLSearchParams
  given: GatewayBody
  incoming: IncomingMessage
}

export interface GatewayAnswer {
  status: number
  /** Absent: no body. */
  json?: unknown
  /** Values that are sent one per line, instead of a single value. */
  lines?: unknown[]
}

export type Operation = (call: GatewayCall) => GatewayAnswer | Promise<GatewayAnswer>

export const accepted: GatewayAnswer = { status: 202 }

/** The JSON object of a request; an empty body is an empty object. */
export function gatewayBodyIn(body: Buffer): GatewayBody {
  if (body.length === 0) return {}
  try {
    const value = JSON.parse(body.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // The error is thrown below.
  }
  throw invalid('The body must be a JSON object.')
}

/** A token belongs to one project, which is one namespace. */
export function checkNamespace({ who, query, given }: Pick<GatewayCall, 'who' | 'query' | 'given'>): void {
  const named = query.get('namespace') || given.namespace || namespace
  if (named === namespace || named === who.projectId) return
  const message = `There is no namespace ${JSON.stringify(named).slice(0, 100)}: a token is of one project, whose functions are in ${namespace}.`
  throw new FaasError('not_found', message)
}

export function textIn(given: GatewayBody, key: string): string {
  const value = given[key]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(`"${key}" must be a string.`)
}
