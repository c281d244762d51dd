import type { CallInput } from '../domain/worker.ts'
import { mediaType } from './body.ts'
import type { Ctx } from './endpoint.ts'

/**
 * What the call of a webhook says (contract, section 9): one object of the query and the members of a JSON object or the
 * fields of a form. A repeated field becomes an array; a JSON member wins over the query. Files, other media types and what
 * cannot be read are left out.
 */
export async function webhookInput(c: Ctx, body: Buffer): Promise<CallInput> {
  const type = mediaType(c)
  const query = new URL(c.req.raw.url).searchParams
  const isJson = type === 'application/json' || type.endsWith('+json')
  const members = isJson ? jsonMembers(body) : null
  if (members !== null && query.size === 0) return { kind: 'json', body }
  const fields = isJson ? [...query] : [...query, ...(await formFields(c, type, body))]
  const all = new Map([...gathered(fields), ...Object.entries(members ?? {})])
  return { kind: 'json', body: Buffer.from(JSON.stringify(Object.fromEntries(all))) }
}

function gathered(fields: [string, string][]): Map<string, string | string[]> {
  const found = new Map<string, string | string[]>()
  for (const [name, value] of fields) {
    const before = found.get(name)
    found.set(name, before === undefined ? value : [before, value].flat())
  }
  return found
}

function jsonMembers(body: Buffer): object | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

async function formFields(c: Ctx, type: string, body: Buffer): Promise<[string, string][]> {
  if (type === 'application/x-www-form-urlencoded') return [...new URLSearchParams(body.toString('utf8'))]
  if (type !== 'multipart/form-data') return []
  const headers = { 'Content-Type': c.req.header('Content-Type') as string }
  const form = await new Response(new Uint8Array(body), { headers }).formData().catch(() => new FormData())
  return [...form].filter((entry): entry is [string, string] => typeof entry[1] === 'string')
}
