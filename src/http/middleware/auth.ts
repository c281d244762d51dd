import type { MiddlewareHandler } from 'hono'
import { FaasError } from '../../domain/errors.ts'
import type { Authenticate } from '../../domain/principal.ts'
import type { Ctx, Env } from '../endpoint.ts'
import { sentPath } from '../path.ts'

const webhookCall = /^\/v1\/webhooks\/[0-9a-f-]+\/invoke$/
const missing = 'Send a token, as X-Auth-Token or as Authorization: Bearer.'
const rejected = 'The token is not valid, or not any more.'

/** Finds out who asks, on every path that it is put on; only the contract's three are open to all (section 1.2). */
export function authentication(authenticate: Authenticate): MiddlewareHandler<Env> {
  return async function authentication(c, next) {
    const path = sentPath(c)
    if (path === '/v1' || path === '/v1/' || webhookCall.test(path) || isPreflight(c)) return next()
    const token = sentToken(c)
    const found = authenticate(token)
    const who = found instanceof Promise ? await found : found
    if (who === null) throw new FaasError('unauthenticated', token === null ? missing : rejected)
    c.set('who', who)
    return next()
  }
}

/** No route of ours answers OPTIONS; functions do. */
const isPreflight = (c: Ctx): boolean => c.req.method === 'OPTIONS' && !c.req.path.startsWith('/fn/')

function sentToken(c: Ctx): string | null {
  const token = c.req.header('X-Auth-Token')
  if (token) return token
  const bearer = /^Bearer +(\S+)\s*$/i.exec(c.req.header('Authorization') ?? '')
  return bearer?.[1] ?? null
}
