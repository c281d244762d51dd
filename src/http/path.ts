import { hostName, isLoopback } from './access/same-site.ts'
import { externalUrlOf } from './connection/request-url.ts'
import type { Ctx } from './request-context.ts'
import type { HttpSettings } from './settings.ts'

/** The path as it was sent: Hono drops a trailing slash. */
export function sentPath(c: Ctx): string {
  const { url } = c.req.raw
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}

/** Scheme, host and prefix that the caller used, without a trailing slash. */
export function baseUrl(c: Ctx, trustProxy: boolean): string {
  const { url } = c.req.raw
  const [scheme, host] = url.slice(0, url.indexOf('/', url.indexOf('://') + 3)).split('://') as [string, string]
  const { origin, prefix } = externalUrlOf({ scheme, host }, (name) => c.req.header(name), trustProxy)
  return origin + prefix
}

/**
 * The same for URLs that are given to others, such as a webhook's: a Host header that anybody could forge is not used. Without
 * TAIBAI_PUBLIC_URL the result is the address at which the caller reached the server.
 */
export function publishedBaseUrl(c: Ctx, settings: HttpSettings): string {
  if (settings.publicUrl !== undefined) return settings.publicUrl.replace(/\/+$/, '')
  if (settings.trustProxy) return baseUrl(c, true)
  const { localAddress, localPort } = c.env.incoming.socket
  const name = hostName(c.env.incoming.headers.host)
  const own = localAddress?.replace(/^::ffff:/, '')
  const reached = own?.includes(':') ? `[${own}]` : own
  if (name === null || isLoopback(name) || name === settings.host.toLowerCase() || name === reached)
    return baseUrl(c, false)
  return `http://${reached ?? 'localhost'}${localPort === undefined ? '' : `:${localPort}`}`
}
