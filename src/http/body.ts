import { FaasError, invalid } from '../domain/errors.ts'
import type { Ctx } from './endpoint.ts'

const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data']

/** The media type of the body in lower case, without parameters; empty when none is named. */
export function mediaType(c: Ctx): string {
  return mediaTypeOf(c.req.header('Content-Type'))
}

export function mediaTypeOf(header = ''): string {
  if (header === 'application/json') return header
  const end = header.indexOf(';')
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase()
}

/** The whole body, read up to the limit and no further. Throws FaasError `too_large`. */
export async function readBytes(c: Ctx, maxBytes: number): Promise<Buffer> {
  const announced = c.req.header('Content-Length')
  if (announced === undefined) return readStream(c.req.raw.body, maxBytes)
  if (Number(announced) > maxBytes) throw tooLarge(maxBytes)
  return Buffer.from(await c.req.arrayBuffer())
}

/** The JSON object of a request, by the rules of the contract: 400 for what is not one, 415 for another media type. */
export async function readObject(c: Ctx, maxBytes: number): Promise<Record<string, unknown>> {
  refuseOtherThanJson(c)
  return parseObject((await readBytes(c, maxBytes)).toString('utf8'))
}

export function refuseOtherThanJson(c: Ctx): void {
  refuseMediaType(mediaType(c))
}

export function refuseMediaType(type: string): void {
  if (formTypes.includes(type)) throw invalid('Send a JSON object with Content-Type: application/json, not a form.')
  if (type !== '' && type !== 'application/json') {
    throw new FaasError('unsupported_media_type', `Send Content-Type: application/json, not ${type}.`)
  }
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

async function readStream(stream: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export const tooLarge = (maxBytes: number): FaasError =>
  new FaasError('too_large', `The body is larger than ${maxBytes} bytes, which is the most that is taken here.`)
