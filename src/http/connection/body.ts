import { isUtf8 } from 'node:buffer'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { mediaTypeOf } from '../../domain/runs/input.ts'
import type { Ctx } from '../request-context.ts'
import { unpacked } from './content-encoding.ts'

export { mediaTypeOf }

const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data']

/** The media type of the body in lower case, without parameters; empty when there is none. */
export function mediaType(c: Ctx): string {
  return mediaTypeOf(c.req.header('Content-Type'))
}

/** Reads and decompresses the whole body, up to the limit. Throws FaasError like `Bodies.read` and `unpacked`. */
export async function readBytes(c: Ctx, maxBytes: number): Promise<Buffer> {
  const { incoming, outgoing } = c.env
  const who = c.get('who') as Principal | undefined
  const limits = { maxBytes, isKnown: who !== undefined, projectId: who?.projectId }
  const body = await c.get('bodies').read(incoming, outgoing, limits)
  return unpacked(body, incoming.headers['content-encoding'], maxBytes)
}

/** The JSON object of a request by the rules of the contract: 400 for anything else, 415 for another media type. */
export async function readObject(c: Ctx, maxBytes: number): Promise<Record<string, unknown>> {
  refuseMediaType(mediaType(c))
  return parseObject(jsonText(await readBytes(c, maxBytes)))
}

export function refuseMediaType(type: string): void {
  if (formTypes.includes(type)) throw invalid('Send a JSON object with Content-Type: application/json, not a form.')
  if (type !== '' && type !== 'application/json') {
    throw new FaasError('unsupported_media_type', `Send Content-Type: application/json, not ${type}.`)
  }
}

const byteOrderMark = '\ufeff'

/** JSON is UTF-8; a byte order mark in front is ignored (RFC 8259, 8.1). */
export function jsonText(body: Buffer): string {
  const text = body.toString('utf8')
  if (text.length !== body.length && !isUtf8(body)) throw invalid('The body is not valid UTF-8, as JSON must be.')
  return text.startsWith(byteOrderMark) ? text.slice(1) : text
}

export function parseObject(body: string): Record<string, unknown> {
  if (body.trim() === '') throw invalid('The body is missing: send a JSON object.')
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw invalid('The body is not valid JSON: send a JSON object.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('The body must be a JSON object.')
  }
  return value as Record<string, unknown>
}
