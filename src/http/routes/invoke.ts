import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { FaasError } from '../../domain/errors.ts'
import type { Execution } from '../../domain/execution.ts'
import type { NewId } from '../../domain/ids.ts'
import { inputFromBody } from '../../domain/input.ts'
import { failureText, type HttpHead, type Outcome, type Value } from '../../domain/outcome.ts'
import type { Principal } from '../../domain/principal.ts'
import type { HttpRequestHead, StreamSink } from '../../domain/worker.ts'
import type { Targets } from '../../services/functions/targets.ts'
import type { Invocation } from '../../services/runs/invocation.ts'
import { readIncoming } from '../direct.ts'
import type { App, Ctx } from '../endpoint.ts'

export interface InvokeParts {
  targets: Targets
  invocation: Invocation
  newId: NewId
  settings: { maxBodyBytes: number }
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

const prefix = '/fn/'

export async function invoke(
  parts: InvokeParts,
  who: Principal,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { name, below } = splitUrl(incoming.url as string)
  const target = parts.targets.byName(who, name)
  const body = await readIncoming(incoming, parts.settings.maxBodyBytes)
  const request = { target, projectId: who.projectId, trigger: 'http' as const }
  const { signature, kind } = target.revision
  if (signature !== 'http' && kind !== 'http') {
    const input = inputFromBody(body, incoming.headers['content-type'], signature)
    const { execution, outcome } = await parts.invocation.run({ ...request, input })
    return answer(outgoing, execution, outcome)
  }
  const http = requestHead(incoming, below)
  const executionId = parts.newId()
  const sink = new ResponseSink(outgoing, executionId)
  const input = { kind: body.length === 0 ? ('none' as const) : ('bytes' as const), body }
  const { execution, outcome } = await parts.invocation.run({
    ...request,
    executionId,
    input,
    http,
    sink,
    signal: goneSignal(outgoing),
  })
  if (sink.hasBegun) sink.finish(outcome)
  else answer(outgoing, execution, outcome)
}

/** `/fn/hello/a/b?c=1` → the function's name and what it sees as the request's target. */
function splitUrl(url: string): { name: string; below: string } {
  const rest = url.slice(url.indexOf(prefix) + prefix.length)
  const end = rest.search(/[/?]/)
  if (end === -1) return { name: decode(rest), below: '/' }
  const below = rest.slice(end)
  return { name: decode(rest.slice(0, end)), below: below.startsWith('/') ? below : `/${below}` }
}

/** What cannot be decoded is the name of no function. */
function decode(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Headers that concern one connection, and our own token: not the function's. */
const notPassed = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'x-auth-token',
])

/** The caller's request as the function sees it. Authorization is the function's when the caller came with X-Auth-Token. */
function requestHead(incoming: IncomingMessage, target: string): HttpRequestHead {
  const headers: [string, string][] = []
  const oursIsBearer = incoming.headers['x-auth-token'] === undefined
  const { rawHeaders } = incoming
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase()
    if (!notPassed.has(name) && !(oursIsBearer && name === 'authorization'))
      headers.push([name, rawHeaders[at + 1] as string])
  }
  return { method: incoming.method as string, target, headers }
}

/** Fires when the caller has gone before the answer was complete. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort()
  })
  return controller.signal
}

function answer(outgoing: ServerResponse, execution: Execution, outcome: Outcome): void {
  if (outcome.kind === 'returned') return answerValue(outgoing, execution, outcome.value)
  if (outcome.kind === 'streamed') return void outgoing.end()
  const { status, code } = failures[outcome.kind]
  const faultstring = failureText(outcome.error)
  const body = {
    faultcode: 'Server',
    faultstring,
    debuginfo: null,
    code,
    execution_id: execution.id,
    error: outcome.error,
  }
  const headers = ownHeaders(execution)
  if (status === 503) headers.push('Retry-After', '1')
  send(outgoing, status, headers, 'application/json', Buffer.from(JSON.stringify(body)))
}

/** The function's failures are the gateway's 502 and 504, so that our own 500 stays distinguishable. */
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
  if (value.http === undefined) return send(outgoing, 200, ownHeaders(execution), contentTypes[value.kind], value.body)
  outgoing.writeHead(value.http.status, [
    ...passedHeaders(value.http),
    ...ownHeaders(execution),
    'Content-Length',
    String(value.body.length),
  ])
  outgoing.end(value.body)
}

