/** The server's end of one worker connection, for tests: speaks frames and remembers everything that arrives. */
import type { Socket } from 'node:net'
import { Descriptors } from '../../src/engine/worker/descriptors.ts'
import { encodeFrame, type Frame, FrameDecoder, FrameType, parseMeta } from '../../src/engine/worker/protocol.ts'
import type {
  BindOptions,
  BoundWorker,
  CallOptions,
  HttpRequest,
  Outcome,
  Output,
  Usage,
} from './conformance-harness.ts'
import { BindFailure } from './conformance-harness.ts'

export class ShimConnection {
  readonly #socket: Socket
  readonly #decoder = new FrameDecoder()
  readonly #hello = Promise.withResolvers<Record<string, unknown>>()
  readonly #closed = Promise.withResolvers<void>()
  readonly #calls = new Map<number, ShimCall>()
  #binding = Promise.withResolvers<{ loadMs: number }>()
  readonly #descriptors = new Descriptors((stream, text) => this.#print(stream, text))
  readonly #opened: Socket[] = []
  #lastCall = 0

  /** What was printed outside every call, and while loading. */
  readonly output: Output = { stdout: '', stderr: '' }
  /** Frames of calls that are unknown or already over; a well-behaved shim sends none. */
  readonly strays: Frame[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    this.#hello.promise.catch(() => {})
    this.#binding.promise.catch(() => {})
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('error', () => {})
    socket.on('close', () => this.#descriptors.whenRead(() => this.#lose()))
    // It may have waited for us.
    socket.resume()
  }

  /** What is written to descriptor 1 or 2 of the worker. */
  descriptor(stream: 'stdout' | 'stderr', socket: Socket): void {
    this.#descriptors.add(stream, socket)
    this.#opened.push(socket)
  }

  closeDescriptors(): void {
    for (const socket of this.#opened) socket.destroy()
  }

  get hello(): Promise<Record<string, unknown>> {
    return this.#hello.promise
  }

  /** Fulfilled when the connection is gone, whoever closed it. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  /** Rejects with a BindFailure when the shim answers BIND_FAILED. */
  async bind(meta: Record<string, unknown>): Promise<{ loadMs: number }> {
    this.#binding = Promise.withResolvers()
    this.send(FrameType.bind, 0, meta)
    return await this.#binding.promise
  }

  call(input?: unknown, options: CallOptions = {}): ShimCall {
    const { kind, body } = encodeInput(input, options.input)
    const { http } = options
    return this.#open({ ...callMeta(options), input: kind, ...(http && { http }) }, body, options)
  }

  fetch(request: HttpRequest, options: CallOptions = {}): ShimCall {
    const body = Buffer.from(request.body ?? '')
    const { method = 'GET', target, prefix, url, headers = [], key } = request
    const http = { method, target, prefix, url, headers, key }
    return this.#open({ ...callMeta(options), input: body.length === 0 ? 'none' : 'bytes', http }, body, options)
  }

  send(type: number, call: number, meta?: Record<string, unknown>, body?: Buffer): void {
    this.sendBytes(...encodeFrame(type as FrameType, call, meta === undefined ? '' : JSON.stringify(meta), body))
  }

  /** For frames no honest server would send. */
  sendBytes(...pieces: Buffer[]): void {
    for (const piece of pieces) this.#socket.write(piece)
  }

  close(): void {
    this.#socket.destroy()
  }

  #open(meta: Record<string, unknown>, body: Buffer, options: CallOptions): ShimCall {
    const number = ++this.#lastCall
    const call = new ShimCall(number, this, options.credit ?? 'auto')
    this.#calls.set(number, call)
    if (this.#socket.destroyed) call.settle({ state: 'lost' })
    else this.send(FrameType.call, number, meta, body)
    return call
  }

  #receive(bytes: Buffer): void {
    for (const frame of this.#decoder.push(bytes)) this.#take(frame)
  }

  #take(frame: Frame): void {
    if (frame.type === FrameType.hello) return this.#hello.resolve(parseMeta(frame))
    if (frame.type === FrameType.bound) return this.#binding.resolve({ loadMs: Number(parseMeta(frame).load_ms) })
    if (frame.type === FrameType.bindFailed) return this.#binding.reject(new BindFailure(parseMeta(frame), this.output))
    if (frame.type === FrameType.log && frame.call === 0) return addLog(this.output, frame)
    if (!endings.has(frame.type)) return this.#takeOfCall(frame)
    this.#descriptors.whenRead(() => this.#takeOfCall(frame))
  }

  #takeOfCall(frame: Frame): void {
    const call = this.#calls.get(frame.call)
    if (!call || call.over) this.strays.push(frame)
    else call.take(frame)
  }

