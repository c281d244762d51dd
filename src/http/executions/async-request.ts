import type { IncomingHttpHeaders } from 'node:http'
import { invalid } from '../../domain/errors.ts'

/** Headers that request an accepted (queued) run, and how long the caller waits for it. */
export interface AsyncRequest {
  /** How long the caller waits, in ms; null: until the end. */
  waitMs: number | null
  /** Idempotency key: a repeated request gets the first response. */
  key: string | undefined
  /** The applied part of `Prefer`, for the response header. */
  applied: string | null
  /** True for callers of Fission's router, who get its 202 response. */
  isFission?: true
  /** True for callers of OpenFaaS's gateway, who get its 202 response. */
  isOpenFaas?: true
}

const longestKey = 255
const longestWaitSeconds = 3600

/** Undefined for requests without such headers, which are almost all. */
export function asyncRequestIn(headers: IncomingHttpHeaders): AsyncRequest | undefined {
  const { prefer } = headers
  const key = headers['idempotency-key'] as string | undefined
  if (prefer === undefined && key === undefined) return undefined
  const preference = prefer === undefined ? null : preferenceIn(String(prefer))
  if (preference === null && key === undefined) return undefined
  return {
    waitMs: preference?.waitMs ?? null,
    key: key === undefined ? key : checked(key),
    applied: preference?.applied ?? null,
  }
}

/** The equivalent header of Fission's router. */
export const asyncRequestOfFission = (headers: IncomingHttpHeaders): AsyncRequest | undefined =>
  headers['x-fission-invoke-mode'] === 'async'
    ? { waitMs: 0, key: undefined, applied: null, isFission: true }
    : undefined

/** The response is stored as it is, because it may be posted to the caller's callback URL. */
export const asyncRequestOfOpenFaas = (key: string): AsyncRequest => ({
  waitMs: 0,
  key,
  applied: null,
  isOpenFaas: true,
})

/** RFC 7240: `wait` gives a time, `respond-async` alone means 0; other preferences are ignored. */
function preferenceIn(prefer: string): { waitMs: number; applied: string } | null {
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])/i.exec(prefer)?.[1]
  if (wait !== undefined) return { waitMs: Math.min(Number(wait), longestWaitSeconds) * 1000, applied: `wait=${wait}` }
  return /(?:^|[,;])\s*respond-async\s*(?=$|[,;])/i.test(prefer) ? { waitMs: 0, applied: 'respond-async' } : null
}

function checked(key: string): string {
  // A structured string (RFC 8941) is the text between the quotes.
  const text = /^"(.*)"$/.exec(key.trim())?.[1] ?? key.trim()
  if (text === '' || text.length > longestKey) {
    throw invalid(`The header Idempotency-Key must have 1 to ${longestKey} characters.`)
  }
  return text
}
