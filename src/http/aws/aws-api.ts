import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuditedChange } from '../../domain/audit.ts'
import type { Clock } from '../../domain/clock.ts'
import { FaasError, LimitReached } from '../../domain/errors.ts'
import type { Principal } from '../../domain/principal.ts'
import type { Scope } from '../../domain/scope.ts'
import type { AccessKeys } from '../../services/platform/access-keys.ts'
import { callerAddress } from '../caller-address.ts'
import { requireTokenScope } from '../guard.ts'
import { outsideOf } from '../request-url.ts'
import { sentToken } from '../sent-token.ts'
import type { HttpParts } from '../server.ts'
import type { AwsAnswer, AwsCall } from './aws-call.ts'
import { AwsError, asAwsError } from './aws-error.ts'
import { type Route, routesOf } from './aws-operations.ts'
import { Catalogue } from './catalogue.ts'
import { FunctionOperations } from './function-operations.ts'
import { InvokeOperations } from './invoke-operations.ts'
import { SettingOperations } from './setting-operations.ts'
import { type Authorization, checkSignature, readAuthorization } from './signature-v4.ts'
import { PublishedVersions, VersionOperations } from './version-operations.ts'

/** The API of AWS Lambda: authentication, routing, and the format of responses and errors. */

export type AwsApi = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/** Paths that begin with a date belong to this API. */
export const isAwsPath = (url: string): boolean => /^\/20\d\d-\d\d-\d\d\//.test(url)

type Parts = HttpParts & { clock: Pick<Clock, 'now'>; accessKeys: AccessKeys }

/** Region of requests that name none: the default of most clients. */
const usualRegion = 'us-east-1'

export function makeAwsApi(parts: Parts): AwsApi {
  const routes = operations(parts)
  return async (incoming, outgoing) => {
    const requestId = parts.newId()
    outgoing.setHeader('x-amzn-RequestId', requestId)
    try {
      const answer = await answerOf(parts, routes, incoming, outgoing, requestId)
      if (answer !== undefined) send(outgoing, answer)
    } catch (error) {
      refuse(parts, incoming, outgoing, error)
    }
  }
}

function operations(parts: Parts): Route[] {
  const catalogue = new Catalogue(parts)
  const published = new PublishedVersions(parts.versions)
  const baseUrl = (call: AwsCall) => baseOf(call.incoming, parts.settings)
  return routesOf(
    new FunctionOperations({ ...parts, catalogue, published, baseUrl }),
    new InvokeOperations({ ...parts, catalogue }),
    new VersionOperations(catalogue, published),
    new SettingOperations({ ...parts, catalogue, baseUrl, now: () => parts.clock.now() }),
  )
}

function baseOf(incoming: IncomingMessage, { publicUrl, trustProxy }: HttpParts['settings']): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  const own = { scheme: 'http', host: incoming.headers.host ?? 'localhost' }
  const { origin, prefix } = outsideOf(own, (name) => incoming.headers[name] as string | undefined, trustProxy)
  return origin + prefix
}

/** The caller is identified before the body is read, and verified before anything is done. */
async function answerOf(
  parts: Parts,
  routes: Route[],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string,
): Promise<AwsAnswer | undefined> {
  const url = incoming.url as string
  const at = url.indexOf('?')
  const [path, query] = at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
  const caller = await callerOf(parts, incoming, query)
  const { who, region } = caller
  const { route, params } = routeOf(routes, incoming.method as string, path)
  const { maxBodyBytes, maxPackageBytes } = parts.settings
  const maxBytes = route.takesCode ? maxBodyBytes + Math.ceil((maxPackageBytes * 4) / 3) : maxBodyBytes
  const body = await parts.bodies.read(incoming, outgoing, { maxBytes, isKnown: true, projectId: who.projectId })
  caller.prove({ method: incoming.method as string, path, query, headers: headerPairs(incoming), body })
  const scope = scopeOfRoute(route)
  requireTokenScope(who, { scope })
  if (scope === 'deploy' && route.method === 'POST') parts.space.refuseMore()
  const answer = await route.operation({
    who,
    region,
    params,
    query: new URLSearchParams(query),
    body,
    incoming,
    outgoing,
    requestId,
  })
  if (scope === 'deploy') parts.audit.note(who, changeBy(parts, incoming, path, params, answer))
  return answer
}

