import type { ServerResponse } from 'node:http'
import type { CallClient, CallInput, StreamSink } from '../../domain/platform/worker.ts'
import type { HttpHead } from '../../domain/runs/outcome.ts'
import type { Target, Targets } from '../../services/functions/targets.ts'
import type { Finished, Invocation, RunRequest } from '../../services/runs/invocation.ts'
import { ResponseCaller } from '../connection/caller.ts'
import { type AwsAnswer, type AwsCall, param } from './aws-call.ts'
import { AwsError, invalidParameter } from './aws-error.ts'
import type { Catalogue, NamedFunction } from './catalogue.ts'
import { eventRetriesOf } from './event-invoke-operations.ts'
import { eventMessage } from './event-stream.ts'
import { logTail, type Payload, payloadOf } from './invocation-result.ts'
import { arnOf, current } from './names.ts'

interface Parts {
  catalogue: Catalogue
  targets: Targets
  invocation: Invocation
}

interface Invoked {
  found: NamedFunction
  target: Target
  version: string
  request: Omit<RunRequest, 'trigger'>
}

const mostContextChars = 3583

/** `Invoke` in all its modes. A failed function is a normal response, marked by a header. */
export class InvokeOperations {
  #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  invoke = async (call: AwsCall): Promise<AwsAnswer | undefined> => {
    const type = headerOf(call, 'x-amz-invocation-type') ?? 'RequestResponse'
    if (!['RequestResponse', 'Event', 'DryRun'].includes(type)) {
      throw invalidParameter(`InvocationType is ${type}: it must be RequestResponse, Event or DryRun.`)
    }
    const invoked = this.#read(call)
    const headers = { 'X-Amz-Executed-Version': invoked.version }
    if (type === 'DryRun') return { status: 204 }
    if (type === 'Event') {
      await this.#accept(invoked)
      return { status: 202 }
    }
    const caller = new ResponseCaller(call.outgoing)
    const finished = await this.#parts.invocation.run({ ...invoked.request, trigger: 'api', caller })
    refuseUnbegun(finished)
    const { body, isFailure } = payloadIn(finished, invoked) as Payload
    const log = wantsLog(call) ? { 'X-Amz-Log-Result': tailOf(finished, invoked) } : {}
    const failure = isFailure ? { 'X-Amz-Function-Error': 'Unhandled' } : {}
    const all = { ...headers, ...log, ...failure, 'Content-Type': 'application/json', 'Content-Length': body.length }
    call.outgoing.writeHead(200, all).end(body)
    return undefined
  }

  /** The deprecated operation for asynchronous invocation. */
  invokeAsync = async (call: AwsCall): Promise<AwsAnswer> => {
    await this.#accept(this.#read(call))
    return { status: 202, json: { Status: 202 } }
  }

  async #accept({ found, request }: Invoked): Promise<void> {
    const retries = eventRetriesOf(found)
    const terms = retries === undefined ? {} : { terms: { retries } }
    await this.#parts.invocation.accept({ ...request, ...terms, trigger: 'async' })
  }

  invokeStreaming = async (call: AwsCall): Promise<undefined> => {
    const invoked = this.#read(call)
    const { outgoing } = call
    const caller = new ResponseCaller(outgoing)
    const { signal } = caller
    const sink = new EventStream(outgoing, invoked.version)
    const finished = await this.#parts.invocation.run({ ...invoked.request, trigger: 'api', caller, sink, signal })
    if (!sink.hasBegun) refuseUnbegun(finished)
    const payload = payloadIn(finished, invoked)
    if (payload !== null && !payload.isFailure) sink.write(payload.body)
    sink.end({
      ...(payload?.isFailure && { ErrorCode: 'Unhandled', ErrorDetails: payload.body.toString('utf8') }),
      ...(wantsLog(call) && { LogResult: tailOf(finished, invoked) }),
    })
  }

  #read(call: AwsCall): Invoked {
    const { who, region } = call
    const { catalogue } = this.#parts
    const found = catalogue.chosen(who, catalogue.find(who, region, param(call), call.query.get('Qualifier')))
    const functionVersion = found.version?.number ?? 0
    const target = this.#parts.targets.resolve(who, { functionId: found.fn.id, functionVersion })
    const arn = arnOf(region, found.fn.name ?? found.fn.id, found.qualifier)
    const client: CallClient = { arn, ...contextOf(call) }
    const version = found.version === null ? current : String(found.version.number)
    const request = {
      target,
      projectId: who.projectId,
      from: who.from,
      input: inputOf(call.body),
      client,
      executionId: call.requestId,
    }
    return { found, target, version, request }
  }
}

