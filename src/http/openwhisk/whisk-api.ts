import type { IncomingMessage, ServerResponse } from 'node:http'
import { LimitReached } from '../../domain/errors.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { callerAddress } from '../access/caller-address.ts'
import { requireTokenScope } from '../access/guard.ts'
import { pathOf } from '../error-response.ts'
import { decodeName } from '../functions/function-call.ts'
import type { HttpParts } from '../server.ts'
import { aboutApi, limitsShown } from './about.ts'
import { ActionOperations } from './action-operations.ts'
import { ActivationOperations } from './activation-operations.ts'
import { AlarmFeed, systemSpace } from './alarm-feed.ts'
import { callerOf } from './caller.ts'
import { Catalogue } from './catalogue.ts'
import { InvokeOperations } from './invoke-operations.ts'
import { PackageOperations } from './package-operations.ts'
import { type Collection, type Route, routeOf } from './routes.ts'
import { RuleJobs } from './rule-jobs.ts'
import { RuleOperations } from './rule-operations.ts'
import { TriggerOperations } from './trigger-operations.ts'
import { WebActions } from './web-actions.ts'
import type { WhiskAnswer } from './whisk-call.ts'
import { asWhiskError, WhiskError, whiskNotFound } from './whisk-error.ts'
import { WhiskRuns } from './whisk-runs.ts'

/** The API of Apache OpenWhisk: authentication, routing, and the format of responses and errors. */

export type WhiskApi = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

export const isWhiskPath = (url: string): boolean => /^\/api\/v1(?:[/?]|$)/.test(url)

type Parts = HttpParts & { collections: Record<string, Collection>; web: WebActions; alarms: AlarmFeed }

export function makeWhiskApi(http: HttpParts): WhiskApi {
  const parts = { ...http, ...operationsOf(http) }
  return async (incoming, outgoing) => {
    try {
      const answer = await answerOf(parts, incoming, outgoing)
      if (answer !== null) send(outgoing, answer)
    } catch (error) {
      refuse(parts, incoming, outgoing, error)
    }
  }
}

function operationsOf(parts: HttpParts): Pick<Parts, 'collections' | 'web' | 'alarms'> {
  const { functions, runtimes, whiskEntities: entities, shares, clock, newId, executions } = parts
  const catalogue = new Catalogue({ functions, runtimes, entities, shares, clock, newId })
  const runs = new WhiskRuns(parts)
  const maxCodeBytes = parts.settings.maxPackageBytes
  const ruleJobs = new RuleJobs({ catalogue, jobs: parts.jobs, clock })
  const onChange = (who: Principal, gone?: string) => ruleJobs.settle(who, gone)
  const actions = new ActionOperations({ catalogue, functions, runtimes, maxCodeBytes, onChange })
  const { refresh, ...packages } = bound(new PackageOperations({ catalogue, actions }))
  const { fire, ...triggers } = bound(new TriggerOperations({ catalogue, runs, ruleJobs }))
  const { switch: act, ...rules } = bound(new RuleOperations({ catalogue, ruleJobs }))
  const invoke = new InvokeOperations({ catalogue, runs })
  const { logs, result, ...activations } = bound(new ActivationOperations({ catalogue, executions }))
  const collections = {
    actions: { ...bound(actions), act: invoke.invoke, isDeep: true },
    activations: { ...activations, parts: { logs, result } },
    packages: { ...packages, act: refresh },
    triggers: { ...triggers, act: fire },
    rules: { ...rules, act },
  }
  const alarms = new AlarmFeed({ catalogue, ruleJobs, newId })
  return { collections, alarms, web: new WebActions({ http: parts, entities, catalogue, runs }) }
}

