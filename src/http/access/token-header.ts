import type { IncomingMessage } from 'node:http'
import { invalid } from '../../domain/errors.ts'

/**
 * The token of a request; null: none. X-Auth-Token has priority over a bearer token. Throws FaasError `invalid_request` when
 * either header is repeated: readers of the first and of the last value would see two different callers.
 */
export function tokenOf(incoming: IncomingMessage): string | null {
  const { 'x-auth-token': own, authorization } = incoming.headers
  if (own === undefined && authorization === undefined) return null
  refuseRepeated(incoming.rawHeaders)
  if (own) return own as string
  return authorization === undefined ? null : bearerOf(authorization)
}

/** The token of `Authorization: Bearer …`; null for other schemes. */
export const bearerOf = (authorization: string): string | null => /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1] ?? null

function refuseRepeated(rawHeaders: string[]): void {
  let owns = 0
  let authorizations = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 12 && name.toLowerCase() === 'x-auth-token') owns++
    else if (name.length === 13 && name.toLowerCase() === 'authorization') authorizations++
  }
  if (owns > 1) throw invalid('X-Auth-Token comes more than once: send one token.')
  if (authorizations > 1) throw invalid('Authorization comes more than once: send one token.')
}
