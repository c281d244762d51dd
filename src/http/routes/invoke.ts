import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { FaasError } from '../../domain/errors.ts'
import type { NewId } from '../../domain/ids.ts'
import { inputFromBody } from '../../domain/input.ts'
import type { Principal } from '../../domain/principal.ts'
import { takesRequest } from '../../domain/worker.ts'
import type { Targets } from '../../services/functions/targets.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import { ResponseCaller } from '../caller.ts'
import { readIncoming } from '../direct.ts'
import type { App, Ctx } from '../endpoint.ts'
import { answer } from '../function-answer.ts'
import { placeOf, requestHead } from '../function-call.ts'
import { ResponseSink } from '../response-sink.ts'

export interface InvokeParts {
  targets: Targets
  invocation: Invocation
  newId: NewId
  settings: { maxBodyBytes: number; trustProxy: boolean }
}

/**
 * `ANY /fn/{name}` and below: the body is the event, the answer the function's value. Reads and writes Node's own request and
 * response: this is the path that must be fast.
 */
export function bindInvoke(app: App, parts: InvokeParts): void {
  const handler = async (c: Ctx) => {
    const { incoming, outgoing } = c.env
    if (incoming === undefined || outgoing === undefined)
      throw new FaasError('not_supported', 'Functions are called over a port.')
    await invoke(parts, c.get('who'), incoming as IncomingMessage, outgoing as ServerResponse)
    return RESPONSE_ALREADY_SENT
  }
  app.all('/fn/:name', handler)
  app.all('/fn/:name/*', handler)
}

export async function invoke(
  parts: InvokeParts,
  who: Principal,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const place = placeOf(incoming.url as string)
  const target = parts.targets.byName(who, place.name)
  const body = await readIncoming(incoming, parts.settings.maxBodyBytes)
  const caller = new ResponseCaller(outgoing)
  const request = { target, projectId: who.projectId, trigger: 'http' as const, caller }
  if (!takesRequest(target.revision)) {
    const input = inputFromBody(body, incoming.headers['content-type'], target.revision.signature)
    const { execution, outcome } = await parts.invocation.run({ ...request, input })
    return answer(outgoing, execution, outcome)
  }
  const http = requestHead(incoming, place, parts.settings.trustProxy)
  const executionId = parts.newId()
  const sink = new ResponseSink(outgoing, executionId)
  const input = { kind: body.length === 0 ? ('none' as const) : ('bytes' as const), body }
  const { execution, outcome } = await parts.invocation.run({
    ...request,
    executionId,
    input,
    http,
    sink,
    signal: caller.signal,
  })
  if (sink.hasBegun) sink.finish(outcome)
  else answer(outgoing, execution, outcome)
}
