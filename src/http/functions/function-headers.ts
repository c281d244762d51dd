import type { ServerResponse } from 'node:http'
import type { HttpHead } from '../../domain/runs/outcome.ts'

/** Headers of a single connection, and our own token: they are passed neither to nor from a function. */
export const notPassed: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'x-auth-token',
])

/**
 * The function's response headers for the caller, without those of the connection and our own. CORS headers come from one place:
 * from us where the function has `cors`, else from the function.
 */
export function passedHeaders({ headers }: HttpHead, outgoing: ServerResponse): string[] {
  const passed: string[] = []
  const isSaid = outgoing.hasHeader('access-control-allow-origin')
  let guessesTypes = true
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (notPassed.has(lower) || ours.has(lower) || (isSaid && lower.startsWith('access-control-'))) continue
    if (lower === 'x-content-type-options') guessesTypes = false
    passed.push(name, value)
  }
  if (guessesTypes) passed.push('X-Content-Type-Options', 'nosniff')
  // A written header replaces one that is already set, so both values of Vary are combined.
  if (isSaid && outgoing.hasHeader('vary')) passed.push('Vary', 'Origin')
  return passed
}

const ours: ReadonlySet<string> = new Set(['content-length', 'x-execution-id'])

/** The Content-Length that a function sets; null when there is none, or several. */
export function announcedLength({ headers }: HttpHead): number | null {
  const [length, ...more] = headers.filter(([name]) => name.toLowerCase() === 'content-length')
  return length !== undefined && more.length === 0 && /^\d{1,15}$/.test(length[1]) ? Number(length[1]) : null
}

/** Whether a response has a body (RFC 9110, 6.4.1): responses to HEAD and with these statuses do not. */
export const hasBody = (method: string | undefined, status: number): boolean =>
  method !== 'HEAD' && status !== 204 && status !== 304

/**
 * Content-Length of a response without a body (RFC 9110, 8.6): 204 has none; for HEAD and 304 it is the length of the GET
 * response if the function sets it, and absent otherwise: zero would be wrong.
 */
export function bodilessLength(head: HttpHead, bytesAtHand: number): string[] {
  if (head.status === 204) return []
  const length = announcedLength(head) ?? (bytesAtHand > 0 ? bytesAtHand : null)
  return length === null ? [] : ['Content-Length', String(length)]
}
