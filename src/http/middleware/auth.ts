import type { MiddlewareHandler } from 'hono'
import { FaasError } from '../../domain/errors.ts'
import type { Authenticate, Principal } from '../../domain/platform/principal.ts'
import { tokenOf } from '../access/token-header.ts'
import { sentPath } from '../path.ts'
import type { Env } from '../request-context.ts'

const missing = 'Send a token, as X-Auth-Token or as Authorization: Bearer.'
const rejected = 'The token is not valid, or has expired.'

/** Identifies the caller wherever a token is needed. No route of the app handles OPTIONS: everybody may ask for the methods. */
export function authentication(
  authenticate: Authenticate,
  needsToken: (path: string) => boolean,
): MiddlewareHandler<Env> {
  return async function authentication(c, next) {
    if (c.req.method === 'OPTIONS' || !needsToken(sentPath(c))) return next()
    const who = principalOf(authenticate, tokenOf(c.env.incoming))
    c.set('who', who instanceof Promise ? await who : who)
    return next()
  }
}

/** Throws FaasError `unauthenticated`; synchronously where possible. */
export function principalOf(authenticate: Authenticate, token: string | null): Principal | Promise<Principal> {
  const found = authenticate(token)
  return found instanceof Promise ? found.then((who) => admitted(who, token)) : admitted(found, token)
}

function admitted(who: Principal | null, token: string | null): Principal {
  if (who === null) throw unauthenticated(token)
  return who
}

export const unauthenticated = (token: string | null): FaasError =>
  new FaasError('unauthenticated', token === null ? missing : rejected)
