import { type OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import type { Handler } from 'hono'
import { guarded, scopeOf } from './access/guard.ts'
import type { EndpointDescription, ResponseBody } from './endpoint-description.ts'
import { refusalAnswers } from './error-response.ts'
import type { Env } from './request-context.ts'

export type HttpApp = OpenAPIHono<Env>

const described = new WeakMap<HttpApp, EndpointDescription[]>()

/** Descriptions of all bound endpoints: which tokens they need and which methods a path has is derived from them. */
export const endpointsOf = (app: HttpApp): readonly EndpointDescription[] => described.get(app) ?? []

/** Binds a handler and adds its description to /openapi.json, so that neither exists without the other. */
export function endpoint<P extends string>(
  app: HttpApp,
  about: EndpointDescription<P>,
  handler: Handler<Env, P>,
): void {
  describe(app, about)
  app.on(about.method.toUpperCase(), about.path, about.public === true ? handler : guarded(about, handler))
}

/** Describes an endpoint that `request-listener.ts` serves before the app. */
export function describe(app: HttpApp, about: EndpointDescription): void {
  const before = described.get(app)
  if (before === undefined) described.set(app, [about])
  else before.push(about)
}

/**
 * Registers every description with the document generator, once. It costs more than binding all handlers, so it is done at the
 * first request for the document.
 */
export function registerPaths(app: HttpApp): void {
  for (const about of endpointsOf(app)) app.openAPIRegistry.registerPath(documented(about))
}

function documented(about: EndpointDescription): RouteConfig {
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

function successAnswers(answers: Record<number, ResponseBody>): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, body]) => [status, { description: says(Number(status)), ...content(body) }]),
  )
}

function content(body: ResponseBody): { content?: Record<string, { schema: z.ZodType }> } {
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