function send(outgoing: ServerResponse, status: number, headers: string[], type: string, body: Buffer): void {
  headers.push('Content-Type', type, 'Content-Length', String(body.length))
  outgoing.writeHead(status, headers)
  // Text leaves together with the head in one write; bytes would need a second.
  if (body.length <= longestTextWrite) outgoing.end(body.toString('latin1'), 'latin1')
  else outgoing.end(body)
}

/** Beyond this, copying into one write costs more than the second one. */
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

const ms = (value: number): number => Math.round(value * 1000) / 1000

/** The function's headers, without those that are the connection's or ours. The length is what is sent, not what is said. */
function passedHeaders({ headers }: HttpHead): string[] {
  const passed: string[] = []
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (!notPassed.has(lower) && lower !== 'content-length' && lower !== 'x-execution-id') passed.push(name, value)
  }
  return passed
}

/** The length that a function announces; null when it announces none, or several. */
function announcedLength({ headers }: HttpHead): number | null {
  const [length, ...more] = headers.filter(([name]) => name.toLowerCase() === 'content-length')
  return length !== undefined && more.length === 0 && /^\d{1,15}$/.test(length[1]) ? Number(length[1]) : null
}

/**
 * A streamed answer on its way to the caller. One that is longer or shorter than announced is cut off with its connection:
 * what comes next on it, perhaps for another caller of the same proxy, would be taken for a part of this answer, or the
 * other way round.
 */
class ResponseSink implements StreamSink {
  hasBegun = false
  #outgoing: ServerResponse
  #executionId: string
  /** Bytes that are still to come; null: the end says where it is. */
  #left: number | null = null
  #draining: Promise<void> | null = null

  constructor(outgoing: ServerResponse, executionId: string) {
    this.#outgoing = outgoing
    this.#executionId = executionId
  }

  head(head: HttpHead): void {
    this.hasBegun = true
    const headers = [...passedHeaders(head), 'X-Execution-Id', this.#executionId]
    const length = announcedLength(head)
    if (length !== null && head.status !== 204) headers.push('Content-Length', String(length))
    if (this.#hasBody(head.status)) this.#left = length
    this.#outgoing.writeHead(head.status, headers)
    this.#outgoing.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    if (this.#outgoing.destroyed) return true
    if (this.#left !== null) {
      this.#left -= chunk.length
      if (this.#left < 0) return this.#cutOff()
    }
    return this.#outgoing.write(chunk)
  }

  /** One wait for all chunks that are held up: a listener for each would stay until the answer is over. */
  drained(): Promise<void> {
    this.#draining ??= new Promise((resolve) => {
      const done = () => {
        this.#outgoing.off('drain', done).off('close', done)
        this.#draining = null
        resolve()
      }
      this.#outgoing.on('drain', done).on('close', done)
    })
    return this.#draining
  }

  /** A stream that broke is cut off, so that the caller does not take it for whole. */
  finish(outcome: Outcome): void {
    if (outcome.kind === 'streamed' && (this.#left === null || this.#left === 0)) this.#outgoing.end()
    else this.#cutOff()
  }

  #hasBody(status: number): boolean {
    return this.#outgoing.req.method !== 'HEAD' && status !== 204 && status !== 304
  }

  /** True: nothing is waited for any more. */
  #cutOff(): boolean {
    this.#outgoing.destroy()
    return true
  }
}
