/** Who may call a function from outside, and where it is found: rules without looking anything up. */

/** `token`: holders of a token of its project. `public`: everybody. */
export type Access = 'token' | 'public'

/** Which pages of other origins may call a function; what is null is whatever the page asks for. */
export interface FunctionCors {
  /** Exact origins, such as `https://shop.example.org`, or `*`. */
  origins: string[]
  methods: string[] | null
  headers: string[] | null
  credentials: boolean
}

/** A name in DNS with at least one dot, in lower case: no address, no wildcard, nothing local. */
export function isHostName(text: string): boolean {
  if (text.length > 253 || !/^[a-z0-9.-]+$/.test(text)) return false
  const labels = text.split('.')
  if (labels.length < 2 || labels.at(-1) === 'localhost' || /^\d+$/.test(labels.at(-1) as string)) return false
  return labels.every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
}

/** `*.example.org` fits one label or more before it; anything else fits itself. */
export const fitsHost = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : pattern === host

/** Scheme and host with nothing behind, or `*`. */
export function isOrigin(text: string): boolean {
  if (text === '*') return true
  return text.length <= 300 && URL.canParse(text) && new URL(text).origin === text
}

export const isToken = (text: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/.test(text)
