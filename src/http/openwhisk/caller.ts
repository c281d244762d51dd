import type { IncomingMessage } from 'node:http'
import { FaasError } from '../../domain/errors.ts'
import type { Authenticate, Principal } from '../../domain/principal.ts'
import { sentToken } from '../sent-token.ts'

/** Who calls: `AUTH` of OpenWhisk's clients is `anything:token`, or a token; or a token as everywhere else. */
export async function callerOf(
  authenticate: Authenticate,
  incoming: IncomingMessage,
  isOpen: boolean,
): Promise<Principal> {
  const who = await authenticate(isOpen ? null : (basicToken(incoming.headers.authorization) ?? sentToken(incoming)))
  if (who !== null) return who
  throw new FaasError('unauthenticated', 'The supplied authentication is invalid.')
}

/** Null: the header is no such. What is before the first colon is not looked at. */
function basicToken(authorization = ''): string | null {
  const encoded = /^Basic +([A-Za-z0-9+/_-]+={0,2})\s*$/i.exec(authorization)?.[1]
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}
