import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isOwnToken } from '../../services/platform/token-secret.ts'
import { basicToken } from '../access/basic-token.ts'
import { bearerOf } from '../access/token-header.ts'
import { notPassed } from '../functions/function-headers.ts'

/** `AUTH` of OpenWhisk's clients is `anything:token`, or a token; tokens in our own headers work too. */
export { callerByBasicToken as callerOf } from '../access/basic-token.ts'

/** The headers for an action, without a token of ours. `isKnown`: the caller's token was valid. */
export function headersForAction({ headers }: IncomingMessage, isKnown: boolean): IncomingHttpHeaders {
  const { authorization = '', 'x-auth-token': own } = headers
  const token = basicToken(authorization) ?? bearerOf(authorization)
  const isOurs = token !== null && (isOwnToken(token) || (isKnown && own === undefined))
  const isPassed = (name: string) => !notPassed.has(name) && !(isOurs && name === 'authorization')
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isPassed(name)))
}
