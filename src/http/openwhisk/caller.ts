import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { FaasError } from '../../domain/errors.ts'
import type { Authenticate, Principal } from '../../domain/principal.ts'
import { isOwnToken } from '../../services/platform/tokens.ts'
import { notPassed } from '../function-headers.ts'
import { bearerOf, sentToken } from '../sent-token.ts'

/** Who calls: `AUTH` of OpenWhisk's clients is `anything:token`, or a token; or a token as everywhere else. */
export async function callerOf(
  authenticate: Authenticate,
  incoming: IncomingMessage,
  isOpen: boolean,
): Promise<Principal> {
  const who = await authenticate(isOpen ? null : (sentToken(incoming) ?? basicToken(incoming.headers.authorization)))
  if (who !== null) return who
  throw new FaasError('unauthenticated', 'The supplied authentication is invalid.')
}

/** As an action is given them: a token of ours is nobody's business but ours. `isKnown`: the caller's was good. */
export function headersForAction({ headers }: IncomingMessage, isKnown: boolean): IncomingHttpHeaders {
  const { authorization = '', 'x-auth-token': own } = headers
  const token = basicToken(authorization) ?? bearerOf(authorization)
  const isOurs = token !== null && (isOwnToken(token) || (isKnown && own === undefined))
  const isPassed = (name: string) => !notPassed.has(name) && !(isOurs && name === 'authorization')
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isPassed(name)))
}

/** Null: the header is no such. What is before the first colon is not looked at. */
function basicToken(authorization = ''): string | null {
  const encoded = /^Basic +([A-Za-z0-9+/_-]+={0,2})\s*$/i.exec(authorization)?.[1]
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}
