import type { IncomingMessage } from 'node:http'
import { FaasError } from '../../domain/errors.ts'
import { type Authenticate, type Principal, refuseOtherFunctions } from '../../domain/platform/principal.ts'
import type { PublicFunctions } from '../../services/functions/public-functions.ts'
import type { Target, Targets } from '../../services/functions/targets.ts'
import { requireTokenScope, toInvoke } from '../access/guard.ts'
import { tokenOf } from '../access/token-header.ts'
import { unauthenticated } from '../middleware/auth.ts'
import type { FunctionUrl } from './function-call.ts'

/** The function that a request calls, and for whom. */
export interface Callee {
  target: Target
  /** The project that owns the execution. */
  projectId: string
  /** The execution whose function calls. */
  from?: string | undefined
  /** The token with which the caller was admitted; null: none was needed. */
  spent: string | null
  isKnown: boolean
  /** True when the caller belongs to the function's project: then failures are shown in full. */
  isOwn: boolean
  /** True when the caller may do everything; absent: decided by its token. */
  isAdmin?: boolean
}

interface Parts {
  targets: Targets
  exposed: PublicFunctions
  authenticate: Authenticate
}

/**
 * Finds the caller's own function of that name, else the public one: the latter for anonymous callers, for callers of other
 * projects, and for tokens that are not ours and may be meant for the function. Executions of a public function belong to its
 * project. Throws FaasError `unauthenticated`, `not_found`, `runtime_unavailable`; synchronously where possible.
 */
export function calleeOf(parts: Parts, place: FunctionUrl, incoming: IncomingMessage): Callee | Promise<Callee> {
  const sent = tokenOf(incoming)
  const token = sent === null && parts.exposed.hasApp(place.name) ? keyIn(incoming) : sent
  const who = parts.authenticate(token)
  return who instanceof Promise
    ? who.then((found) => chosen(parts, place, token, found))
    : chosen(parts, place, token, who)
}

/** Azure Functions: callers may send their token as a function key. */
function keyIn({ headers, url = '' }: IncomingMessage): string | null {
  const header = headers['x-functions-key']
  if (typeof header === 'string' && header !== '') return header
  const query = url.indexOf('?')
  return query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('code')
}

function chosen(parts: Parts, place: FunctionUrl, token: string | null, who: Principal | null): Callee {
  if (who === null) return publicCallee(parts, place, null) ?? fail(unauthenticated(token))
  try {
    const target = parts.targets.byName(who, place.name)
    requireTokenScope(who, toInvoke)
    refuseOtherFunctions(who, target.fn.id)
    return {
      target,
      projectId: who.projectId,
      from: who.from,
      spent: token,
      isKnown: true,
      isOwn: true,
      isAdmin: who.isAdmin,
    }
  } catch (error) {
    if (!(error instanceof FaasError) || !mayBePublic.has(error.code)) throw error
    const callee = publicCallee(parts, place, token) ?? fail(error)
    return who.from === undefined ? callee : { ...callee, from: who.from }
  }
}

/** A public function is open even to callers whose token is for something else. */
const mayBePublic: ReadonlySet<string> = new Set(['not_found', 'forbidden'])

function publicCallee({ targets, exposed }: Parts, place: FunctionUrl, spent: string | null): Callee | null {
  const fn = exposed.publicFunction(place.name)
  if (fn === undefined) return null
  const target = targets.resolveIn(fn.projectId, { functionId: fn.id })
  return { target, projectId: fn.projectId, spent, isKnown: spent !== null, isOwn: false }
}

function fail(error: FaasError): never {
  throw error
}
