import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { RunOptions } from '../../domain/runs/run-options.ts'

/** `X-Callback-Url` of an asynchronous call: the response is posted there. Undefined: no callback. */
export function callbackTerms(name: string, headers: IncomingHttpHeaders, isOwn: boolean): RunOptions | undefined {
  const url = headers['x-callback-url']
  if (url === undefined || url === '') return undefined
  if (!isOwn) throw new FaasError('forbidden', 'X-Callback-Url is for callers of the project: send a token of it.')
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    throw invalid('X-Callback-Url must be a whole URL of http or https, without a password.')
  }
  const to = { url: parsed.href, callback: name }
  return { onSuccess: to, onFailure: to }
}

/** Responds as the gateway does, without a body. */
export function answerAcceptedCall(outgoing: ServerResponse, executionId: string): void {
  outgoing.writeHead(202, ['X-Call-Id', executionId, 'X-Execution-Id', executionId, 'Content-Length', '0']).end()
}