/** The Content-Type is ignored: clients send none, or a wrong one. */
function inputOf(body: Buffer): CallInput {
  if (body.length === 0) return { kind: 'json', body: Buffer.from('{}'), text: '{}' }
  const text = body.toString('utf8')
  try {
    JSON.parse(text)
  } catch (error) {
    const message = `Could not parse request body into json: ${(error as Error).message}`
    throw new AwsError(400, 'InvalidRequestContentException', message)
  }
  return { kind: 'json', body, text }
}

function contextOf(call: AwsCall): { context?: unknown } {
  const sent = headerOf(call, 'x-amz-client-context')
  if (sent === undefined) return {}
  if (sent.length > mostContextChars) throw invalidParameter(`ClientContext is longer than ${mostContextChars} bytes.`)
  try {
    return { context: JSON.parse(Buffer.from(sent, 'base64').toString('utf8')) }
  } catch {
    throw new AwsError(
      400,
      'InvalidRequestContentException',
      'Client context must be a valid Base64-encoded JSON object.',
    )
  }
}

/** The function did not begin, so the caller may retry. Once it has begun, a retry must be the caller's decision. */
function refuseUnbegun({ execution, outcome }: Finished): void {
  if (outcome.kind !== 'platform' || execution.startKind !== null) return
  throw new AwsError(429, 'TooManyRequestsException', outcome.error.message)
}

const payloadIn = ({ execution, outcome }: Finished, { found, target }: Invoked): Payload | null =>
  payloadOf(execution, outcome, target.revision, found.runtime)

const tailOf = ({ execution }: Finished, { found, version }: Invoked): string =>
  logTail(execution, version, found.settings.memoryMb)

const wantsLog = (call: AwsCall): boolean => headerOf(call, 'x-amz-log-type') === 'Tail'

const headerOf = ({ incoming }: AwsCall, name: string): string | undefined =>
  incoming.headers[name] as string | undefined

/** A streamed response as messages, one for each chunk. */
class EventStream implements StreamSink {
  hasBegun = false
  #outgoing: ServerResponse
  #version: string

  constructor(outgoing: ServerResponse, version: string) {
    this.#outgoing = outgoing
    this.#version = version
  }

  /** The function's content type is not transmitted: chunks are bytes. */
  head(_head: HttpHead): void {
    this.#begin()
    this.#outgoing.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    this.#begin()
    return (
      this.#outgoing.write(eventMessage('PayloadChunk', 'application/octet-stream', chunk)) || this.#outgoing.destroyed
    )
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#outgoing.off('drain', done).off('close', done)
        resolve()
      }
      this.#outgoing.on('drain', done).on('close', done)
    })
  }

  end(complete: object): void {
    this.#begin()
    this.#outgoing.end(eventMessage('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(complete))))
  }

  #begin(): void {
    if (this.hasBegun) return
    this.hasBegun = true
    this.#outgoing.writeHead(200, {
      'Content-Type': 'application/vnd.amazon.eventstream',
      'X-Amz-Executed-Version': this.#version,
      'X-Amzn-Remapped-Content-Type': 'application/octet-stream',
    })
  }
}
