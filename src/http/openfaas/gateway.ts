import type { IncomingMessage, ServerResponse } from 'node:http'
import { FaasError, LimitReached } from '../../domain/errors.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Scope } from '../../domain/platform/scope.ts'
import { callerByBasicToken } from '../access/basic-token.ts'
import { callerAddress } from '../access/caller-address.ts'
import { requireTokenScope } from '../access/guard.ts'
import { pathOf, statusOfCode } from '../error-response.ts'
import { decodeName } from '../functions/function-call.ts'
import type { HttpParts } from '../server.ts'
import { type GatewayBody, namespace } from './deployment.ts'
import { FunctionOperations } from './function-operations.ts'
import { checkNamespace, type GatewayAnswer, type GatewayCall, gatewayBodyIn, type Operation } from './gateway-call.ts'
import { LogOperations } from './log-operations.ts'
import { SecretOperations } from './secret-operations.ts'

/** The gateway of OpenFaaS, for faas-cli and other clients: authentication, routing, and the format of errors. */

export type Gateway = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

export const isGatewayPath = (url: string): boolean => url.startsWith('/system/')

interface Route {
  operation: Operation
  scope: Scope
}

/** By method and path behind `/system/`; `*` stands for a function's name. */
type Routes = Record<string, Route>

export function makeGateway(parts: HttpParts): Gateway {
  const routes = routesOf(parts)
  return async (incoming, outgoing) => {
    try {
      send(outgoing, await answerOf(parts, routes, incoming, outgoing))
    } catch (error) {
      refuse(parts, incoming, outgoing, error)
    }
  }
}

function routesOf(parts: HttpParts): Routes {
  const functions = new FunctionOperations(parts)
  const secrets = new SecretOperations(parts)
  const logs = new LogOperations(parts)
  const reads = (operation: Operation): Route => ({ operation, scope: 'read' })
  const writes = (operation: Operation): Route => ({ operation, scope: 'deploy' })
  return {
    'GET functions': reads(functions.list),
    'POST functions': writes(functions.create),
    'PUT functions': writes(functions.update),
    'DELETE functions': writes(functions.delete),
    'GET function/*': reads(functions.get),
    'POST scale-function/*': writes(functions.scale),
    'GET secrets': reads(secrets.list),
    'POST secrets': writes(secrets.create),
    'PUT secrets': writes(secrets.update),
    'DELETE secrets': writes(secrets.delete),
    'GET logs': reads(logs.read),
    'GET info': reads(() => ({ status: 200, json: about(parts.gauges().version) })),
    'GET namespaces': reads(() => ({ status: 200, json: [namespace] })),
  }
}

const about = (version: string) => ({
  arch: process.arch === 'x64' ? 'x86_64' : process.arch,
  provider: { provider: 'taibai', orchestration: 'taibai', version: { release: version, sha: '' } },
  version: { release: version, sha: '', commit_message: '' },
})

async function answerOf(
  parts: HttpParts,
  routes: Routes,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<GatewayAnswer> {
  const { authenticate, settings, bodies } = parts
  const who = await callerByBasicToken(authenticate, incoming, settings.isOpen)
  const [path = '', query = ''] = (incoming.url as string).slice('/system/'.length).split(/\?(.*)/s)
  const [word = '', name] = path.replace(/\/$/, '').split('/', 2)
  const key = `${incoming.method} ${word}${name === undefined ? '' : '/*'}`
  const route = Object.hasOwn(routes, key) ? routes[key] : undefined
  if (route === undefined) throw new FaasError('not_found', `There is no ${incoming.method} /system/${path}.`)
  requireTokenScope(who, { scope: route.scope })
  if (route.scope === 'deploy' && incoming.method !== 'DELETE') parts.space.refuseMore()
  const limits = { maxBytes: settings.maxBodyBytes, isKnown: true, projectId: who.projectId }
  const given = gatewayBodyIn(await bodies.read(incoming, outgoing, limits))
  const call = { who, name: decodeName(name ?? ''), query: new URLSearchParams(query), given, incoming }
  checkNamespace(call)
  const answer = await route.operation(call)
  if (route.scope === 'deploy') note(parts, who, call, answer.status)
  return answer
}

function note({ audit, settings }: HttpParts, who: Principal, call: GatewayCall, status: number): void {
  const { incoming, name, given } = call
  audit.note(who, {
    action: 'Through the gateway of OpenFaaS',
    method: incoming.method as string,
    path: pathOf(incoming).slice(0, 500),
    subjectId: null,
    subjectName: (name || nameIn(given)).slice(0, 200),
    status,
    address: callerAddress(incoming, settings.trustProxy),
  })
}

const nameIn = ({ service, functionName, name }: GatewayBody): string =>
  [service, functionName, name].find((one) => typeof one === 'string') ?? ''

function send(outgoing: ServerResponse, { status, json, lines }: GatewayAnswer): void {
  const text =
    lines?.map((line) => `${JSON.stringify(line)}\n`).join('') ?? (json === undefined ? '' : JSON.stringify(json))
  const type = lines === undefined ? 'application/json' : 'application/x-ndjson'
  const body = Buffer.from(text)
  const headers = body.length > 0 || lines !== undefined ? { 'Content-Type': type } : {}
  outgoing
    .writeHead(status, { ...headers, 'X-Content-Type-Options': 'nosniff', 'Content-Length': body.length })
    .end(body)
}

/** Errors are plain text, as in the gateway. Unknown errors are logged. */
function refuse({ log, wrongTokens }: HttpParts, incoming: IncomingMessage, outgoing: ServerResponse, thrown: unknown) {
  const error = wrongTokens.counted(thrown, incoming)
  const isKnown = error instanceof FaasError && error.code !== 'internal'
  const status = isKnown ? statusOfCode[error.code] : 500
  const message = isKnown ? error.message : 'There was an internal server error; its log says what.'
  const keys = { method: incoming.method, path: pathOf(incoming), status, reason: message }
  if (status >= 500) log.error({ ...keys, err: thrown }, 'request failed')
  else log.debug(keys, 'request refused')
  if (outgoing.headersSent) return void outgoing.destroy()
  if (!incoming.complete) outgoing.setHeader('Connection', 'close')
  if (status === 429 || status === 503) {
    outgoing.setHeader('Retry-After', String(error instanceof LimitReached ? error.retryAfterSeconds : 1))
  }
  const body = Buffer.from(`${message}\n`)
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }
  outgoing.writeHead(status, { ...headers, 'Content-Length': body.length }).end(body)
}
