import { isAscii, isUtf8 } from 'node:buffer'
import { invalid } from './errors.ts'
import { factsOf, type Signature } from './signature.ts'
import type { CallInput } from './worker.ts'

const none: CallInput = { kind: 'none', body: Buffer.alloc(0) }

/**
 * The input of an execution as the contract reads it (section 7.3): text that is a JSON object is that object, anything
 * else is plain text, nothing is nothing. Signatures whose JSON is `any` get every JSON value as a value.
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

/** How an input is kept and shown: JSON and plain text as they came, bytes as base64, nothing as null. */
export function inputAsText(input: CallInput): string | null {
  if (input.kind === 'none') return null
  return input.kind === 'bytes' ? input.body.toString('base64') : (input.text ?? input.body.toString('utf8'))
}

/** The input again, from how it was kept. */
export function inputFromRecord(kind: CallInput['kind'], text: string | null): CallInput {
  if (kind === 'none' || text === null) return none
  return { kind, body: Buffer.from(text, kind === 'bytes' ? 'base64' : 'utf8') }
}

/** The input of what is given the whole request: the bytes of its body as they came. */
export const inputOfRequest = (body: Buffer): CallInput => (body.length === 0 ? none : { kind: 'bytes', body })

/**
 * The body of `ANY /fn/{name}` as an input: JSON when it is JSON, else text when it is text, else bytes. What is not valid
 * UTF-8, or says that it is written in something else, is bytes: no byte of it is changed.
 */
export function inputFromBody(body: Buffer, contentType: string | undefined, signature: Signature): CallInput {
  if (body.length === 0) return none
  const type = contentType === undefined ? '' : (contentType.split(';', 1)[0] as string).trim().toLowerCase()
  const saysJson = type === 'application/json' || type.endsWith('+json')
  if ((!saysJson && isBinary(type)) || !isReadable(body, contentType)) return { kind: 'bytes', body }
  const text = body.toString('utf8')
  if (text.startsWith(byteOrderMark)) {
    const marked = text.slice(1)
    // JSON has no such mark (RFC 8259, 8.1), and who writes one means the same; in text it is a character.
    if (kindOf(marked, signature) !== 'text') return inputFromBody(body.subarray(3), contentType, signature)
  }
  const inputKind = kindOf(text, signature)
  if (saysJson && inputKind === 'text' && factsOf(signature).json === 'any')
    throw invalid('The body is not valid JSON, although its Content-Type says so.')
  return inputKind === 'none' ? none : { kind: inputKind, body, text }
}

const byteOrderMark = '\ufeff'

/** Decoding it as UTF-8 and encoding it again gives the same bytes, and they mean what the sender says. */
function isReadable(body: Buffer, contentType: string | undefined): boolean {
  const charset = contentType?.includes('charset') ? /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1] : undefined
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return isUtf8(body)
  return !/^utf-?(16|32)/i.test(charset) && isAscii(body)
}

/** curl names a form for whatever it sends: that is looked at as text. */
const isBinary = (type: string): boolean =>
  type !== '' && !type.startsWith('text/') && type !== 'application/x-www-form-urlencoded'
