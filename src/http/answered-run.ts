import type { ServerResponse } from 'node:http'
import type { NewId } from '../domain/ids.ts'
import { takesRequest } from '../domain/worker.ts'
import type { Invocation, RunRequest } from '../services/runs/invocation.ts'
import { ResponseCaller } from './caller.ts'
import { answer } from './function-answer.ts'
import { ResponseSink } from './response-sink.ts'

interface Parts {
  invocation: Invocation
  newId: NewId
}

/**
 * Runs a function for a caller who waits, and answers with what it returned, or with its stream as it flows. `isOwn`: the
 * caller is of its project, and may see where it failed.
 */
export async function answerWithRun(
  parts: Parts,
  request: RunRequest,
  outgoing: ServerResponse,
  isOwn: boolean,
): Promise<void> {
  const caller = new ResponseCaller(outgoing)
  if (!takesRequest(request.target.revision)) {
    const { execution, outcome } = await parts.invocation.run({ ...request, caller })
    return answer(outgoing, execution, outcome, isOwn)
  }
  const executionId = request.executionId ?? parts.newId()
  const sink = new ResponseSink(outgoing, executionId)
  const { signal } = caller
  const { execution, outcome } = await parts.invocation.run({ ...request, executionId, caller, sink, signal })
  if (sink.hasBegun) sink.finish(outcome)
  else answer(outgoing, execution, outcome, isOwn)
}
