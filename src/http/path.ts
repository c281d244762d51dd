import type { Ctx } from './endpoint.ts'

/** The path as it was sent: Hono's own drops a trailing slash. */
export function sentPath(c: Ctx): string {
  const { url } = c.req.raw
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}

/**
 * Scheme, host and prefix that the caller used, without a slash at the end. What a proxy says about them is believed only
 * when the operator says so.
 */
export function baseUrl(c: Ctx, trustProxy: boolean): string {
  const { url } = c.req.raw
  const own = url.slice(0, url.indexOf('/', url.indexOf('://') + 3))
  if (!trustProxy) return own
  const [scheme, host] = own.split('://') as [string, string]
  const proto = forwarded(c, 'proto') ?? scheme
  const name = forwarded(c, 'host') ?? host
  const prefix = (first(c.req.header('X-Forwarded-Prefix')) ?? '').replace(/\/+$/, '')
  return `${proto}://${name}${prefix}`
}

function forwarded(c: Ctx, part: 'proto' | 'host'): string | undefined {
  const header = c.req.header('Forwarded')
  const match = header && new RegExp(`(?:^|[;,\\s])${part}="?([^";,]+)"?`, 'i').exec(header)
  return match?.[1] ?? first(c.req.header(`X-Forwarded-${part === 'proto' ? 'Proto' : 'Host'}`))
}

const first = (list: string | undefined): string | undefined => list?.split(',')[0]?.trim() || undefined
