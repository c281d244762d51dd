import type { ServerResponse } from 'node:http'

/** The origins whose pages may call, and the headers for browsers (Fetch standard, CORS). */

export interface CrossOrigin {
  /** Exact origins; `*` allows all. */
  origins: readonly string[]
  /** Methods and headers that a page may use; null: all that it requests. */
  methods: readonly string[] | null
  headers: readonly string[] | null
  /** Whether credentials such as cookies may be sent. */
  credentials: boolean
}

const exposed = 'X-Execution-Id, Server-Timing'
const rememberedSeconds = '3600'

export const admits = ({ origins }: CrossOrigin, origin: string): boolean =>
  origins.includes(origin) || origins.includes('*')

/** Response headers for an allowed origin, name after value. */
export function answerHeaders(rule: CrossOrigin, origin: string): string[] {
  const headers = ['Access-Control-Allow-Origin', allowedOrigin(rule, origin)]
  if (rule.credentials) headers.push('Access-Control-Allow-Credentials', 'true')
  headers.push('Access-Control-Expose-Headers', exposed, 'Vary', 'Origin')
  return headers
}

/** Response headers of a preflight request. */
export function preflightHeaders(rule: CrossOrigin, origin: string, method: string, headers = ''): string[] {
  return [
    ...answerHeaders(rule, origin),
    'Access-Control-Allow-Methods',
    rule.methods?.join(', ') ?? method,
    'Access-Control-Allow-Headers',
    rule.headers?.join(', ') ?? headers,
    'Access-Control-Max-Age',
    rememberedSeconds,
  ]
}

/** Browsers do not accept `*` together with credentials. */
const allowedOrigin = ({ origins, credentials }: CrossOrigin, origin: string): string =>
  origins.includes('*') && !credentials ? '*' : origin

/** Sets headers for any response. */
export function setHeaders(outgoing: ServerResponse, headers: string[]): void {
  for (let at = 0; at < headers.length; at += 2) outgoing.setHeader(headers[at] as string, headers[at + 1] as string)
}
