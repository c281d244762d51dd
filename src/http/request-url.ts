/** Where a request goes, read from its first line and headers: pure. */

/** A path with a segment that is one or two dots, also encoded. */
const hasDotSegment = /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i

/**
 * Path and query of a request's target, with dot segments resolved: the one URL that every route reads, so that none takes
 * another path than the one before it checked. The absolute form (`GET http://host/path`) loses its scheme and host.
 */
export function routedUrl(target: string): string {
  if (target.startsWith('/')) return hasDotSegment.test(target) ? pathAndQuery(`http://localhost${target}`) : target
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? pathAndQuery(target) : target
}

function pathAndQuery(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** The host that the absolute form names, which counts more than the Host header (RFC 9112, 3.2.2). */
export const hostOfTarget = (target: string): string | undefined =>
  target.startsWith('/') || !URL.canParse(target) ? undefined : new URL(target).host || undefined

/** What stands before the server's own paths in the URL that the caller wrote. */
export interface Outside {
  /** Scheme and host, without a slash at the end. */
  origin: string
  /** Path below which a proxy shows the server: empty, or with a slash at its start and none at its end. */
  prefix: string
}

type Header = (name: string) => string | undefined

/** What a proxy says about scheme, host and prefix is believed only when the operator says so. */
export function outsideOf(own: { scheme: string; host: string }, header: Header, trustProxy: boolean): Outside {
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
