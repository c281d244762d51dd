/** Who may call a function from outside, and at which host. Rules without lookups. */

/** `token`: holders of a token of its project. `public`: everybody. */
export type Access = 'token' | 'public'

/** The pages of other origins that may call a function; null allows whatever the page requests. */
export interface FunctionCors {
  /** Exact origins, such as `https://shop.example.org`, or `*`. */
  origins: string[]
  methods: string[] | null
  headers: string[] | null
  credentials: boolean
}

/** A DNS name with at least one dot, in lower case: no address, no wildcard, no local name. */
export function isHostName(text: string): boolean {
  if (text.length > 253 || !/^[a-z0-9.-]+$/.test(text)) return false
  const labels = text.split('.')
  if (labels.length < 2 || labels.at(-1) === 'localhost' || /^\d+$/.test(labels.at(-1) as string)) return false
  return labels.every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
}

/** `*.example.org` matches one or more labels in front; other patterns match themselves. */
export const matchesHost = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : pattern === host

/** Scheme and host without a path, or `*`. */
export function isOrigin(text: string): boolean {
  if (text === '*') return true
  return text.length <= 300 && URL.canParse(text) && new URL(text).origin === text
}

export const isHttpToken = (text: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/.test(text)