/** Tokens of one function are refused, because functions can be named in many ways. */
function scopeOfRoute({ method, pattern }: Route): Scope {
  if (/invo/.test(pattern.source)) return 'invoke'
  return method === 'GET' ? 'read' : 'deploy'
}

function changeBy(
  { settings }: Parts,
  incoming: IncomingMessage,
  path: string,
  [name]: string[],
  answer: AwsAnswer | undefined,
): AuditedChange {
  return {
    action: 'Through the API of AWS Lambda',
    method: incoming.method as string,
    path: path.slice(0, 500),
    subjectId: null,
    subjectName: name ?? null,
    status: answer?.status ?? 200,
    address: callerAddress(incoming, settings.trustProxy),
  }
}

interface KnownCaller {
  who: Principal
  region: string
  /** Throws AwsError unless the caller signed the request. */
  prove(request: Parameters<typeof checkSignature>[0]): void
}

/** Identifies the caller by a signature or by one of our tokens; open mode needs neither. */
async function callerOf(parts: Parts, incoming: IncomingMessage, query: string): Promise<KnownCaller> {
  const { authorization = '' } = incoming.headers
  const isSigned =
    authorization !== '' && !/^Bearer /i.test(authorization) && incoming.headers['x-auth-token'] === undefined
  if (parts.settings.isOpen)
    return open(await parts.authenticate(null), isSigned ? regionIn(authorization) : usualRegion)
  if (isSigned) return signer(parts, readAuthorization(authorization))
  const token = sentToken(incoming)
  if (token === null) throw unsigned(query)
  return open(await parts.authenticate(token), usualRegion)
}

function open(who: Principal | null, region: string): KnownCaller {
  if (who === null) throw new AwsError(403, 'UnrecognizedClientException', 'The token is not valid, or not any more.')
  return { who, region, prove() {} }
}

/** In open mode the signature is not checked; an unreadable one yields the default. */
function regionIn(authorization: string): string {
  return /Credential=[^/]+\/\d+\/([\w-]+)\//.exec(authorization)?.[1] ?? usualRegion
}

function signer({ accessKeys, clock }: Parts, by: Authorization): KnownCaller {
  const known = accessKeys.signer(by.keyId)
  if (known === null) {
    throw new AwsError(
      403,
      'UnrecognizedClientException',
      'The security token included in the request is invalid: there is no such access key.',
    )
  }
  const { who, secret } = known
  return { who, region: by.region, prove: (request) => checkSignature(request, by, secret, clock.now()) }
}

function unsigned(query: string): AwsError {
  if (/(?:^|&)X-Amz-Signature=/i.test(query)) {
    return new AwsError(
      403,
      'InvalidSignatureException',
      'Signatures in the query are not taken: sign in the Authorization header.',
    )
  }
  return new AwsError(
    403,
    'MissingAuthenticationTokenException',
    'Missing Authentication Token: sign with an access key, or send a token.',
  )
}

function routeOf(routes: Route[], method: string, path: string): { route: Route; params: string[] } {
  for (const route of routes) {
    const found = route.method === method ? route.pattern.exec(path) : null
    if (found !== null) return { route, params: found.slice(1).map(decoded) }
  }
  const message = `${method} ${path} is not offered here: see the page "Coming from AWS Lambda" of the documentation.`
  throw new AwsError(404, 'UnknownOperationException', message)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function headerPairs({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] as string, rawHeaders[at + 1] as string])
  return pairs
}

function send(outgoing: ServerResponse, { status, json }: AwsAnswer): void {
  const body = json === undefined ? '' : JSON.stringify(json)
  outgoing.writeHead(status, {
    'Content-Type': 'application/json',
    ...(status !== 204 && { 'Content-Length': Buffer.byteLength(body) }),
  })
  outgoing.end(body)
}

/** Unknown errors are logged. The unread rest of the request is not awaited. */
function refuse(parts: Parts, incoming: IncomingMessage, outgoing: ServerResponse, failed: unknown): void {
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
