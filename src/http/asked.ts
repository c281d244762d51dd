import type { IncomingHttpHeaders } from 'node:http'
import { invalid } from '../domain/errors.ts'

/** What headers ask of a run beside the run: that it is accepted first, and how long the caller waits then. */
export interface Asked {
  /** Milliseconds that the caller waits for the end; null: as long as it takes. */
  waitMs: number | null
  /** The same again is answered as the first time. */
  key: string | undefined
  /** Part of `Prefer` that was obeyed, for the answer. */
  applied: string | null
  /** Callers of Fission's router are told in its words that their run was accepted. */
  isFission?: true
  /** Those of OpenFaaS's gateway, too. */
  isOpenFaas?: true
}

const longestKey = 255
const longestWaitSeconds = 3600

/** Undefined: nothing is asked, which is what almost every call does. */
export function askedIn(headers: IncomingHttpHeaders): Asked | undefined {
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

/** What Fission's router takes for that. */
export const askedOfFission = (headers: IncomingHttpHeaders): Asked | undefined =>
  headers['x-fission-invoke-mode'] === 'async'
    ? { waitMs: 0, key: undefined, applied: null, isFission: true }
    : undefined

/** The answer is kept as it was: it may be posted to whom the caller names. */
export const askedOfOpenFaas = (key: string): Asked => ({ waitMs: 0, key, applied: null, isOpenFaas: true })

/** RFC 7240: `wait` says how long, `respond-async` alone not at all; other preferences are nobody's here. */
function preferenceIn(prefer: string): { waitMs: number; applied: string } | null {
  const wait = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])/i.exec(prefer)?.[1]
  if (wait !== undefined) return { waitMs: Math.min(Number(wait), longestWaitSeconds) * 1000, applied: `wait=${wait}` }
  return /(?:^|[,;])\s*respond-async\s*(?=$|[,;])/i.test(prefer) ? { waitMs: 0, applied: 'respond-async' } : null
}

function checked(key: string): string {
  // A structured string (RFC 8941) is the text between its quotes.
  const text = /^"(.*)"$/.exec(key.trim())?.[1] ?? key.trim()
  if (text === '' || text.length > longestKey) {
    throw invalid(`The header Idempotency-Key must have 1 to ${longestKey} characters.`)
  }
  return text
}
