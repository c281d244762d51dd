import type { MiddlewareHandler } from 'hono'
import { FaasError } from '../../domain/errors.ts'
import type { Authenticate, Principal } from '../../domain/principal.ts'
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
    const who = whoAsks(authenticate, sentTokenOf(c.req.header('X-Auth-Token'), c.req.header('Authorization')))
    c.set('who', who instanceof Promise ? await who : who)
    return next()
  }
}

/** No route of ours answers OPTIONS; functions do. */
const isPreflight = (c: Ctx): boolean => c.req.method === 'OPTIONS' && !c.req.path.startsWith('/fn/')

/** Throws FaasError `unauthenticated`; at once where the answer is known at once. */
export function whoAsks(authenticate: Authenticate, token: string | null): Principal | Promise<Principal> {
  const found = authenticate(token)
  return found instanceof Promise ? found.then((who) => admitted(who, token)) : admitted(found, token)
}

function admitted(who: Principal | null, token: string | null): Principal {
  if (who === null) throw new FaasError('unauthenticated', token === null ? missing : rejected)
  return who
}

/** From the values of the two headers. */
export function sentTokenOf(xAuthToken: string | undefined, authorization: string | undefined): string | null {
  if (xAuthToken) return xAuthToken
  if (authorization === undefined) return null
  return /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1] ?? null
}
