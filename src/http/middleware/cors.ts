import type { MiddlewareHandler } from 'hono'
import { isSentDirectly } from '../direct.ts'
import type { Env } from '../endpoint.ts'

const exposed = 'X-Execution-Id, Server-Timing'

/** Lets browsers of the configured origins call the API; everybody else gets no header at all. */
export function cors(origins: string[]): MiddlewareHandler<Env> {
  const allowed = new Set(origins)
  return async function cors(c, next) {
    const origin = c.req.header('Origin')
    if (origin === undefined || !allowed.has(origin)) return next()
    const headers = { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed, Vary: 'Origin' }
    const wanted = c.req.header('Access-Control-Request-Method')
    if (c.req.method === 'OPTIONS' && wanted !== undefined) {
      return c.body(null, 200, { ...headers, ...preflight(wanted, c.req.header('Access-Control-Request-Headers')) })
    }
    for (const [name, value] of Object.entries(headers)) {
      c.header(name, value)
      if (isSentDirectly(c.req.path)) c.env?.outgoing?.setHeader(name, value)
    }
    return next()
  }
}

const preflight = (method: string, headers = ''): Record<string, string> => ({
  'Access-Control-Allow-Methods': method,
  'Access-Control-Allow-Headers': headers,
  'Access-Control-Max-Age': '3600',
})
