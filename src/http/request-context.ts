import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import type { AuditedChange } from '../domain/platform/audit.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import type { Principal } from '../domain/platform/principal.ts'
import type { Bodies } from './connection/bodies.ts'

/** Values that handlers get together with the request. */
export interface Env {
  /** Node's own request and response. */
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse }
  Variables: {
    /** Set by the authentication on every path that is not public. */
    who: Principal
    /** Reads request bodies within the memory limit. */
    bodies: Bodies
    /** Id of the caller's function with that name or id. Throws FaasError `not_found`. */
    functionIdOf(who: Principal, nameOrId: string): string
    /** Adds a change to the audit log. */
    noteChange(who: Principal, change: AuditedChange): void
    trustsProxy: boolean
    /** The disk of the data folder. */
    space: DiskSpace
  }
}

export type Ctx<P extends string = string> = Context<Env, P>
