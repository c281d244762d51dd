/**
 * Whether a request comes from where it seems to. In open mode there is no token that a page of another site could not
 * send: what a browser says of the page, and the host that it believes to talk to, are all there is. Pure.
 */

export interface Door {
  /** Hosts, without port, that this server is called by; loopback and its own addresses need no mention. */
  hosts: readonly string[]
  /** Origins that may call anyway. */
  origins: readonly string[]
}

export interface Visit {
  /** The Host header. */
  host: string | undefined
  origin: string | undefined
  /** Sec-Fetch-Site, Sec-Fetch-Mode and the method. */
  site: string | undefined
  mode: string | undefined
  method: string
}

/** A name that its owner may let point here at any moment (DNS rebinding), or one of ours. An address is what it is. */
export function isOurHost(host: string | undefined, { hosts }: Door): boolean {
  const name = hostName(host)
  return name !== null && (isLoopback(name) || isAddress(name) || hosts.includes(name))
}

/** The browser says that a page of another site asks. Programs that are no browser say nothing. */
export function isFromElsewhere({ host, origin, site, mode, method }: Visit, { origins }: Door): boolean {
  if (origin !== undefined && (origins.includes(origin) || origins.includes('*'))) return false
  if (origin !== undefined && !isSameOrigin(origin, host)) return true
  // A link that a person follows reads a page; what it reads, the other site does not see.
  if (mode === 'navigate' && method === 'GET') return false
  return site === 'cross-site' || site === 'same-site'
}

/** `Host` without port, in lower case; null: it is none. */
export function hostName(host: string | undefined): string | null {
  const match = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host ?? '')
  return match === null ? null : (match[1] as string).toLowerCase().replace(/\.$/, '')
}

export const isLoopback = (name: string): boolean =>
  name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)

const isAddress = (name: string): boolean => name.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(name)

function isSameOrigin(origin: string, host: string | undefined): boolean {
  const end = origin.indexOf('://')
  return end !== -1 && origin.slice(end + 3).toLowerCase() === host?.toLowerCase()
}
