import { notAllowed } from './errors.ts'
import type { OpenStackSession } from './openstack.ts'
import type { Scope } from './scope.ts'

/** Who asks: made by the authentication middleware, handed to every service. */
export interface Principal {
  projectId: string
  roles: string[]
  /** True when the roles contain `admin`. */
  isAdmin: boolean
  /** What a token was made for; absent: all that its roles allow. */
  scopes?: readonly Scope[]
  /** Id of the one function that the token is for; absent: any. */
  onlyFunction?: string
  /** The token or the function that asks; absent: whom `session` names, or nobody in particular. */
  by?: Actor
  /** Execution of the function that asks. */
  from?: string
  /** The caller's Keystone token with what belongs to it, when that is how they came; never stored. */
  session?: OpenStackSession
}

/** Who does something, for those who read of it later. */
export interface Actor {
  /** `open`: anybody, in open mode. */
  kind: 'token' | 'user' | 'function' | 'open'
  id: string | null
  name: string | null
}

/** Who a request's token stands for; null: nobody, the caller gets 401. `null` is asked when there was no token. */
export type Authenticate = (token: string | null) => Principal | null | Promise<Principal | null>

/** The project everything belongs to when authentication is off. */
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

/** What a token of one function may do to this one. */
export function refuseOtherFunctions({ onlyFunction }: Principal, functionId: string | null): void {
  if (onlyFunction === undefined || onlyFunction === functionId) return
  throw notAllowed('the token is for one function, and this is not it.')
}

/** May see a row of that project. Rows of others do not exist for the caller. */
export const canSee = (who: Principal, projectId: string): boolean => who.isAdmin || who.projectId === projectId
