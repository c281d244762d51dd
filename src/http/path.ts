import type { Ctx } from './endpoint.ts'
import { outsideOf } from './request-url.ts'

/** The path as it was sent: Hono's own drops a trailing slash. */
export function sentPath(c: Ctx): string {
  const { url } = c.req.raw
  const start = url.indexOf('/', url.indexOf('://') + 3)
  const end = url.indexOf('?', start)
  return end === -1 ? url.slice(start) : url.slice(start, end)
}

/** Scheme, host and prefix that the caller used, without a slash at the end. */
export function baseUrl(c: Ctx, trustProxy: boolean): string {
  const { url } = c.req.raw
  const [scheme, host] = url.slice(0, url.indexOf('/', url.indexOf('://') + 3)).split('://') as [string, string]
  const { origin, prefix } = outsideOf({ scheme, host }, (name) => c.req.header(name), trustProxy)
  return origin + prefix
}
