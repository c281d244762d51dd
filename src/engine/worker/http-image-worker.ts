import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import type { WorkerToken } from '../../domain/api-access.ts'
import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { HttpRequestHead } from '../../domain/http-request.ts'
import { hashOfId, InFlight } from '../../domain/in-flight.ts'
import { cancelled, type HttpHead, type Outcome, platformFailed, type Usage } from '../../domain/outcome.ts'
import type { Call, StreamSink } from '../../domain/worker.ts'
import type { BindResult, PoolWorker } from '../pool/pool-worker.ts'
import type { Exit, OnOutput, OutputMarker, Sandbox } from '../sandbox/sandbox.ts'
import { headOf } from './channel.ts'
import { CollectedStream } from './collected-stream.ts'
import { FlowingSink } from './flowing-sink.ts'
import { ImageOutput, type LastLines, lastLinesMs } from './image-output.ts'
import { killed, resultTooLarge, timedOut } from './outcomes.ts'

/** How long the engine may take to report the end of an image whose connection has closed. */
const exitReportMs = 3000
/**
 * Shorter than the keep-alive timeout of usual servers: a connection that the server closes while a call is sent would fail the
 * call.
 */
const idleConnectionMs = 1000

/** A warm image that listens on a port: calls are HTTP requests over kept-alive connections. */
export class HttpImageWorker implements PoolWorker {
  readonly name: string
  readonly gone: Promise<void>
  readonly memoryBytes: number
  #sandbox: Sandbox
  #clock: Clock
  #agent = new Agent({ keepAlive: true, timeout: idleConnectionMs })
  #address: { host: string; port: number } = { host: '', port: 0 }
  #output: ImageOutput
  startFailure: BindResult | undefined
  /** How to cancel a call, by its execution. */
  #cancels = new InFlight<string, () => void>(hashOfId)
  /** Why it takes no more calls; `no`: it does take calls. */
  #ended: 'no' | 'deadline' | 'asked' | 'exited' = 'no'
  #maxResultBytes: number
  #streamIdleMs: number
  #stopGraceMs: number
  #token: WorkerToken | undefined
  #isClosed: (target: string) => boolean = () => false

  /** `onOther` receives what it prints while no call runs, also during the start. */
  constructor(
    sandbox: Sandbox,
    options: {
      clock: Clock
      memoryBytes: number
      maxResultBytes: number
      streamIdleMs: number
      stopGraceMs: number
      quietMs: number
      onOther: OnOutput
      /** Set for images that mark the end of a call's output themselves. */
      lastLines?: LastLines
      /** Token with which it calls the API, if it may. */
      token?: WorkerToken | undefined
    },
  ) {
    this.name = sandbox.name
    this.#sandbox = sandbox
    this.#clock = options.clock
    this.memoryBytes = options.memoryBytes
    this.#maxResultBytes = options.maxResultBytes
    this.#streamIdleMs = options.streamIdleMs
    this.#output = new ImageOutput(options)
    this.#stopGraceMs = options.stopGraceMs
    this.#token = options.token
    this.gone = sandbox.exited.then(() => {
      this.#endFor('exited')
      this.#output.end()
      this.#agent.destroy()
    })
  }

  get isEnding(): boolean {
    return this.#ended !== 'no'
  }

  /** The image listens at this address from now on. */
  ready(address: { host: string; port: number }): void {
    this.#address = address
    this.#output.ready()
  }

  /** Enables marks in its output. */
  markWith(marker: OutputMarker): void {
    this.#output.markWith(marker)
  }

  /** From now on the image gets no requests for these targets: they are answered with 404. */
  closeTo(isClosed: (target: string) => boolean): void {
    this.#isClosed = isClosed
  }

