import type { IncomingMessage, ServerResponse } from 'node:http'
import { type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import type { Change } from '../domain/audit.ts'
import type { DiskSpace } from '../domain/disk-space.ts'
import type { ErrorCode } from '../domain/errors.ts'
import type { Principal } from '../domain/principal.ts'
import type { Scope } from '../domain/scope.ts'
import type { Bodies } from './bodies.ts'
import { refusalAnswers } from './error-response.ts'
import { guarded, scopeOf } from './guard.ts'

export interface Env {
  /** Node's own request and response. */
  Bindings: { incoming: IncomingMessage; outgoing: ServerResponse }
  Variables: {
    /** Set by the authentication on every path that is not public. */
    who: Principal
    /** What reads the body of a request. */
    bodies: Bodies
    /** Id of the caller's function of that name or id. Throws FaasError `not_found`. */
    functionIdOf(who: Principal, nameOrId: string): string
    /** Keeps who changed what. */
    noteChange(who: Principal, change: Change): void
    trustsProxy: boolean
    /** The disk of the data folder. */
    space: DiskSpace
  }
}
export type App = OpenAPIHono<Env>
export type Ctx<P extends string = string> = Context<Env, P>

/** What an answer holds: a schema, or one of the forms that are not JSON. */
export type AnswerBody = z.ZodType | 'nothing' | 'zip' | 'tar' | 'text' | 'html' | 'lines' | 'events'

type Method = 'get' | 'post' | 'put' | 'delete' | 'patch' | 'head' | 'options'

export interface Described<P extends string = string> {
  method: Method
  /** As Hono writes it: `/v1/runtimes/:id`. */
  path: P
  tag: string
  /** One line: what it does. */
  summary: string
  /** What a caller must know beyond that. */
  description?: string
  /** Nobody needs a token; with patterns, only where the parameters of the path are spelled so. */
  public?: true | Record<string, RegExp>
  /** Of which a token must have one; absent: `read` for GET, `deploy` for what changes something. */
  scope?: Scope | readonly Scope[]
  /**
   * What is asked of a token of one function. `path`: the parameter `id` must name that one; `checked`: the service looks;
   * `free`: nothing. Absent: it has no business here.
   */
  onlyFunction?: 'path' | 'checked' | 'free'
  query?: z.ZodObject
  /** JSON body, or one schema for each media type. */
  body?: z.ZodType | Record<string, z.ZodType>
  answers: Record<number, AnswerBody>
  /** Codes of the errors that this route is known for; 401 and 500 go without saying. */
  refusals?: ErrorCode[]
}

const described = new WeakMap<App, Described[]>()

/** What the app answers, as it was described when it was bound: who needs a token and which verbs there are follow from it. */
export const endpointsOf = (app: App): readonly Described[] => described.get(app) ?? []

/** Binds a handler and notes its line in /openapi.json, so that neither exists without the other. */
export function endpoint<P extends string>(app: App, about: Described<P>, handler: Handler<Env, P>): void {
  describe(app, about)
  app.on(about.method.toUpperCase(), about.path, about.public === true ? handler : guarded(about, handler))
}

/** The line of what is answered in front of the app (`front.ts`). */
export function describe(app: App, about: Described): void {
  const before = described.get(app)
  if (before === undefined) described.set(app, [about])
  else before.push(about)
}

/** Hands every line to what writes the document; once. It costs more than binding them all: a server that nobody asks does without. */
export function registerPaths(app: App): void {
  for (const about of endpointsOf(app)) app.openAPIRegistry.registerPath(documented(about))
}

function documented(about: Described): RouteConfig {
  const names = [...about.path.matchAll(/:(\w+)/g)].map((match) => match[1] as string)
  const params = z.object(Object.fromEntries(names.map((name) => [name, z.string()])))
  return {
    method: about.method,
    path: about.path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}'),
    tags: [about.tag],
    summary: about.summary,
    ...(about.description && { description: about.description }),
    security: about.public ? [] : [{ token: [...scopeOf(about)] }, { bearer: [...scopeOf(about)] }],
    request: {
      ...(names.length > 0 && { params }),
      ...(about.query && { query: about.query }),
      ...(about.body && { body: { content: requestContent(about.body) } }),
    },
    responses: { ...successAnswers(about.answers), ...refusalAnswers(about) },
  }
}

function requestContent(body: z.ZodType | Record<string, z.ZodType>): Record<string, { schema: z.ZodType }> {
  const byType = body instanceof z.ZodType ? { 'application/json': body } : body
  return Object.fromEntries(Object.entries(byType).map(([type, schema]) => [type, { schema }]))
}

const binary = z.any().openapi({ type: 'string', format: 'binary' })
const notJson = {
  zip: 'application/zip',
  tar: 'application/x-tar',
  text: 'text/plain',
  html: 'text/html',
  lines: 'application/x-ndjson',
  events: 'text/event-stream',
} as const

function successAnswers(answers: Record<number, AnswerBody>): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, body]) => [status, { description: says(Number(status)), ...content(body) }]),
  )
}

function content(body: AnswerBody): { content?: Record<string, { schema: z.ZodType }> } {
  if (body === 'nothing') return {}
  if (body instanceof z.ZodType) return { content: { 'application/json': { schema: body } } }
  return { content: { [notJson[body]]: { schema: body === 'zip' || body === 'tar' ? binary : z.string() } } }
}

const words: Record<number, string> = {
  201: 'Created.',
  202: 'Accepted.',
  204: 'Done; no body.',
  302: 'Moved.',
  503: 'Not there.',
}
const says = (status: number): string => words[status] ?? 'As asked.'
