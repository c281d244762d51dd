import type { ServerResponse } from 'node:http'
import type { SignatureFacts } from '../../domain/functions/signature.ts'
import type { Execution } from '../../domain/runs/execution.ts'
import { failureText, loadFailureText, type Outcome, type Value } from '../../domain/runs/outcome.ts'
import { canWriteRawHead, writeRawHead } from '../connection/response-head.ts'
import { bodilessLength, hasBody, passedHeaders } from './function-headers.ts'

/** The recipient of a response: the function's own project or others, and how its signature reports failures. */
interface Answered {
  /** False: the caller sees what failed but not where, because a stack shows code and paths. */
  isOwn: boolean
  failure: SignatureFacts['failure']
}

/** The response to a finished call, with the execution's id and phases as headers. */
export function sendFunctionResponse(
  outgoing: ServerResponse,
  execution: Execution,
  outcome: Outcome,
  to: Answered,
): void {
  if (outcome.kind === 'returned') return answerValue(outgoing, execution, outcome.value)
  if (outcome.kind === 'streamed') return void outgoing.end()
  if (to.failure === 'gateway' && outcome.kind !== 'platform') {
    return send(outgoing, 502, ownHeaders(execution), 'application/json', gatewayFailure)
  }
  if (to.failure === 'value' && to.isOwn && outcome.kind === 'raised' && outcome.value !== undefined) {
    return send(outgoing, 502, ownHeaders(execution), 'application/json', outcome.value.body)
  }
  const { status, code } = failures[outcome.kind]
  const { error } = outcome
  const faultstring = error.during === 'load' ? capital(loadFailureText(error)) : failureText(error)
  const body = {
    faultcode: 'Server',
    faultstring,
    debuginfo: null,
    code,
    execution_id: execution.id,
    error: to.isOwn ? error : { ...error, stack: null },
  }
  const headers = ownHeaders(execution)
  if (status === 503) headers.push('Retry-After', '1')
  send(outgoing, status, headers, 'application/json', Buffer.from(JSON.stringify(body)))
}

const gatewayFailure = Buffer.from('{"message":"Internal Server Error"}')

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Failures of functions become the gateway statuses 502 and 504, so that our own 500 stays distinguishable. */
const failures = {
  raised: { status: 502, code: 'function_failed' },
  killed: { status: 502, code: 'function_killed' },
  timeout: { status: 504, code: 'function_timeout' },
  platform: { status: 503, code: 'platform_failed' },
} as const

const contentTypes = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  bytes: 'application/octet-stream',
} as const

function answerValue(outgoing: ServerResponse, execution: Execution, value: Value): void {
  const { http, body } = value
  if (http === undefined) return answerPlain(outgoing, execution, value)
  const headers = [...passedHeaders(http, outgoing), ...ownHeaders(execution)]
  const isWhole = hasBody(outgoing.req.method, http.status)
  headers.push(...(isWhole ? ['Content-Length', String(body.length)] : bodilessLength(http, body.length)))
  outgoing.writeHead(http.status, headers)
  if (isWhole) outgoing.end(body)
  else outgoing.end()
}

/** What most calls answer: with the head as one text where that is the same. */
function answerPlain(outgoing: ServerResponse, execution: Execution, { kind, body }: Value): void {
  const type = contentTypes[kind]
  if (body.length > longestTextWrite || !canWriteRawHead(outgoing)) {
    return send(outgoing, 200, ownHeaders(execution), type, body)
  }
  const own = `X-Execution-Id: ${execution.id}\r\nServer-Timing: ${serverTiming(execution)}\r\nContent-Type: ${type}`
  writeRawHead(outgoing, `${own}\r\n${nosniff}`, body.length, Date.now())
  outgoing.end(latin1Of(execution, kind, body), 'latin1')
}

const nosniff = 'X-Content-Type-Options: nosniff'

/**
 * With as many characters as bytes it is ASCII, and the text that was recorded is the same; but for U+FFFD, which stands in a text
 * for a byte that is no UTF-8.
 */
function latin1Of({ output }: Execution, kind: Value['kind'], body: Buffer): string {
  const isSame = kind === 'json' && output?.length === body.length && !output.includes('\ufffd')
  return isSame ? output : body.toString('latin1')
}

function send(outgoing: ServerResponse, status: number, headers: string[], type: string, body: Buffer): void {
  headers.push('Content-Type', type, 'X-Content-Type-Options', 'nosniff', 'Content-Length', String(body.length))
  outgoing.writeHead(status, headers)
  // Text is sent together with the head in one write; bytes would need a second.
  if (body.length <= longestTextWrite) outgoing.end(body.toString('latin1'), 'latin1')
  else outgoing.end(body)
}

/** Above this size, copying into one write costs more than a second write. */
const longestTextWrite = 16_384

function ownHeaders(execution: Execution): string[] {
  return ['X-Execution-Id', execution.id, 'Server-Timing', serverTiming(execution)]
}

function serverTiming({ phases, startKind, coldReason }: Execution): string {
  if (phases === null) return ''
  const start =
    startKind === null ? '' : `, start;desc="${coldReason === null ? startKind : `${startKind} ${coldReason}`}"`
  const { queue, acquire, load, resume, run, total } = phases
  const woken = resume === 0 ? '' : `, resume;dur=${ms(resume)}`
  return `queue;dur=${ms(queue)}, acquire;dur=${ms(acquire)}, load;dur=${ms(load)}${woken}, run;dur=${ms(run)}, total;dur=${ms(total)}${start}`
}

/** What stands behind the whole milliseconds, for each number of microseconds: fractions become text ten times slower. */
const decimals = Array.from({ length: 1000 }, (_, micros) => (micros === 0 ? '' : String(micros / 1000).slice(1)))

function ms(value: number): string {
  const micros = Math.round(value * 1000)
  return `${Math.trunc(micros / 1000)}${decimals[micros % 1000]}`
}
