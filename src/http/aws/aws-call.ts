import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../domain/platform/principal.ts'
import { AwsError } from './aws-error.ts'

/** A call of an operation, authenticated and with its body read. */
export interface AwsCall {
  who: Principal
  /** The caller's region, which is part of ARNs. */
  region: string
  /** Path parameters, decoded. */
  params: string[]
  query: URLSearchParams
  body: Buffer
  incoming: IncomingMessage
  outgoing: ServerResponse
  requestId: string
}

/** Absent: the operation has already sent the response. */
export interface AwsAnswer {
  status: number
  json?: unknown
}

export type Operation = (call: AwsCall) => AwsAnswer | undefined | Promise<AwsAnswer | undefined>

/** The JSON object of a request; an empty body is an empty object. Throws AwsError. */
export function objectIn(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw new AwsError(
      400,
      'InvalidRequestContentException',
      'Could not parse request body into json: it is not valid JSON.',
    )
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new AwsError(400, 'InvalidRequestContentException', 'The request body must be a JSON object.')
}

export const param = ({ params }: AwsCall, at = 0): string => params[at] as string
