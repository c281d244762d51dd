import type { ServerResponse } from 'node:http'
import { factsOf } from '../../domain/functions/signature.ts'
import type { NewId } from '../../domain/ids.ts'
import { takesRequest } from '../../domain/platform/worker.ts'
import type { Outcome } from '../../domain/runs/outcome.ts'
import type { AsyncRequests } from '../../services/runs/async-requests.ts'
import type { Invocation, RunRequest } from '../../services/runs/invocation.ts'
import { outcomeOfRecord } from '../../services/runs/recorded-outcome.ts'
import { ResponseCaller } from '../connection/caller.ts'
import { ResponseSink } from '../connection/response-sink.ts'
import { sendFunctionResponse } from '../functions/function-response.ts'
import { answerAcceptedCall } from '../openfaas/async-call.ts'
import type { AsyncRequest } from './async-request.ts'

interface Parts {
  invocation: Invocation
  newId: NewId
}

/**
 * Runs a function for a caller who waits, and responds with its result, or with its stream as it flows. `isOwn`: the caller
 * belongs to the function's project and may see where it failed.
 */
export async function answerWithRun(
  parts: Parts,
  request: RunRequest,
  outgoing: ServerResponse,
  isOwn: boolean,
): Promise<void> {
  const caller = new ResponseCaller(outgoing)
  const { failure } = factsOf(request.target.revision.signature)
  if (!takesRequest(request.target.revision)) {
    const { execution, outcome } = await parts.invocation.run({ ...request, caller })
    return sendFunctionResponse(outgoing, execution, outcome, { isOwn, failure })
  }
  const executionId = request.executionId ?? parts.newId()
  const sink = new ResponseSink(outgoing, executionId)
  const { signal } = caller
  const { execution, outcome } = await parts.invocation.run({ ...request, executionId, caller, sink, signal })
  if (sink.hasBegun) sink.finish(outcome)
  else sendFunctionResponse(outgoing, execution, outcome, { isOwn, failure })
}

/**
 * Accepts the run first, so that it continues even if its caller leaves. The response is the function's when it ends in time,
 * else 202 with the id. A repeated idempotency key is answered from the first run's record.
 */
export async function answerAcceptedRun(
  { asyncRequests }: { asyncRequests: AsyncRequests },
  request: RunRequest,
  { waitMs, key, applied, isFission, isOpenFaas }: AsyncRequest,
  outgoing: ServerResponse,
  isOwn: boolean,
): Promise<void> {
  let outcome: Outcome | undefined
  const onOutcome = (ended: Outcome) => {
    outcome = ended
  }
  const terms = key === undefined ? request.terms : { ...request.terms, key }
  const accepted = await asyncRequests.accept({ ...request, ...(terms !== undefined && { terms }), onOutcome })
  if (isFission) return answerAccepted(outgoing, accepted.id, true)
  if (isOpenFaas) return answerAcceptedCall(outgoing, accepted.id)
  const execution = await asyncRequests.waitFor(accepted, waitMs, new ResponseCaller(outgoing).signal)
  if (applied !== null) outgoing.setHeader('Preference-Applied', applied)
  if (execution === null || execution.status === 'running') return answerAccepted(outgoing, accepted.id)
  const { failure } = factsOf(request.target.revision.signature)
  sendFunctionResponse(outgoing, execution, outcome ?? outcomeOfRecord(execution), { isOwn, failure })
}

export function answerAccepted(outgoing: ServerResponse, executionId: string, isFission = false): void {
  const body = JSON.stringify(isFission ? { invocationId: executionId } : { execution_id: executionId })
  if (isFission) outgoing.setHeader('X-Fission-Invocation-Id', executionId)
  outgoing.writeHead(202, [
    ...['Content-Type', 'application/json', 'Content-Length', String(body.length)],
    ...['Location', `/v1/executions/${executionId}`, 'X-Execution-Id', executionId],
  ])
  outgoing.end(body)
}
