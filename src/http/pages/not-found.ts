import { FaasError } from '../../domain/errors.ts'
import { endpointsOf, type HttpApp } from '../endpoint.ts'
import type { EndpointDescription } from '../endpoint-description.ts'
import { errorBody } from '../error-response.ts'
import type { Ctx } from '../request-context.ts'

/** GET on these paths is answered with 404, as for a missing path. */
const actions = /\/(scale_up|scale_down|detach|invoke)$/

/** Responds to requests that matched no route: 404, 405 with the methods of the path, or those methods for OPTIONS. */
export function makeNotFound(verbsOf: MethodsOf): (c: Ctx) => Response {
  return (c) => {
    const { path } = c.req
    const isAction = actions.test(path)
    const verbs = isAction ? verbsOf(path).filter((verb) => verb !== 'GET') : verbsOf(path)
    if (verbs.length === 0 || (c.req.method === 'GET' && isAction)) {
      return c.json(errorBody(new FaasError('not_found', `There is nothing at ${path}.`)), 404)
    }
    const headers = { Allow: verbs.join(', ') }
    if (c.req.method === 'OPTIONS') return c.body(null, 200, headers)
    const message = `${c.req.method} is not possible here; ${path} takes ${headers.Allow}.`
    return c.json(errorBody(new FaasError('method_not_allowed', message)), 405, headers)
  }
}

/** The methods of a path, from the endpoint descriptions; none for a path that does not exist. */
export type MethodsOf = (path: string) => string[]

export function makeMethodsOf(app: HttpApp): MethodsOf {
  let patterns: { pattern: RegExp; verb: string }[] | undefined
  return (path) => {
    patterns ??= endpointsOf(app).map(({ path: described, method }) => {
      return { pattern: pathPattern(described), verb: method.toUpperCase() }
    })
    return [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ verb }) => verb))].sort()
  }
}

/** Whether a path needs a token. Unknown paths below /v1 need one too, so that nobody can guess paths. */
export function makeNeedsToken(app: HttpApp): (path: string) => boolean {
  let open: RegExp[] | undefined
  let closed: RegExp[] | undefined
  return (path) => {
    open ??= endpointsOf(app).flatMap((about) => (about.public ? publicPatterns(about) : []))
    if (open.some((pattern) => pattern.test(path))) return false
    closed ??= endpointsOf(app).map((about) => pathPattern(about.path))
    return path.startsWith('/v1/') || closed.some((pattern) => pattern.test(path))
  }
}

/** Patterns with and without a trailing slash where the path has no parameter: `/v1` and `/v1/`. */
function publicPatterns({ path, public: spelled }: EndpointDescription): RegExp[] {
  return [pathPattern(path, spelled === true ? {} : spelled), ...(path.includes(':') ? [] : [pathPattern(`${path}/`)])]
}

const pathPattern = (path: string, spelled: Record<string, RegExp> = {}): RegExp =>
  new RegExp(`^${path.replace(/:(\w+)/g, (_, name: string) => spelled[name]?.source ?? '[^/]+')}$`)