/** Null: the response has already been sent. */
async function answerOf(
  parts: Parts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<WhiskAnswer | null> {
  const url = incoming.url as string
  const at = url.indexOf('?')
  const [path, query] = at === -1 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
  const segments = path.split('/').slice(3).map(decodeName)
  const method = incoming.method as string
  if (segments.length === 0 || segments[0] === '') return { status: 200, json: aboutApi() }
  if (segments[0] === 'web') {
    await parts.web.answer(segments.slice(1), query, incoming, outgoing)
    return null
  }
  const who = await callerOf(parts.authenticate, incoming, parts.settings.isOpen)
  const [first, space, ...rest] = segments
  if (first !== 'namespaces' || (space === undefined && method !== 'GET')) throw whiskNotFound()
  if (space === undefined || space === '') return { status: 200, json: [who.projectId] }
  if (space === systemSpace) return ofSystem(parts, who, method, rest, new URLSearchParams(query), incoming, outgoing)
  checkSpace(who, space)
  if (rest.length === 1 && rest[0] === 'limits') return { status: 200, json: limitsShown() }
  const route = routeOf(parts.collections, method, rest)
  if (route === null) throw whiskNotFound()
  requireTokenScope(who, { scope: route.scope })
  if (method === 'PUT') parts.space.refuseMore()
  const body = await bodyOf(parts, who, route, incoming, outgoing)
  const { operation, name } = route
  const answer = await operation({ who, name, query: new URLSearchParams(query), body, incoming, outgoing })
  if (route.scope === 'deploy') note(parts, who, incoming, name, answer.status)
  return answer
}

/** The platform's own package: the alarms. */
async function ofSystem(
  parts: Parts,
  who: Principal,
  method: string,
  [word, ...rest]: string[],
  query: URLSearchParams,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<WhiskAnswer> {
  if (method === 'GET' && rest.length === 0) return { status: 200, json: [] }
  if (method !== 'POST' || word !== 'actions') throw whiskNotFound()
  requireTokenScope(who, { scope: 'deploy' })
  const body = await bodyOf(parts, who, { takesCode: false }, incoming, outgoing)
  const name = rest.join('/')
  const answer = await parts.alarms.act({ who, name, query, body, incoming, outgoing })
  note(parts, who, incoming, name, answer.status)
  return answer
}

function checkSpace(who: Principal, space: string): void {
  if (space === '_' || space === who.projectId) return
  const message = `The supplied authentication is not authorized to access '${space.slice(0, 100)}': write _ for your own namespace.`
  throw new WhiskError(403, message)
}

function bodyOf(
  { bodies, settings }: Parts,
  { projectId }: Principal,
  { takesCode }: Pick<Route, 'takesCode'>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) {
  const { maxBodyBytes, maxPackageBytes } = settings
  const maxBytes = takesCode ? maxBodyBytes + Math.ceil((maxPackageBytes * 4) / 3) : maxBodyBytes
  return bodies.read(incoming, outgoing, { maxBytes, isKnown: true, projectId })
}

function note(
  { audit, settings }: Parts,
  who: Principal,
  incoming: IncomingMessage,
  name: string,
  status: number,
): void {
  audit.note(who, {
    action: 'Through the API of OpenWhisk',
    method: incoming.method as string,
    path: pathOf(incoming).slice(0, 500),
    subjectId: null,
    subjectName: name,
    status,
    address: callerAddress(incoming, settings.trustProxy),
  })
}

function send(outgoing: ServerResponse, { status, json, headers }: WhiskAnswer): void {
  if (json === undefined) return void outgoing.writeHead(status, headers).end()
  const body = Buffer.from(JSON.stringify(json))
  outgoing.writeHead(status, { ...headers, 'Content-Type': 'application/json', 'Content-Length': body.length })
  outgoing.end(body)
}

/** Unknown errors are logged. The unread rest of the request is not awaited. */
function refuse(parts: Parts, incoming: IncomingMessage, outgoing: ServerResponse, thrown: unknown): void {
  const { log, wrongTokens, newId } = parts
  const counted = wrongTokens.counted(thrown, incoming)
  const error = asWhiskError(counted) ?? new WhiskError(500, 'There was an internal server error; its log says what.')
  const { status, message } = error
  const keys = { method: incoming.method, path: pathOf(incoming), status, reason: message }
  if (status >= 500) log.error({ ...keys, err: thrown }, 'request failed')
  else log.debug(keys, 'request refused')
  if (outgoing.headersSent) return void outgoing.destroy()
  if (!incoming.complete) outgoing.setHeader('Connection', 'close')
  const seconds = counted instanceof LimitReached ? counted.retryAfterSeconds : 1
  const retry: Record<string, string> = status === 429 || status === 503 ? { 'Retry-After': String(seconds) } : {}
  send(outgoing, { status, json: { error: message, code: newId().replaceAll('-', '') }, headers: retry })
}

/** The operations of an object, which are own properties. */
const bound = <T extends object>(operations: T): T => ({ ...operations })
