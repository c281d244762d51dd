import { notAllowed } from './errors.ts'
import type { OpenStackSession } from './openstack.ts'

/** Who asks: made by the authentication middleware, handed to every service. */
export interface Principal {
  projectId: string
  roles: string[]
  /** True when the roles contain `admin`. */
  isAdmin: boolean
  /** The caller's Keystone token with what belongs to it, when that is how they came; never stored. */
  session?: OpenStackSession
}

/** Who a request's token stands for; null: nobody, the caller gets 401. `null` is asked when there was no token. */
export type Authenticate = (token: string | null) => Principal | null | Promise<Principal | null>

/** The project everything belongs to when authentication is off. */
export const defaultProjectId = 'default'

export const openPrincipal: Principal = { projectId: defaultProjectId, roles: ['admin'], isAdmin: true }

export function requireAdmin(who: Principal, what: string): void {
  if (!who.isAdmin) throw notAllowed(`${what} needs the admin role.`)
}

/** May see a row of that project. Rows of others do not exist for the caller. */
export const canSee = (who: Principal, projectId: string): boolean => who.isAdmin || who.projectId === projectId