  /** The image cannot serve, by the function's fault; its output is the log. */
  async notReady(outcome: Outcome): Promise<void> {
    if (this.isEnding) await this.#sandbox.printed
    const log = this.#output.startLog
    this.startFailure = { loaded: false, loadMs: outcome.runMs, outcome: this.#output.explainStart(outcome), log }
  }

  /** The image listens, and has not become the function. */
  refuse(outcome: Outcome, log: string): void {
    this.startFailure = { loaded: false, loadMs: outcome.runMs, outcome, log: this.#output.startLog + log }
  }

  /** Takes output that the engine delivers. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    this.#output.print(stream, text)
  }

  async bind(): Promise<BindResult> {
    throw new FaasError('internal', 'An image is bound from the start.')
  }

  async call(call: Call, timeoutMs: number): Promise<Outcome> {
    if (call.http !== undefined && this.#isClosed(call.http.target)) return notFound()
    const startedAt = this.#clock.elapsed()
    const elapsed = () => this.#clock.elapsed() - startedAt
    const deadline = new AbortController()
    let deadlineMs = timeoutMs
    let stopTimer = () => {}
    const arm = (ms: number) => {
      stopTimer = this.#clock.after(ms, () => {
        if (deadlineMs > elapsed()) return arm(deadlineMs - elapsed())
        this.#endFor('deadline')
        deadline.abort()
      })
    }
    const onFlow = () => {
      deadlineMs = Math.max(deadlineMs, elapsed() + this.#streamIdleMs)
    }
    const root = this.#output.open(call)
    arm(timeoutMs)
    let isCancelled = false
    this.#cancels.set(call.executionId, () => {
      isCancelled = true
      deadline.abort()
    })
    try {
      const outcome = await this.#exchange(call, deadline.signal, elapsed, onFlow)
      deadlineMs += lastLinesMs + this.#output.lastLinesWithinMs
      await this.#output.lastLines(isFailure(outcome))
      return root.explain(outcome)
    } catch {
      if (isCancelled) return cancelled(elapsed(), true)
      if (deadline.signal.aborted) return root.explain(timedOut(timeoutMs, elapsed()))
      if (call.signal?.aborted) return failed('the caller went away before the answer was complete', elapsed())
      return root.explain(await this.#howItEnded(elapsed()))
    } finally {
      stopTimer()
      this.#output.close(call)
      this.#cancels.delete(call.executionId)
      if (this.#ended === 'deadline' && this.#output.calls === 0) void this.#sandbox.kill()
    }
  }

  /**
   * Closes the call's connection, the only signal that a web server understands. The worker stays: the program may continue with
   * other work.
   */
  cancel(executionId: string): void {
    this.#cancels.get(executionId)?.()
  }

  cpuMs(): Promise<number | null> {
    return this.#sandbox.cpuMs?.() ?? Promise.resolve(null)
  }

  pause(): Promise<void> {
    return this.#sandbox.pause()
  }

  resume(): Promise<void> {
    return this.#sandbox.resume()
  }

  async kill(): Promise<void> {
    const mayEndItself = this.#output.calls === 0 && this.#output.isReady && !this.isEnding && this.#stopGraceMs > 0
    this.#endFor('asked')
    if (mayEndItself) await this.#sandbox.stop(this.#stopGraceMs)
    await this.#sandbox.kill()
    await this.gone
  }

  #endFor(why: 'deadline' | 'asked' | 'exited'): void {
    if (this.#ended === 'no') this.#ended = why
  }

  async #exchange(call: Call, deadline: AbortSignal, elapsed: () => number, onFlow: () => void): Promise<Outcome> {
    const signal = call.signal === undefined ? deadline : AbortSignal.any([deadline, call.signal])
    const response = await this.#send(call, signal)
    const head = headOf({ status: response.statusCode, headers: pairs(response.rawHeaders) })
    if (call.sink !== undefined && call.http !== undefined) {
      await pass(response, head, new FlowingSink(call.sink, onFlow), signal)
      return { kind: 'streamed', status: head.status, runMs: elapsed(), ...noUsage }
    }
    const answer = new CollectedStream(this.#maxResultBytes)
    await pass(response, head, answer, signal)
    if (answer.tooLarge) return resultTooLarge(this.#maxResultBytes, elapsed())
    const { http, ...value } = answer.value()
    if (call.http !== undefined) return { kind: 'returned', value: { ...value, http }, runMs: elapsed(), ...noUsage }
    if (head.status >= 500) return failed(`the image answered ${head.status}`, elapsed())
    return { kind: 'returned', value, runMs: elapsed(), ...noUsage }
  }

  #send(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, target, headers } = requestOf(call)
    if (this.#token !== undefined) headers.push([tokenHeader, this.#token.ofCall(call.executionId)])
    return new Promise((resolve, reject) => {
      const options = { ...this.#address, agent: this.#agent, method, path: target, headers: headers.flat(), signal }
      const outgoing = request(options)
      outgoing.once('response', resolve).on('error', reject)
      outgoing.end(call.input.body)
    })
  }

  async #howItEnded(runMs: number): Promise<Outcome> {
    if (this.#ended === 'asked') return platformFailed('The worker was stopped while it ran the function.', runMs)
    const exit = await this.#exit()
    if (exit === null) await this.#output.lastLines()
    else await (this.#sandbox.printed ?? this.#output.lastLines())
    if (exit !== null) return killed(exit, this.memoryBytes, runMs)
    return failed('the image closed the connection without an answer', runMs)
  }

  /** The image's exit; null when it still runs. */
  #exit(): Promise<Exit | null> {
    return new Promise((resolve) => {
      const stopTimer = this.#clock.after(exitReportMs, () => resolve(null))
      void this.#sandbox.exited.then((exit) => {
        stopTimer()
        resolve(exit)
      })
    })
  }
}

const isFailure = (outcome: Outcome): boolean =>
  outcome.kind === 'streamed'
    ? outcome.status >= 500
    : outcome.kind === 'raised' || (outcome.kind === 'returned' && (outcome.value.http?.status ?? 200) >= 500)

const noUsage: Usage = { cpuMs: null, memoryPeakMb: null }

const notFound = (): Outcome => {
  const http: HttpHead = { status: 404, headers: [['content-type', 'text/plain; charset=utf-8']] }
  const value = { kind: 'text' as const, body: Buffer.from('Not found.\n'), http }
  return { kind: 'returned', value, runMs: 0, ...noUsage }
}

const failed = (message: string, runMs: number): Outcome => {
  return { kind: 'raised', error: { type: 'HttpError', message, stack: null }, runMs, ...noUsage }
}

/** The caller's request; an event becomes the POST that a web server expects. Content-Length is that of the whole body. */
function requestOf(call: Call): Pick<HttpRequestHead, 'method' | 'target' | 'headers'> {
  const { method, target, headers } = call.http ?? { method: 'POST', target: '/', headers: typeOf(call) }
  const passed = headers.filter(([name]) => !ours.has(name.toLowerCase()))
  if (!passed.some(([name]) => name.toLowerCase() === 'host')) passed.push(['host', 'localhost'])
  const { length } = call.input.body
  if (length > 0 || !bodiless.has(method)) passed.push(['content-length', String(length)])
  passed.push(['x-execution-id', call.executionId])
  return { method, target, headers: passed }
}

/** Header in which an image that may call the API gets the token of a call. */
const tokenHeader = 'x-taibai-token'

/** Headers about transfer and caller identity, which the caller cannot set. */
const ours = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'x-execution-id',
  tokenHeader,
])
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

function typeOf(call: Call): [string, string][] {
  const { kind } = call.input
  if (kind === 'none') return []
  const types = { json: 'application/json', text: 'text/plain; charset=utf-8', bytes: 'application/octet-stream' }
  return [['content-type', types[kind]]]
}

function pairs(rawHeaders: string[]): string[][] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, at) => rawHeaders.slice(2 * at, 2 * at + 2))
}

/** Throws when the response breaks off or the signal fires, also while the sink is full. */
async function pass(response: IncomingMessage, head: HttpHead, sink: StreamSink, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  sink.head(head)
  for await (const chunk of response) {
    if (!sink.write(chunk)) await Promise.race([sink.drained(), aborted])
  }
  signal.throwIfAborted()
}

/** Whether a connection to the address succeeds. */
export const tryConnect = (address: { host: string; port: number }): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ ...address, timeout: 1000 })
    const done = (ok: boolean) => {
      socket.destroy()
      resolve(ok)
    }
    socket
      .once('connect', () => done(true))
      .once('error', () => done(false))
      .once('timeout', () => done(false))
  })
