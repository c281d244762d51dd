import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isOwnToken } from '../../services/platform/tokens.ts'
import { basicToken } from '../basic-token.ts'
import { notPassed } from '../function-headers.ts'
import { bearerOf } from '../sent-token.ts'

/** Who calls: `AUTH` of OpenWhisk's clients is `anything:token`, or a token; or a token as everywhere else. */
export { callerByBasicToken as callerOf } from '../basic-token.ts'

/** As an action is given them: a token of ours is nobody's business but ours. `isKnown`: the caller's was good. */
export function headersForAction({ headers }: IncomingMessage, isKnown: boolean): IncomingHttpHeaders {
  const { authorization = '', 'x-auth-token': own } = headers
  const token = basicToken(authorization) ?? bearerOf(authorization)
  const isOurs = token !== null && (isOwnToken(token) || (isKnown && own === undefined))
  const isPassed = (name: string) => !notPassed.has(name) && !(isOurs && name === 'authorization')
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isPassed(name)))
}
