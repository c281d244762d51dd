import type { IncomingMessage } from 'node:http'
import { FaasError } from '../../domain/errors.ts'
import type { Authenticate, Principal } from '../../domain/platform/principal.ts'
import { tokenOf } from './token-header.ts'

/** For clients of other platforms that use a name and a password: the password is a token, the name is ignored. */
export async function callerByBasicToken(
  authenticate: Authenticate,
  incoming: IncomingMessage,
  isOpen: boolean,
): Promise<Principal> {
  const who = await authenticate(isOpen ? null : (tokenOf(incoming) ?? basicToken(incoming.headers.authorization)))
  if (who !== null) return who
  throw new FaasError('unauthenticated', 'The supplied authentication is invalid.')
}

/** Null: the header is not Basic. The text before the first colon is ignored. */
export function basicToken(authorization = ''): string | null {
  const encoded = /^Basic +([A-Za-z0-9+/_-]+={0,2})\s*$/i.exec(authorization)?.[1]
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  return text.slice(text.indexOf(':') + 1)
}
