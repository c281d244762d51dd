import { notAllowed } from '../errors.ts'
import type { OpenStackSession } from './openstack.ts'
import type { Scope } from './scope.ts'

/** The authenticated caller: made by the authentication middleware, passed to every service. */
export interface Principal {
  projectId: string
  roles: string[]
  /** True when the roles contain `admin`. */
  isAdmin: boolean
  /** The token's scopes; absent: everything that its roles allow. */
  scopes?: readonly Scope[]
  /** Id of the only function that the token may use; absent: any. */
  onlyFunction?: string
  /** The token or function behind the request; absent: the user in `session`, or unknown. */
  by?: Actor
  /** Execution of the calling function. */
  from?: string
  /** The caller's Keystone session, if the caller used one; never stored. */
  session?: OpenStackSession
}

/** Who did something, for the audit log. */
export interface Actor {
  /** `open`: anybody, in open mode. */
  kind: 'token' | 'user' | 'function' | 'open'
  id: string | null
  name: string | null
}

/**
 * Finds the principal of a request's token; null: nobody, the response is 401. It is called with `null` when there was no token.
 */
export type Authenticate = (token: string | null) => Principal | null | Promise<Principal | null>

/** The project of everything while authentication is off. */
export const defaultProjectId = 'default'

export const openPrincipal: Principal = { projectId: defaultProjectId, roles: ['admin'], isAdmin: true }

export function actorOf({ by, session }: Principal): Actor {
  if (by !== undefined) return by
  if (session === undefined) return { kind: 'open', id: null, name: null }
  const { name } = (session.details.user ?? {}) as { name?: unknown }
  return { kind: 'user', id: session.userId, name: typeof name === 'string' ? name : null }
}

export function requireAdmin(who: Principal, what: string): void {
  if (!who.isAdmin) throw notAllowed(`${what} needs the admin role.`)
}

/** Limits a token of one function to that function. */
export function refuseOtherFunctions({ onlyFunction }: Principal, functionId: string | null): void {
  if (onlyFunction === undefined || onlyFunction === functionId) return
  throw notAllowed('the token is for one function, and this is not it.')
}

/** Whether the caller may see a row of that project. Rows of other projects do not exist for the caller. */
export const canSee = (who: Principal, projectId: string): boolean => who.isAdmin || who.projectId === projectId
