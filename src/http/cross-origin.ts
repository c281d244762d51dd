import type { ServerResponse } from 'node:http'

/** Which pages of other origins may call, and what a browser is told of it (Fetch standard, CORS). */

export interface CrossOrigin {
  /** Exact origins; `*`: every one. */
  origins: readonly string[]
  /** Methods and headers that a page may use; null: whichever it asks for. */
  methods: readonly string[] | null
  headers: readonly string[] | null
  /** May it send what the browser keeps for us, such as cookies. */
  credentials: boolean
}

const exposed = 'X-Execution-Id, Server-Timing'
const rememberedSeconds = '3600'

export const admits = ({ origins }: CrossOrigin, origin: string): boolean =>
  origins.includes(origin) || origins.includes('*')

/** Headers, name after value, of an answer to an origin that is admitted. */
export function answerHeaders(rule: CrossOrigin, origin: string): string[] {
  const headers = ['Access-Control-Allow-Origin', allowedOrigin(rule, origin)]
  if (rule.credentials) headers.push('Access-Control-Allow-Credentials', 'true')
  headers.push('Access-Control-Expose-Headers', exposed, 'Vary', 'Origin')
  return headers
}

/** Headers of the answer to a browser that asks beforehand. */
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

/** With credentials, browsers take no `*`. */
const allowedOrigin = ({ origins, credentials }: CrossOrigin, origin: string): string =>
  origins.includes('*') && !credentials ? '*' : origin

/** Headers of whatever will be answered. */
export function setHeaders(outgoing: ServerResponse, headers: string[]): void {
  for (let at = 0; at < headers.length; at += 2) outgoing.setHeader(headers[at] as string, headers[at + 1] as string)
}
