import type { Signature } from './function.ts'
import type { CallInput } from './worker.ts'

const none: CallInput = { kind: 'none', body: Buffer.alloc(0) }

/**
 * The input of an execution as the contract reads it (section 7.3): text that is a JSON object is that object, anything
 * else is plain text, nothing is nothing. Functions with another signature than `qinling` get every JSON value as a value.
 */
export function inputFromText(text: string | null | undefined, signature: Signature): CallInput {
  if (text === null || text === undefined || text === '') return none
  const value = parseJson(text)
  if (value === null) return none
  const isObject = typeof value === 'object' && !Array.isArray(value)
  const kind = isObject || (value !== undefined && signature !== 'qinling') ? 'json' : 'text'
  return { kind, body: Buffer.from(text) }
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
  return input.kind === 'bytes' ? input.body.toString('base64') : input.body.toString('utf8')
}

/** The input again, from how it was kept. */
export function inputFromRecord(kind: CallInput['kind'], text: string | null): CallInput {
  if (kind === 'none' || text === null) return none
  return { kind, body: Buffer.from(text, kind === 'bytes' ? 'base64' : 'utf8') }
}
