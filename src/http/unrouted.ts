import { FaasError } from '../domain/errors.ts'
import type { App, Ctx } from './endpoint.ts'
import { errorBody } from './error-response.ts'

/** A wrong verb on these is a path that does not exist, to GET. */
const actions = /\/(scale_up|scale_down|detach|invoke)$/

/** Answers what no route took: 404, 405 with the verbs that the path has, or its verbs to OPTIONS. */
export function makeUnrouted(verbsOf: VerbsOf): (c: Ctx) => Response {
  return (c) => {
    const { path } = c.req
    const verbs = verbsOf(path)
    if (verbs.length === 0 || (c.req.method === 'GET' && actions.test(path))) {
      return c.json(errorBody(new FaasError('not_found', `There is nothing at ${path}.`)), 404)
    }
    const headers = { Allow: verbs.join(', ') }
    if (c.req.method === 'OPTIONS') return c.body(null, 200, headers)
    const message = `${c.req.method} is not possible here; ${path} takes ${headers.Allow}.`
    return c.json(errorBody(new FaasError('method_not_allowed', message)), 405, headers)
  }
}

/** The verbs of a path, from the routes as they were bound; none for a path that does not exist. */
export type VerbsOf = (path: string) => string[]

export function makeVerbsOf(app: App): VerbsOf {
  let patterns: { pattern: RegExp; verb: string }[] | undefined
  return (path) => {
    patterns ??= app.routes
      .filter((route) => route.method !== 'ALL')
      .map((route) => ({ pattern: patternOf(route.path), verb: route.method }))
    return [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ verb }) => verb))].sort()
  }
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`)