  #print(stream: 'stdout' | 'stderr', text: string): void {
    const running = [...this.#calls.values()].filter((call) => !call.over)
    if (running.length === 1) running[0]?.print(stream, text)
    else this.output[stream] += text
  }

  #lose(): void {
    this.#closed.resolve()
    this.#hello.reject(new Error('the worker closed the connection before it said hello'))
    this.#binding.reject(new Error(`the worker closed the connection while loading; it printed: ${this.output.stderr}`))
    for (const call of this.#calls.values()) call.settle({ state: 'lost' })
  }
}

export class ShimCall {
  readonly #connection: ShimConnection
  readonly #credit: 'auto' | 'manual'
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #head = Promise.withResolvers<{ status: number; headers: [string, string][] }>()
  #headSeen: { status: number; headers: [string, string][] } | undefined
  #waiters: (() => void)[] = []

  readonly number: number
  readonly output: Output = { stdout: '', stderr: '' }
  /** Bodies of the CHUNK frames so far. */
  readonly chunks: Buffer[] = []
  /** Meta of the frame that ended the call. */
  lastMeta: Record<string, unknown> = {}
  /** Set once the frame that ends the call has come, or can come no more. */
  over = false

  constructor(number: number, connection: ShimConnection, credit: 'auto' | 'manual') {
    this.number = number
    this.#connection = connection
    this.#credit = credit
    this.#head.promise.catch(() => {})
  }

  get outcome(): Promise<Outcome> {
    return this.#outcome.promise
  }

  /** Status and headers of a streamed answer, as soon as they are there. */
  get head(): Promise<{ status: number; headers: [string, string][] }> {
    return this.#head.promise
  }

