import type { IncomingHttpHeaders } from 'node:http'
import { invalid } from '../../domain/errors.ts'
import type { Signature } from '../../domain/functions/signature.ts'
import type { CallInput } from '../../domain/platform/worker.ts'
import { inputFromBody } from '../../domain/runs/input.ts'

/** CloudEvents over HTTP: in headers (binary), as one JSON object (structured), or as an array of those (batched). */

export interface ReceivedEvent {
  /** Attributes and extensions by name. */
  attributes: Record<string, string>
  input: CallInput
}

/** Limit of events in a request: each becomes a run in the queue. */
const mostInBatch = 100
const versions = ['1.0', '0.3']
const required = ['id', 'source', 'type'] as const
const attributeName = /^[a-z0-9]{1,20}$/
const none: CallInput = { kind: 'none', body: Buffer.alloc(0) }

/** Undefined: the request is no CloudEvent. */
export function modeOf(headers: IncomingHttpHeaders): 'binary' | 'structured' | 'batched' | undefined {
  const type = headers['content-type']
  if (type?.startsWith('application/cloudevents')) {
    if (/^application\/cloudevents-batch\+json\s*(;|$)/i.test(type)) return 'batched'
    if (/^application\/cloudevents\+json\s*(;|$)/i.test(type)) return 'structured'
    throw invalid('Send events as application/cloudevents+json, -batch+json, or in the binary mode: with ce- headers.')
  }
  return headers['ce-specversion'] === undefined ? undefined : 'binary'
}

/** Throws FaasError `invalid_request` for an invalid event. */
export function eventsIn(
  mode: 'binary' | 'structured' | 'batched',
  headers: IncomingHttpHeaders,
  body: Buffer,
  signature: Signature,
): ReceivedEvent[] {
  if (mode === 'binary') return [binaryEvent(headers, body, signature)]
  const value = jsonIn(body)
  if (mode === 'structured') return [structuredEvent(value, signature)]
  if (!Array.isArray(value)) throw invalid('A batch of events must be a JSON array.')
  if (value.length > mostInBatch) {
    throw invalid(`The batch has ${value.length} events; at most ${mostInBatch} are allowed.`)
  }
  return value.map((one) => structuredEvent(one, signature))
}

/** The headers of the binary mode, which a function gets in addition to the data. */
export const eventHeaders = ({ attributes }: ReceivedEvent): [string, string][] =>
  Object.entries(attributes).map(([name, value]) => [name === 'datacontenttype' ? 'content-type' : `ce-${name}`, value])

function binaryEvent(headers: IncomingHttpHeaders, body: Buffer, signature: Signature): ReceivedEvent {
  const attributes: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-')) attributes[name.slice(3)] = decoded(String(value))
  }
  const type = headers['content-type']
  if (type !== undefined) attributes.datacontenttype = type
  return { attributes: checked(attributes), input: inputFromBody(body, type, signature) }
}

function structuredEvent(value: unknown, signature: Signature): ReceivedEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('An event must be a JSON object.')
  const { data, data_base64, datacontentencoding, ...rest } = value as Record<string, unknown>
  const attributes: Record<string, string> = {}
  for (const [name, one] of Object.entries(rest)) {
    if (one === null) continue
    if (typeof one === 'object')
      throw invalid(`The attribute ${JSON.stringify(name)} of the event must be a plain value.`)
    attributes[name] = String(one)
  }
  const base64 = datacontentencoding === 'base64' ? data : data_base64
  return { attributes: checked(attributes), input: inputOf(data, base64, attributes.datacontenttype, signature) }
}

function inputOf(data: unknown, base64: unknown, type: string | undefined, signature: Signature): CallInput {
  if (base64 !== undefined && base64 !== null) {
    if (typeof base64 !== 'string') throw invalid('"data_base64" of an event must be a string.')
    return inputFromBody(Buffer.from(base64, 'base64'), type, signature)
  }
  if (data === undefined) return none
  const isJson = type === undefined || /^[^;]*[/+]json\s*(;|$)/i.test(type)
  if (!isJson && typeof data === 'string') return inputFromBody(Buffer.from(data), type, signature)
  return inputFromBody(Buffer.from(JSON.stringify(data)), 'application/json', signature)
}

function checked(attributes: Record<string, string>): Record<string, string> {
  const version = attributes.specversion
  if (version === undefined || !versions.includes(version)) {
    throw invalid(
      `The event has the specversion ${JSON.stringify(version ?? null)}; ${versions.join(' and ')} are supported.`,
    )
  }
  const missing = required.find((name) => (attributes[name] ?? '') === '')
  if (missing !== undefined) throw invalid(`The event has no ${missing}.`)
  const odd = Object.keys(attributes).find((name) => !attributeName.test(name))
  if (odd !== undefined)
    throw invalid(`${JSON.stringify(odd)} is not the name of an attribute: use lower-case letters and digits.`)
  return attributes
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw invalid('The event is not valid JSON.')
  }
}

/** The HTTP binding uses percent-encoding and allows quotes. */
function decoded(value: string): string {
  const bare = /^"(.*)"$/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? value
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}
