import type { Handler } from 'hono'
import type { AuditedChange } from '../../domain/platform/audit.ts'
import { type Principal, refuseOtherFunctions } from '../../domain/platform/principal.ts'
import { requireScope, type Scope } from '../../domain/platform/scope.ts'
import type { EndpointDescription } from '../endpoint-description.ts'
import { sentPath } from '../path.ts'
import type { Ctx, Env } from '../request-context.ts'
import { callerAddress } from './caller-address.ts'

/** Checks what an endpoint requires of a token, and notes changes in the audit log. */

/** The requirements of the routes in front of the app that run functions. */
export const toInvoke = { scope: 'invoke', onlyFunction: 'checked' } as const

type Asks = Pick<EndpointDescription, 'scope' | 'onlyFunction'> & Partial<Pick<EndpointDescription, 'method'>>

export const scopeOf = ({ scope, method }: Asks): readonly Scope[] =>
  [scope ?? (method === 'get' ? ('read' as const) : ('deploy' as const))].flat()

/** Throws FaasError `forbidden` where the token is for something else. */
export function requireTokenScope(who: Principal, about: Asks): void {
  if (who.scopes !== undefined) requireScope(who, scopeOf(about))
  if (who.onlyFunction !== undefined && about.onlyFunction === undefined) refuseOtherFunctions(who, null)
}

/** True for endpoints that change something; running a function does not count. */
const changes = (about: EndpointDescription): boolean =>
  about.method !== 'get' && scopeOf(about).some((scope) => scope === 'deploy' || scope === 'admin')

/** True for endpoints that need disk space; changing and deleting remain possible for longer when the disk fills up. */
export const createsObjects = ({ method, scope }: Asks): boolean =>
  method === 'post' && scopeOf({ method, scope, onlyFunction: undefined }).every((one) => one === 'deploy')

/** Wraps a handler: checks the requirements and notes the change. Public endpoints have no `who`. */
export function guarded<P extends string>(about: EndpointDescription<P>, handler: Handler<Env, P>): Handler<Env, P> {
  return async (c, next) => {
    const who: Principal | undefined = c.get('who')
    if (who === undefined) return handler(c, next)
    requireTokenScope(who, about)
    if (about.onlyFunction === 'path' && who.onlyFunction !== undefined) {
      refuseOtherFunctions(who, c.get('functionIdOf')(who, (c as Ctx).req.param('id') as string))
    }
    if (createsObjects(about)) c.get('space').refuseMore()
    const answer = await handler(c, next)
    if (changes(about) && answer instanceof Response && answer.ok) {
      c.get('noteChange')(who, await changeOf(c as Ctx, about.summary, answer))
    }
    return answer
  }
}

const longestPath = 500

async function changeOf(c: Ctx, action: string, answer: Response): Promise<AuditedChange> {
  const { id, name } = await subjectOf(answer)
  const { incoming } = c.env
  return {
    action,
    method: incoming.method as string,
    path: sentPath(c).slice(0, longestPath),
    subjectId: id,
    subjectName: name,
    status: answer.status,
    address: callerAddress(incoming, c.get('trustsProxy')),
  }
}

async function subjectOf(answer: Response): Promise<{ id: string | null; name: string | null }> {
  if (!answer.headers.get('Content-Type')?.startsWith('application/json')) return { id: null, name: null }
  const { id, name } = (await answer.clone().json()) as { id?: unknown; name?: unknown }
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return { id: text(id), name: text(name) }
}
