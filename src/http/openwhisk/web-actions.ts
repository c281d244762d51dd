import type { IncomingMessage, ServerResponse } from 'node:http'
import { FaasError } from '../../domain/errors.ts'
import type { WhiskEntityStore } from '../../domain/functions/openwhisk.ts'
import { type Authenticate, type Principal, refuseOtherFunctions } from '../../domain/platform/principal.ts'
import { requireTokenScope, toInvoke } from '../access/guard.ts'
import type { Bodies } from '../connection/bodies.ts'
import type { HttpSettings } from '../settings.ts'
import { responseOf } from './activation-record.ts'
import { callerOf, headersForAction } from './caller.ts'
import type { Action, Catalogue } from './catalogue.ts'
import { defaultWaitMs } from './invoke-operations.ts'
import { isOn, valueOfKey } from './key-values.ts'
import { webParams } from './web-params.ts'
import { type Extension, splitExtension, type WebAnswer, webAnswer } from './web-response.ts'
import { WhiskError, whiskBadRequest, whiskNotFound } from './whisk-error.ts'
import { activationIdOf, immutableOf, type WhiskRuns } from './whisk-runs.ts'

interface Parts {
  http: { authenticate: Authenticate; bodies: Bodies; settings: HttpSettings }
  entities: WhiskEntityStore
  catalogue: Catalogue
  runs: WhiskRuns
}

const verbs = ['OPTIONS', 'GET', 'DELETE', 'POST', 'PUT', 'HEAD', 'PATCH']
const usualHeaders = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent'

/** The web action and path that a URL addresses. */
interface Place {
  action: Action
  extension: Extension
  /** The path behind the name; empty: none. */
  path: string
  user: Principal | null
}

/** Web actions: callers need no token, and the result is an HTTP response. */
export class WebActions {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `segments`: of the path behind `/api/v1/web`, decoded. Throws WhiskError. */
  async answer(segments: string[], query: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const place = await this.#find(segments, incoming)
    const { annotations } = place.action.entity.fields
    if (!isOn(annotations, 'web-custom-options')) {
      allowOrigins(incoming, outgoing)
      if (incoming.method === 'OPTIONS') return void outgoing.writeHead(200, { 'Content-Length': 0 }).end()
    }
    checkSecret(valueOfKey(annotations, 'require-whisk-auth'), place, incoming)
    if (!verbs.includes(incoming.method as string)) throw new WhiskError(405, 'The HTTP method is not allowed.')
    const { bodies, settings } = this.#parts.http
    const limits = { maxBytes: settings.maxBodyBytes, isKnown: false, projectId: place.action.fn.projectId }
    const body = await bodies.read(incoming, outgoing, limits)
    await this.#run(place, query, body, incoming, outgoing)
  }

  async #run(place: Place, query: string, body: Buffer, incoming: IncomingMessage, outgoing: ServerResponse) {
    const { action, path, user, extension } = place
    const { method } = incoming
    const headers = headersForAction(incoming, user !== null)
    const isRaw = isOn(action.entity.fields.annotations, 'raw-http')
    const web = { method: method as string, path, query, headers, body, user: user?.projectId, isRaw }
    const params = webParams(web, immutableOf(action))
    const who: Principal = {
      projectId: action.fn.projectId,
      roles: [],
      isAdmin: false,
      ...(user?.from && { from: user.from }),
    }
    const request = { ...this.#parts.runs.request(who, action, params), trigger: 'http' as const }
    const activationId = activationIdOf(request.executionId)
    outgoing.setHeader('X-Openwhisk-Activation-Id', activationId)
    const finished = await this.#parts.runs.run(request, defaultWaitMs)
    if (finished === null) return sendJson(outgoing, 202, { activationId })
    const response = responseOf(finished.execution, action.entity.fields.limits?.timeout ?? 0)
    if (response.statusCode > 1)
      throw response.statusCode === 2 ? whiskBadRequest(failedText) : new WhiskError(500, failedText)
    send(outgoing, webAnswer(response.success ? response.result : errorIn(response.result), extension))
  }

  async #find([space, pkg, last, ...rest]: string[], incoming: IncomingMessage): Promise<Place> {
    if (space === undefined || pkg === undefined || last === undefined || last === '') throw whiskNotFound()
    const user = await this.#userOf(incoming)
    const projectId = space === '_' ? (user?.projectId ?? this.#onlyProject()) : space
    const who: Principal = { projectId, roles: [], isAdmin: false }
    const { name, extension } = splitExtension(last)
    const within = pkg === 'default' ? name : `${pkg}/${name}`
    const action = this.#parts.catalogue.perhapsAction(who, within)
    if (action === null || !isOn(action.entity.fields.annotations, 'web-export')) throw whiskNotFound()
    return { action, extension, path: rest.length === 0 ? '' : `/${rest.join('/')}`, user }
  }

  /** Authentication is optional. */
  async #userOf(incoming: IncomingMessage): Promise<Principal | null> {
    const { authorization, 'x-auth-token': own } = incoming.headers
    if (authorization === undefined && own === undefined) return null
    try {
      return await callerOf(this.#parts.http.authenticate, incoming, false)
    } catch {
      return null
    }
  }

  #onlyProject(): string {
    const projects = this.#parts.entities.projects()
    if (projects.length !== 1) throw whiskNotFound()
    return projects[0] as string
  }
}

const failedText = 'There was an error processing your request.'

export const errorIn = (result: unknown): unknown => (result as { error?: unknown } | null)?.error

/** A string or number is the secret itself; `true` requires a token that may invoke this action. */
function checkSecret(wanted: unknown, { user, action }: Place, { headers }: IncomingMessage): void {
  const isGiven =
    typeof wanted === 'string' || typeof wanted === 'number'
      ? headers['x-require-whisk-auth'] === String(wanted)
      : wanted !== true || user !== null
  if (!isGiven) throw new FaasError('unauthenticated', 'The web action asks for authentication.')
  if (wanted !== true || user === null) return
  requireTokenScope(user, toInvoke)
  refuseOtherFunctions(user, action.fn.id)
}

function allowOrigins({ headers }: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.setHeader('Access-Control-Allow-Origin', '*')
  outgoing.setHeader('Access-Control-Allow-Methods', verbs.join(', '))
  outgoing.setHeader('Access-Control-Allow-Headers', headers['access-control-request-headers'] ?? usualHeaders)
}

/** The action's own CORS and content-type-options headers replace ours: browsers refuse a repeated origin header. */
export function send(outgoing: ServerResponse, { status, headers, body }: WebAnswer): void {
  for (const name of outgoing.getHeaderNames()) if (headers.some(([said]) => said === name)) outgoing.removeHeader(name)
  for (const [name, value] of headers) outgoing.appendHeader(name, value)
  if (!outgoing.hasHeader('x-content-type-options')) outgoing.setHeader('X-Content-Type-Options', 'nosniff')
  if (status !== 204 && status !== 304) outgoing.setHeader('Content-Length', body.length)
  outgoing.writeHead(status).end(status === 204 || status === 304 ? undefined : body)
}

function sendJson(outgoing: ServerResponse, status: number, json: object): void {
  send(outgoing, { status, headers: [['content-type', 'application/json']], body: Buffer.from(JSON.stringify(json)) })
}
