import type { MiddlewareHandler } from 'hono'
import type { Ctx, Env } from '../request-context.ts'

/** The contract refuses HEAD; Hono would treat it like GET. Functions get it as it is. */
export function refuseHead(unrouted: (c: Ctx) => Response): MiddlewareHandler<Env> {
  return async function refuseHead(c, next) {
    if (c.req.raw.method === 'HEAD') return unrouted(c)
    return next()
  }
}
