/** The destination of a request, from its first line and headers. Pure. */

/** Matches a path with a segment of one or two dots, also percent-encoded. */
const hasDotSegment = /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i

/**
 * Path and query of a request's target with dot segments resolved. All routes read this URL, so none takes another path than the
 * one that was checked before. The absolute form (`GET http://host/path`) loses scheme and host.
 */
export function routedUrl(target: string): string {
  if (target.startsWith('/')) return hasDotSegment.test(target) ? pathAndQuery(`http://localhost${target}`) : target
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? pathAndQuery(target) : target
}

function pathAndQuery(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** The host of the absolute form, which has priority over the Host header (RFC 9112, 3.2.2). */
export const hostOfTarget = (target: string): string | undefined =>
  target.startsWith('/') || !URL.canParse(target) ? undefined : new URL(target).host || undefined

/** The part of the caller's URL before the server's own paths. */
export interface ExternalUrl {
  /** Scheme and host, without a trailing slash. */
  origin: string
  /** Prefix that a proxy adds: empty, or with a leading slash and without a trailing one. */
  prefix: string
}

type Header = (name: string) => string | undefined

/** A proxy's headers for scheme, host and prefix are used only when the operator trusts the proxy. */
export function externalUrlOf(own: { scheme: string; host: string }, header: Header, trustProxy: boolean): ExternalUrl {
  if (!trustProxy) return { origin: `${own.scheme}://${own.host}`, prefix: '' }
  const scheme = forwarded(header, 'proto') ?? own.scheme
  const host = forwarded(header, 'host') ?? own.host
  const prefix = (first(header('x-forwarded-prefix')) ?? '').replace(/^\/*/, '/').replace(/\/+$/, '')
  return { origin: `${scheme}://${host}`, prefix }
}

function forwarded(header: Header, part: 'proto' | 'host'): string | undefined {
  const standard = header('forwarded')
  const match = standard && new RegExp(`(?:^|[;,\\s])${part}="?([^";,]+)"?`, 'i').exec(standard)
  return match?.[1] ?? first(header(`x-forwarded-${part}`))
}

const first = (list: string | undefined): string | undefined => list?.split(',')[0]?.trim() || undefined
