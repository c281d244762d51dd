import type { ServerResponse } from 'node:http'
import type { HttpHead } from '../domain/outcome.ts'

/** Headers that concern one connection, and our own token: they are passed neither to a function nor from it. */
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
 * The function's headers for the caller, without those that are the connection's or ours. What browsers may do across
 * origins is said once: by us where the function's `cors` says it, else by the function.
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
  // Headers that are set already give way to those of the same name that are written: both hold.
  if (isSaid && outgoing.hasHeader('vary')) passed.push('Vary', 'Origin')
  return passed
}

const ours: ReadonlySet<string> = new Set(['content-length', 'x-execution-id'])

/** The length that a function announces; null when it announces none, or several. */
export function announcedLength({ headers }: HttpHead): number | null {
  const [length, ...more] = headers.filter(([name]) => name.toLowerCase() === 'content-length')
  return length !== undefined && more.length === 0 && /^\d{1,15}$/.test(length[1]) ? Number(length[1]) : null
}

/** Whether an answer has a body (RFC 9110, 6.4.1): one to HEAD, and of these statuses, ends with its head. */
export const hasBody = (method: string | undefined, status: number): boolean =>
  method !== 'HEAD' && status !== 204 && status !== 304

/**
 * Content-Length of an answer without a body (RFC 9110, 8.6): 204 has none; HEAD and 304 say what GET would be answered
 * with, when the function knows, and else nothing: zero would be a lie.
 */
export function bodilessLength(head: HttpHead, bytesAtHand: number): string[] {
  if (head.status === 204) return []
  const length = announcedLength(head) ?? (bytesAtHand > 0 ? bytesAtHand : null)
  return length === null ? [] : ['Content-Length', String(length)]
}