  get receivedBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** Fulfilled when that many bytes of a streamed answer have come, or the call is over. */
  async received(bytes: number): Promise<void> {
    while (this.receivedBytes < bytes && !this.over) await new Promise<void>((wake) => this.#waiters.push(wake))
  }

  /** Fulfilled when the function has printed this text, or the call is over. */
  async printed(text: string): Promise<void> {
    const there = () => this.output.stdout.includes(text) || this.output.stderr.includes(text)
    while (!there() && !this.over) await new Promise<void>((wake) => this.#waiters.push(wake))
  }

  cancel(): void {
    this.#connection.send(FrameType.cancel, this.number)
  }

  grant(bytes: number): void {
    this.#connection.send(FrameType.credit, this.number, { bytes })
  }

  take(frame: Frame): void {
    if (frame.type === FrameType.log) addLog(this.output, frame)
    else if (frame.type === FrameType.head) this.#begin(parseMeta(frame))
    else if (frame.type === FrameType.chunk) this.#chunk(frame.body)
    else this.#end(frame)
    this.#wake()
  }

  print(stream: 'stdout' | 'stderr', text: string): void {
    this.output[stream] += text
    this.#wake()
  }

  settle(outcome: Outcome): void {
    if (this.over) return
    this.over = true
    this.#head.reject(new Error(`the call was over before an answer began: ${outcome.state}`))
    this.#outcome.resolve(outcome)
    this.#wake()
  }

  #end(frame: Frame): void {
    this.lastMeta = parseMeta(frame)
    if (frame.type === FrameType.result) this.settle(resultOutcome(this.lastMeta, frame.body))
    else if (frame.type === FrameType.failed) this.settle(failedOutcome(this.lastMeta, frame.body))
    else if (frame.type === FrameType.end) this.settle(this.#streamedOutcome(this.lastMeta))
  }

  #begin(meta: Record<string, unknown>): void {
    this.#headSeen = { status: Number(meta.status), headers: meta.headers as [string, string][] }
    this.#head.resolve(this.#headSeen)
  }

  #chunk(body: Buffer): void {
    if (!this.#headSeen) throw new Error('a CHUNK came before HEAD')
    this.chunks.push(Buffer.from(body))
    if (this.#credit === 'auto' && body.length > 0) this.grant(body.length)
  }

  #streamedOutcome(meta: Record<string, unknown>): Outcome {
    if (!this.#headSeen) throw new Error('END came before HEAD')
    return { state: 'answer', ...this.#headSeen, body: Buffer.concat(this.chunks), streamed: true, ...told(meta) }
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

const endings = new Set<number>([FrameType.result, FrameType.failed, FrameType.end])

/** The meta of BIND for a test's options; `code` is the folder as the worker sees it. */
export function bindMeta(code: string, options: BindOptions = {}): Record<string, unknown> {
  return {
    function_id: 'f-1',
    function_name: 'conformance',
    function_version: 3,
    project_id: 'p-1',
    entry: options.entry ?? 'main.main',
    signature: options.signature ?? 'event',
    env: { ...options.env, ...(options.api && { TAIBAI_API: options.api.url }) },
    ...(options.api && { api: options.api }),
    code,
    memory_bytes: options.memoryBytes ?? 256 * 1024 * 1024,
    timeout_ms: 60_000,
    concurrency: options.concurrency ?? 1,
    max_result_bytes: options.maxResultBytes ?? 8 * 1024 * 1024,
  }
}

/** The worker of the conformance list over a connection; `end` is how this worker is got rid of. */
export function boundWorker(
  connection: ShimConnection,
  loadMs: number,
  exited: Promise<number | null>,
  end: () => Promise<void>,
): BoundWorker {
  return {
    loadMs,
    output: connection.output,
    exited,
    call: (input, options) => connection.call(input, options),
    fetch: (request, options) => connection.fetch(request, options),
    kill: end,
    [Symbol.asyncDispose]: end,
  }
}

function callMeta(options: CallOptions): Record<string, unknown> {
  return {
    execution_id: options.executionId ?? 'e-1',
    deadline_ms: options.deadlineMs ?? Date.now() + 60_000,
    traceparent: options.traceparent,
    attempt: options.attempt,
    trigger: options.trigger ?? 'api',
    ...(options.client && { client: options.client }),
  }
}

function encodeInput(input: unknown, kind: CallOptions['input']): { kind: string; body: Buffer } {
  if (input === undefined) return { kind: 'none', body: Buffer.alloc(0) }
  if (input instanceof Uint8Array) return { kind: kind ?? 'bytes', body: Buffer.from(input) }
  if (typeof input === 'string') return { kind: kind ?? 'text', body: Buffer.from(input) }
  return { kind: 'json', body: Buffer.from(JSON.stringify(input)) }
}

function addLog(output: Output, frame: Frame): void {
  output[parseMeta(frame).stream === 'stderr' ? 'stderr' : 'stdout'] += frame.body.toString('utf8')
}

function resultOutcome(meta: Record<string, unknown>, body: Buffer): Outcome {
  const http = meta.http as { status: number; headers: [string, string][] } | undefined
  if (http) return { state: 'answer', ...http, body: Buffer.from(body), streamed: false, ...told(meta) }
  const kind = meta.value as 'json' | 'text' | 'bytes'
  return { state: 'value', kind, value: decodeValue(kind, body), ...told(meta) }
}

function decodeValue(kind: 'json' | 'text' | 'bytes', body: Buffer): unknown {
  if (kind === 'bytes') return Buffer.from(body)
  if (kind === 'text') return body.toString('utf8')
  return JSON.parse(body.toString('utf8'))
}

function failedOutcome(meta: Record<string, unknown>, body: Buffer): Outcome {
  return {
    state: 'failed',
    type: String(meta.type),
    message: String(meta.message),
    stack: String(meta.stack ?? ''),
    ...(body.length > 0 && { value: JSON.parse(body.toString('utf8')) }),
    usage: usage(meta),
  }
}

function told(meta: Record<string, unknown>): { usage: Usage; outputs?: unknown } {
  return { usage: usage(meta), ...(meta.outputs !== undefined && { outputs: meta.outputs }) }
}

function usage(meta: Record<string, unknown>): Usage {
  return {
    runMs: Number(meta.run_ms),
    cpuMs: Number(meta.cpu_ms),
    memoryPeakBytes: Number(meta.memory_peak_bytes),
    stalledMs: meta.stalled_ms,
  }
}
