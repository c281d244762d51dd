import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { invalid } from '../../domain/errors.ts'
import { factsOf } from '../../domain/functions/signature.ts'
import type { CallInput, Revision } from '../../domain/platform/worker.ts'
import type { Invocation, RunRequest } from '../../services/runs/invocation.ts'
import { ResponseCaller } from '../connection/caller.ts'
import { sendFunctionResponse } from '../functions/function-response.ts'
import { responseOf } from './activation-record.ts'
import { errorIn, send } from './web-actions.ts'
import { webParams } from './web-params.ts'
import { webAnswer } from './web-response.ts'
import { WhiskError } from './whisk-error.ts'

/** A webhook of an action is called like a web action: with `__ow_*` parameters and the `.http` response. */

export const isAction = ({ signature }: Pick<Revision, 'signature'>): boolean =>
  factsOf(signature).events === 'openwhisk'

/** `names`: of the headers that it may see. Throws FaasError `invalid_request`. */
export function inputOfAction(incoming: IncomingMessage, names: ReadonlySet<string>, body: Buffer): CallInput {
  const { method, url } = incoming
  const seen = Object.entries(incoming.headers).filter(([name]) => names.has(name))
  const headers: IncomingHttpHeaders = Object.fromEntries(seen)
  const query = (url ?? '').split('?').slice(1).join('?')
  try {
    const params = webParams({ method: method ?? 'POST', path: '', query, headers, body, isRaw: false })
    const text = JSON.stringify(params)
    return { kind: 'json', body: Buffer.from(text), text }
  } catch (error) {
    throw error instanceof WhiskError ? invalid(error.message) : error
  }
}

export async function answerAsWebAction(
  { invocation }: { invocation: Invocation },
  request: RunRequest,
  outgoing: ServerResponse,
): Promise<void> {
  const { execution, outcome } = await invocation.run({ ...request, caller: new ResponseCaller(outgoing) })
  const { statusCode, success, result } = responseOf(execution, request.target.revision.timeoutMs)
  if (statusCode > 1) return sendFunctionResponse(outgoing, execution, outcome, { isOwn: false, failure: 'fault' })
  outgoing.setHeader('X-Execution-Id', execution.id)
  send(outgoing, webAnswerOf(success ? result : errorIn(result)))
}

function webAnswerOf(result: unknown) {
  try {
    return webAnswer(result, 'http')
  } catch (error) {
    if (!(error instanceof WhiskError)) throw error
    const body = Buffer.from(JSON.stringify({ error: error.message }))
    return { status: error.status, headers: [['content-type', 'application/json']] as [string, string][], body }
  }
}
