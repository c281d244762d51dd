import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Authenticate, Principal } from '../domain/principal.ts'
import type { App } from './endpoint.ts'
import { sendError } from './error-response.ts'
import { sentTokenOf, whoAsks } from './middleware/auth.ts'
import { hostOfTarget, routedUrl } from './request-url.ts'
import { postExecution } from './routes/executions.ts'
import { invoke } from './routes/invoke.ts'
import type { HttpParts } from './server.ts'

type Direct = (who: Principal, incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/**
 * What listens on the port. The two routes that run functions are answered here, on Node's own request and response, and
 * everything else by the Hono app: its router, context and adapter cost a warm call a quarter of its time. The app has
 * both routes as well, for callers of other origins (CORS is its middleware) and for /openapi.json.
 */
export function makeListener(app: App, parts: HttpParts): RequestListener {
  const throughApp = getRequestListener(app.fetch, { overrideGlobalObjects: false })
  if (parts.settings.corsOrigins.length > 0) return throughApp
  const call: Direct = (who, incoming, outgoing) => invoke(parts, who, incoming, outgoing)
  const post: Direct = (who, incoming, outgoing) => postExecution(parts, who, incoming, outgoing)
  return (incoming, outgoing) => {
    const url = routed(incoming)
    if (url.startsWith('/fn/')) void serve(call, parts, incoming, outgoing)
    else if (url === '/v1/executions' && incoming.method === 'POST') void serve(post, parts, incoming, outgoing)
    else void throughApp(incoming, outgoing)
  }
}

/** From here on there is one URL, whoever reads it. */
function routed(incoming: IncomingMessage): string {
  const target = incoming.url as string
  const url = routedUrl(target)
  if (url === target) return url
  const host = hostOfTarget(target)
  if (host !== undefined) incoming.headers.host = host
  incoming.url = url
  return url
}

async function serve(
  direct: Direct,
  parts: HttpParts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const who = identified(parts.authenticate, incoming)
    await direct(who instanceof Promise ? await who : who, incoming, outgoing)
  } catch (error) {
    sendError(incoming, outgoing, error, parts.log)
  }
}

function identified(authenticate: Authenticate, { headers }: IncomingMessage): Principal | Promise<Principal> {
  return whoAsks(authenticate, sentTokenOf(headers['x-auth-token'] as string | undefined, headers.authorization))
}
