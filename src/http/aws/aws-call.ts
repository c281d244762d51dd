import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../domain/principal.ts'
import { AwsError } from './aws-error.ts'

/** A call of an operation, let in and read. */
export interface AwsCall {
  who: Principal
  /** As the caller says it: ARNs name it. */
  region: string
  /** Parameters of the path, decoded. */
  params: string[]
  query: URLSearchParams
  body: Buffer
  incoming: IncomingMessage
  outgoing: ServerResponse
  requestId: string
}

/** Absent: the operation has answered itself. */
export interface AwsAnswer {
  status: number
  json?: unknown
}

export type Operation = (call: AwsCall) => AwsAnswer | undefined | Promise<AwsAnswer | undefined>

/** The JSON object of a request; nothing is an empty one. Throws AwsError. */
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
