import type { IncomingMessage } from 'node:http'
import { FaasError } from '../domain/errors.ts'
import type { Authenticate, Principal } from '../domain/principal.ts'
import type { Exposed } from '../services/functions/exposed.ts'
import type { Target, Targets } from '../services/functions/targets.ts'
import type { Place } from './function-call.ts'
import { unauthenticated } from './middleware/auth.ts'
import { sentToken } from './sent-token.ts'

/** What a request runs, and for whom. */
export interface Callee {
  target: Target
  /** Whose execution it is. */
  projectId: string
  /** The token that let the caller in; null: none was needed. */
  spent: string | null
  isKnown: boolean
  /** The caller is of the function's project: what it fails of is shown whole. */
  isOwn: boolean
}

interface Parts {
  targets: Targets
  exposed: Exposed
  authenticate: Authenticate
}

/**
 * The caller's own function of that name, else the public one: to strangers, to callers of other projects, and to those
 * whose token is none of ours but perhaps the function's. Its executions belong to its project. Throws FaasError
 * `unauthenticated`, `not_found`, `runtime_unavailable`; at once where the answer is known at once.
 */
export function calleeOf(parts: Parts, place: Place, incoming: IncomingMessage): Callee | Promise<Callee> {
  const token = sentToken(incoming)
  const who = parts.authenticate(token)
  return who instanceof Promise
    ? who.then((found) => chosen(parts, place, token, found))
    : chosen(parts, place, token, who)
}

function chosen(parts: Parts, place: Place, token: string | null, who: Principal | null): Callee {
  if (who === null) return publicCallee(parts, place, null) ?? fail(unauthenticated(token))
  try {
    const target = parts.targets.byName(who, place.name)
    return { target, projectId: who.projectId, spent: token, isKnown: true, isOwn: true }
  } catch (error) {
    if (!(error instanceof FaasError) || error.code !== 'not_found') throw error
    return publicCallee(parts, place, token) ?? fail(error)
  }
}

function publicCallee({ targets, exposed }: Parts, place: Place, spent: string | null): Callee | null {
  const fn = exposed.publicFunction(place.name)
  if (fn === undefined) return null
  const target = targets.resolveIn(fn.projectId, { functionId: fn.id })
  return { target, projectId: fn.projectId, spent, isKnown: spent !== null, isOwn: false }
}

function fail(error: FaasError): never {
  throw error
}
