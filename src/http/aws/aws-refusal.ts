import type { IncomingMessage, ServerResponse } from 'node:http'
import { FaasError, LimitReached } from '../../domain/errors.ts'
import type { HttpParts } from '../server.ts'
import { AwsError, asAwsError } from './aws-error.ts'

type Parts = Pick<HttpParts, 'log' | 'refusals' | 'wrongTokens'>

/** Unknown errors are logged. The unread rest of the request is not awaited. */
export function refuse(parts: Parts, incoming: IncomingMessage, outgoing: ServerResponse, failed: unknown): void {
  const { log, refusals } = parts
  const thrown = unlessTooOften(parts, incoming, failed)
  if (thrown instanceof FaasError) refusals.count(thrown.code)
  const error =
    asAwsError(thrown) ??
    new AwsError(500, 'ServiceException', 'Something failed inside the server; its log says what.')
  const keys = {
    method: incoming.method,
    path: (incoming.url ?? '').split('?', 1)[0],
    status: error.status,
    reason: error.message,
  }
  if (error.status >= 500) log.error({ ...keys, err: thrown }, 'request failed')
  else log.debug(keys, 'request refused')
  if (outgoing.headersSent) return void outgoing.destroy()
  if (!incoming.complete) outgoing.setHeader('Connection', 'close')
  const isOurs = error.status >= 500
  const isCapacity = error.status === 429
  const reason = isCapacity ? { Reason: 'ConcurrentInvocationLimitExceeded' } : {}
  const body = JSON.stringify({
    Type: isOurs ? 'Service' : 'User',
    Message: error.message,
    message: error.message,
    ...reason,
  })
  outgoing.writeHead(error.status, {
    'Content-Type': 'application/json',
    'x-amzn-ErrorType': error.type,
    'Content-Length': Buffer.byteLength(body),
    ...(isCapacity && { 'Retry-After': thrown instanceof LimitReached ? String(thrown.retryAfterSeconds) : '1' }),
  })
  outgoing.end(body)
}

const unproven = new Set([
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
])

/** Throttles callers who fail to authenticate repeatedly, as in the rest of the API. */
function unlessTooOften({ wrongTokens }: Parts, incoming: IncomingMessage, thrown: unknown): unknown {
  const error = asAwsError(thrown)
  if (error === null || !unproven.has(error.type)) return thrown
  const counted = wrongTokens.counted(new FaasError('unauthenticated', error.message), incoming)
  return counted instanceof LimitReached ? counted : thrown
}
