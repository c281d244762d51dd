/**
 * Detects cross-site requests. Open mode has no token that another site's page could not send, so the only evidence is what a
 * browser says about the page, and the host that it believes to talk to. Pure.
 */

export interface AllowedOrigins {
  /** Host names of this server, without port; loopback and its own addresses are always included. */
  hosts: readonly string[]
  /** Origins that may call anyway. */
  origins: readonly string[]
}

export interface RequestOrigin {
  /** The Host header. */
  host: string | undefined
  origin: string | undefined
  /** Sec-Fetch-Site, Sec-Fetch-Mode and the method. */
  site: string | undefined
  mode: string | undefined
  method: string
}

/**
 * Whether the host is ours: one of our names, or an address. Other names are refused because their owner can point them at this
 * server (DNS rebinding).
 */
export function isOurHost(host: string | undefined, { hosts }: AllowedOrigins): boolean {
  const name = hostName(host)
  return name !== null && (isLoopback(name) || isAddress(name) || hosts.includes(name))
}

/** Whether the browser says that another site's page sent the request. Programs other than browsers do not send these headers. */
export function isCrossSite({ host, origin, site, mode, method }: RequestOrigin, { origins }: AllowedOrigins): boolean {
  if (origin !== undefined && (origins.includes(origin) || origins.includes('*'))) return false
  if (origin !== undefined && !isSameOrigin(origin, host)) return true
  // A link that a person follows reads a page; the other site does not see the content.
  if (mode === 'navigate' && method === 'GET') return false
  return site === 'cross-site' || site === 'same-site'
}

/** `Host` without port, in lower case; null: invalid. */
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
