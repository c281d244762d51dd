import { isUtf8 } from 'node:buffer'
import { invalid } from '../../domain/errors.ts'
import type { CallInput } from '../../domain/platform/worker.ts'
import { mediaTypeOf } from '../connection/body.ts'
import { parseMultipart } from '../connection/multipart.ts'

/** Limit of fields, more than any human's form has; each costs time. */
const maxFields = 1000

/**
 * The input of a webhook's call (contract, section 9): one object with the query and the members of a JSON object or the fields
 * of a form. A repeated field becomes an array; a JSON member wins over the query, and JSON keeps its spelling: numbers and the
 * order of keys. Files, other media types and unreadable bodies are left out.
 */
export function webhookInput(query: URLSearchParams, contentType: string | undefined, body: Buffer): CallInput {
  const type = mediaTypeOf(contentType)
  const isJson = type === 'application/json' || type.endsWith('+json')
  const text = isJson ? objectText(body) : null
  if (text !== null && query.size === 0) return { kind: 'json', body: Buffer.from(text), text }
  const fields = gathered(query, isJson ? [] : formFields(type, contentType, body))
  const joined = text === null ? objectOf(fields) : withMembers(fields, text)
  return { kind: 'json', body: Buffer.from(joined), text: joined }
}

function gathered(query: URLSearchParams, form: Iterable<[string, string]>): Map<string, string | string[]> {
  const found = new Map<string, string | string[]>()
  let count = 0
  for (const fields of [query, form]) {
    for (const [name, value] of fields) {
      if (++count > maxFields) throw invalid(`The call has more than ${maxFields} fields.`)
      const before = found.get(name)
      if (before === undefined) found.set(name, value)
      else if (Array.isArray(before)) before.push(value)
      else found.set(name, [before, value])
    }
  }
  return found
}

/** The text of a body that is a JSON object; null: it is something else. */
function objectText(body: Buffer): string | null {
  if (!isUtf8(body)) return null
  const text = body.toString('utf8').replace(/^\ufeff/, '')
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? text : null
  } catch {
    return null
  }
}

/** Inserts the fields that the object does not have before its own members, which keep their spelling. */
function withMembers(fields: Map<string, unknown>, text: string): string {
  const members = JSON.parse(text) as object
  const ours = objectOf([...fields].filter(([name]) => !Object.hasOwn(members, name))).slice(1, -1)
  const theirs = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}'))
  return `{${ours}${ours !== '' && theirs.trim() !== '' ? ',' : ''}${theirs}}`
}

/** Written as text, because a JavaScript object would move numeric names to the front. */
const objectOf = (fields: Iterable<[string, unknown]>): string =>
  `{${[...fields].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`

function formFields(type: string, contentType = '', body: Buffer): [string, string][] {
  if (type === 'application/x-www-form-urlencoded') return urlencoded(body)
  if (type !== 'multipart/form-data') return []
  try {
    const parts = parseMultipart(body, contentType).filter(({ isFile }) => !isFile)
    return parts.map(({ name, body: value }) => [name, value.toString('utf8')])
  } catch {
    return []
  }
}

/** Fields are counted before they are decoded. */
function urlencoded(body: Buffer): [string, string][] {
  let at = -1
  for (let count = 0; count <= maxFields; count++) {
    at = body.indexOf('&', at + 1)
    if (at === -1) return [...new URLSearchParams(body.toString('utf8'))]
  }
  throw invalid(`The call has more than ${maxFields} fields.`)
}
