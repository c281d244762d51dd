import { notAllowed } from '../errors.ts'

/** What a token may be used for. Each endpoint requires one of them; see `http/endpoint.ts`. */
export const scopeNames = ['read', 'invoke', 'deploy', 'admin'] as const

export type Scope = (typeof scopeNames)[number]

/** Each scope includes smaller ones: deploying needs reading. */
const includes: Record<Scope, readonly Scope[]> = {
  read: ['read'],
  invoke: ['invoke'],
  deploy: ['deploy', 'read'],
  admin: ['admin', 'deploy', 'invoke', 'read'],
}

/** `held`: undefined means that only roles decide. `asked`: any one of them is enough. */
export const allowsScope = (held: readonly Scope[] | undefined, asked: Scope | readonly Scope[]): boolean =>
  held === undefined || held.some((one) => [asked].flat().some((scope) => includes[one].includes(scope)))

/** Throws FaasError `forbidden`. */
export function requireScope(who: { scopes?: readonly Scope[] }, asked: Scope | readonly Scope[]): void {
  if (who.scopes === undefined || allowsScope(who.scopes, asked)) return
  const wanted = [asked].flat().join(' or ')
  throw notAllowed(`this needs a token with the scope ${wanted}, and yours has ${who.scopes.join(', ')}.`)
}
