import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { invalid } from '../../domain/errors.ts'
import type { PublicFunctions } from '../../services/functions/public-functions.ts'
import { admits, answerHeaders, type CrossOrigin, preflightHeaders, setHeaders } from '../access/cross-origin.ts'
import { requireTokenScope, toInvoke } from '../access/guard.ts'
import { allowedOriginsOf, refuseCrossSite, refuseUnknownHost } from '../access/open-mode.ts'
import { hostName } from '../access/same-site.ts'
import { tokenOf } from '../access/token-header.ts'
import { isAwsPath, makeAwsApi } from '../aws/aws-api.ts'
import type { HttpApp } from '../endpoint.ts'
import { sendError } from '../error-response.ts'
import {
  type FunctionUrl,
  fissionUrlOf,
  functionUrlOf,
  openFaasUrlOf,
  rootFunctionUrl,
} from '../functions/function-call.ts'
import { principalOf } from '../middleware/auth.ts'
import { isGatewayPath, makeGateway } from '../openfaas/gateway.ts'
import { isWhiskPath, makeWhiskApi } from '../openwhisk/whisk-api.ts'
import { invoke } from '../routes/invoke.ts'
import { postExecution } from '../routes/post-execution.ts'
import type { HttpParts } from '../server.ts'
import { hostOfTarget, routedUrl } from './request-url.ts'

/**
 * The listener of the port. It handles the two routes that run functions on Node's own request and response, because Hono's
 * router, context and adapter cost a warm call a quarter of its time. It also dispatches the APIs of AWS Lambda (whose signatures
 * need the raw URL), OpenWhisk and OpenFaaS; everything else goes to the Hono app.
 */
export function makeListener(app: HttpApp, parts: HttpParts): RequestListener {
  const throughApp = getRequestListener(app.fetch, { overrideGlobalObjects: false, errorHandler })
  const { isOpen, corsOrigins } = parts.settings
  const allowed = allowedOriginsOf(parts.settings)
  const aws = makeAwsApi(parts)
  const whisk = makeWhiskApi(parts)
  const gateway = makeGateway(parts)
  const browsers: CrossOrigin = { origins: corsOrigins, methods: null, headers: null, credentials: false }

  const take = (incoming: IncomingMessage, outgoing: ServerResponse): Promise<unknown> | undefined => {
    const url = routed(incoming)
    const place = placeIn(parts.exposed, url, incoming)
    if (isOpen && place?.mount !== '') refuseUnknownHost(incoming, allowed)
    if (incoming.headers.origin !== undefined) {
      if (isPreflight(browsers, incoming, outgoing)) return undefined
      if (place !== null && isPreflightOf(parts.exposed.named(place.name), incoming, outgoing)) return undefined
    }
    if (place !== null) return invoke(parts, place, incoming, outgoing)
    if (isOpen) refuseCrossSite(incoming, allowed, true)
    if (isAwsPath(url)) return aws(incoming, outgoing)
    if (isWhiskPath(url)) return whisk(incoming, outgoing)
    if (isGatewayPath(url)) return gateway(incoming, outgoing)
    if (incoming.method === 'POST' && isExecutions.test(url)) return runExecution(parts, incoming, outgoing)
    return throughApp(incoming, outgoing)
  }

  return (incoming, outgoing) => {
    const failed = (error: unknown) => sendError(incoming, outgoing, parts.wrongTokens.counted(error, incoming), parts)
    try {
      const taken = take(incoming, outgoing)
      if (taken instanceof Promise) taken.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

const isExecutions = /^\/v1\/executions\/?(?:\?|$)/

/** The adapter's own answer to a host or target that it cannot read has no body. */
function errorHandler(error: unknown): never {
  if (!(error instanceof Error) || error.name !== 'RequestError') throw error
  throw invalid(`The address of the request cannot be read: ${error.message}.`)
}

/** Normalises the URL once for all later readers. */
function routed(incoming: IncomingMessage): string {
  const { headers } = incoming
  if (headers.host === undefined && incoming.httpVersion === '1.1') throw invalid('The Host header is missing.')
  refuseTwoHosts(incoming.rawHeaders)
  const target = incoming.url as string
  const url = routedUrl(target)
  if (url === target) return url
  const host = hostOfTarget(target)
  if (host !== undefined) headers.host = host
  incoming.url = url
  return url
}

/** A proxy in front may have looked at the other one. */
function refuseTwoHosts(rawHeaders: string[]): void {
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) throw invalid('Host comes more than once: send one.')
}

/** The function and path that the URL addresses; null: the server itself. */
function placeIn(exposed: PublicFunctions, url: string, { headers }: IncomingMessage): FunctionUrl | null {
  if (exposed.hasHosts) {
    const fn = exposed.atHost(hostName(headers.host) ?? '')
    if (fn !== undefined) return rootFunctionUrl(fn.id, url)
  }
  return url.startsWith('/fn/') ? functionUrlOf(url) : (fissionUrlOf(url) ?? openFaasUrlOf(url))
}

/**
 * Adds CORS headers for the configured origins; returns true when it answered a preflight request. Other origins get no header.
 */
function isPreflight(rule: CrossOrigin, incoming: IncomingMessage, outgoing: ServerResponse): boolean {
  const origin = incoming.headers.origin as string
  if (!admits(rule, origin)) return false
  if (wantedMethod(incoming) === undefined) setHeaders(outgoing, answerHeaders(rule, origin))
  else answerPreflight(rule, 200, incoming, outgoing)
  return wantedMethod(incoming) !== undefined
}

/** The same for a function with CORS settings; a preflight request needs no token. */
function isPreflightOf(functions: { cors: CrossOrigin | null }[], incoming: IncomingMessage, outgoing: ServerResponse) {
  if (wantedMethod(incoming) === undefined) return false
  const origin = incoming.headers.origin as string
  const rule = functions.map(({ cors }) => cors).find((cors) => cors !== null && admits(cors, origin))
  if (rule === undefined || rule === null) return false
  answerPreflight(rule, 204, incoming, outgoing)
  return true
}

const wantedMethod = ({ method, headers }: IncomingMessage): string | undefined =>
  method === 'OPTIONS' ? headers['access-control-request-method'] : undefined

function answerPreflight(
  rule: CrossOrigin,
  status: 200 | 204,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { origin, 'access-control-request-headers': headers } = incoming.headers
  const answer = preflightHeaders(rule, origin as string, wantedMethod(incoming) as string, headers)
  if (status === 200) answer.push('Content-Length', '0')
  outgoing.writeHead(status, answer).end()
}

async function runExecution(parts: HttpParts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const who = principalOf(parts.authenticate, tokenOf(incoming))
  const known = who instanceof Promise ? await who : who
  requireTokenScope(known, toInvoke)
  await postExecution(parts, known, incoming, outgoing)
}
