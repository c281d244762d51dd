import { isAscii, isUtf8 } from 'node:buffer'
import { invalid } from '../errors.ts'
import { factsOf, type Signature } from '../functions/signature.ts'
import type { CallInput } from '../platform/worker.ts'

const none: CallInput = { kind: 'none', body: Buffer.alloc(0) }

/**
 * The input of an execution by the contract (section 7.3): text that is a JSON object becomes that object, other text stays
 * plain, nothing stays nothing. Signatures with JSON `any` get every JSON value as a value.
 */
export function inputFromText(text: string | null | undefined, signature: Signature): CallInput {
  if (text === null || text === undefined || text === '') return none
  const kind = kindOf(text, signature)
  return kind === 'none' ? none : { kind, body: Buffer.from(text), text }
}

function kindOf(text: string, signature: Signature): 'none' | 'json' | 'text' {
  const value = parseJson(text)
  if (value === null) return 'none'
  const isObject = typeof value === 'object' && !Array.isArray(value)
  return isObject || (value !== undefined && factsOf(signature).json === 'any') ? 'json' : 'text'
}

/** The value; undefined when the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The stored and shown form of an input: JSON and plain text as they are, bytes as base64, nothing as null. */
export function inputAsText(input: CallInput): string | null {
  if (input.kind === 'none') return null
  return input.kind === 'bytes' ? input.body.toString('base64') : (input.text ?? input.body.toString('utf8'))
}

/** The input from its stored form. */
export function inputFromRecord(kind: CallInput['kind'], text: string | null): CallInput {
  if (kind === 'none' || text === null) return none
  return { kind, body: Buffer.from(text, kind === 'bytes' ? 'base64' : 'utf8') }
}

/** The input of signatures that get the whole request: the raw body. */
export const inputOfRequest = (body: Buffer): CallInput => (body.length === 0 ? none : { kind: 'bytes', body })

/**
 * The body of `ANY /fn/{name}` as an input: JSON if it is JSON, else text if it is text, else bytes. A body that is not valid
 * UTF-8, or declares another encoding, is bytes and stays unchanged.
 */
export function inputFromBody(body: Buffer, contentType: string | undefined, signature: Signature): CallInput {
  if (body.length === 0) return none
  const type = mediaTypeOf(contentType)
  const saysJson = type === 'application/json' || type.endsWith('+json')
  if ((!saysJson && isBinary(type)) || !isReadable(body, contentType)) return { kind: 'bytes', body }
  const text = body.toString('utf8')
  if (text.startsWith(byteOrderMark)) {
    const marked = text.slice(1)
    // JSON does not allow a byte order mark (RFC 8259, 8.1), so it is skipped; in text it is a character.
    if (kindOf(marked, signature) !== 'text') return inputFromBody(body.subarray(3), contentType, signature)
  }
  const inputKind = kindOf(text, signature)
  if (saysJson && inputKind === 'text' && factsOf(signature).json === 'any')
    throw invalid('The body is not valid JSON, although its Content-Type says so.')
  return inputKind === 'none' ? none : { kind: inputKind, body, text }
}

/** The media type of a Content-Type in lower case, without parameters; empty when there is none. */
export function mediaTypeOf(header = ''): string {
  if (header === 'application/json') return header
  const end = header.indexOf(';')
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase()
}

const byteOrderMark = '\ufeff'

/** True when decoding as UTF-8 is lossless and agrees with the declared type. */
function isReadable(body: Buffer, contentType: string | undefined): boolean {
  const charset = contentType?.includes('charset') ? /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1] : undefined
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return isUtf8(body)
  return !/^utf-?(16|32)/i.test(charset) && isAscii(body)
}

/** curl declares a form for whatever it sends, so that type is examined as text. */
const isBinary = (type: string): boolean =>
  type !== '' && !type.startsWith('text/') && type !== 'application/x-www-form-urlencoded'
