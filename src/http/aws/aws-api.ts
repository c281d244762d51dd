import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuditedChange } from '../../domain/platform/audit.ts'
import type { Scope } from '../../domain/platform/scope.ts'
import { callerAddress } from '../access/caller-address.ts'
import { requireTokenScope } from '../access/guard.ts'
import { externalUrlOf } from '../connection/request-url.ts'
import type { HttpParts } from '../server.ts'
import type { AwsAnswer, AwsCall } from './aws-call.ts'
import { type AwsCallerParts, callerOf } from './aws-caller.ts'
import { AwsError } from './aws-error.ts'
import { type Route, routesOf } from './aws-operations.ts'
import { refuse } from './aws-refusal.ts'
import { Catalogue } from './catalogue.ts'
import { EventInvokeOperations } from './event-invoke-operations.ts'
import { FunctionOperations } from './function-operations.ts'
import { InvokeOperations } from './invoke-operations.ts'
import { PolicyOperations } from './policy-operations.ts'
import { SettingOperations } from './setting-operations.ts'
import { PublishedVersions, VersionOperations } from './version-operations.ts'

/** The API of AWS Lambda: authentication, routing, and the format of responses and errors. */

export type AwsApi = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/** Paths that begin with a date belong to this API. */
export const isAwsPath = (url: string): boolean => /^\/20\d\d-\d\d-\d\d\//.test(url)

type Parts = HttpParts & AwsCallerParts

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
  const now = () => parts.clock.now()
  return routesOf({
    functions: new FunctionOperations({ ...parts, catalogue, published, baseUrl }),
    invoke: new InvokeOperations({ ...parts, catalogue }),
    versions: new VersionOperations(catalogue, published),
    settings: new SettingOperations({ ...parts, catalogue, baseUrl, now }),
    policies: new PolicyOperations(catalogue),
    eventInvoke: new EventInvokeOperations(catalogue, now),
  })
}

function baseOf(incoming: IncomingMessage, { publicUrl, trustProxy }: HttpParts['settings']): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  const own = { scheme: 'http', host: incoming.headers.host ?? 'localhost' }
  const { origin, prefix } = externalUrlOf(own, (name) => incoming.headers[name] as string | undefined, trustProxy)
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
  if (/\/(?:invo\w+|response-streaming-invocations)\b/.test(pattern.source)) return 'invoke'
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

function routeOf(routes: Route[], method: string, path: string): { route: Route; params: string[] } {
  for (const route of routes) {
    const found = route.method === method ? route.pattern.exec(path) : null
    if (found !== null) return { route, params: found.slice(1).map(decoded) }
  }
  const message = `${method} ${path} is not supported here: see the page "Coming from AWS Lambda" of the documentation.`
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
