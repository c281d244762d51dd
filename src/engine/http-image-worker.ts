import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import type { HttpHead, Outcome, Value } from '../domain/outcome.ts'
import type { Call, HttpRequestHead } from '../domain/worker.ts'
import { killed, platformFailed, timedOut } from './outcomes.ts'
import type { Bound, PoolWorker } from './pool-worker.ts'
import type { Exit, Sandbox } from './sandbox.ts'

/** Pause between two looks whether the image listens yet. */
const connectPauseMs = 20
const exitReportMs = 3000

/** An image that listens on a port and is kept warm: calls are HTTP requests over kept-alive connections. */
export class HttpImageWorker implements PoolWorker {
  readonly name: string
  readonly gone: Promise<void>
  readonly memoryBytes: number
  #sandbox: Sandbox
  #clock: Clock
  #agent = new Agent({ keepAlive: true })
  #address: { host: string; port: number }
  #calls = new Set<Call>()
  #ended: 'no' | 'deadline' | 'asked' = 'no'
  #maxResultBytes: number

  constructor(
    sandbox: Sandbox,
    address: { host: string; port: number },
    options: { clock: Clock; memoryBytes: number; maxResultBytes: number },
  ) {
    this.name = sandbox.name
    this.#sandbox = sandbox
    this.#address = address
    this.#clock = options.clock
    this.memoryBytes = options.memoryBytes
    this.#maxResultBytes = options.maxResultBytes
    this.gone = sandbox.exited.then(() => this.#agent.destroy())
  }

  get isEnding(): boolean {
    return this.#ended !== 'no'
  }

  /** What the image prints belongs to whatever it is doing now. */
  print(stream: 'stdout' | 'stderr', text: string): void {
    for (const call of this.#calls) call.onLog(stream, text)
  }

  async bind(): Promise<Bound> {
    throw new FaasError('internal', 'An image is bound from the start.')
  }

  async call(call: Call, timeoutMs: number): Promise<Outcome> {
    const startedAt = this.#clock.elapsed()
    const elapsed = () => this.#clock.elapsed() - startedAt
    this.#calls.add(call)
    let missed = false
    const stopTimer = this.#clock.after(timeoutMs, () => {
      missed = true
      this.#ended = 'deadline'
      void this.#sandbox.kill()
    })
    try {
      return await this.#exchange(call, elapsed)
    } catch {
      return missed ? timedOut(timeoutMs, elapsed()) : await this.#howItEnded(elapsed())
    } finally {
      stopTimer()
      this.#calls.delete(call)
    }
  }

  pause(): Promise<void> {
    return this.#sandbox.pause()
  }

  resume(): Promise<void> {
    return this.#sandbox.resume()
  }

  async kill(): Promise<void> {
    if (this.#ended === 'no') this.#ended = 'asked'
    await this.#sandbox.kill()
    await this.gone
  }

  async #exchange(call: Call, elapsed: () => number): Promise<Outcome> {
    const response = await this.#send(call)
    const head = headOf(response)
    const usage = { cpuMs: null, memoryPeakMb: null }
    if (call.sink !== undefined && call.http !== undefined) {
      call.sink.head(head)
      for await (const chunk of response) if (!call.sink.write(chunk)) await call.sink.drained()
      return { kind: 'streamed', status: head.status, runMs: elapsed(), ...usage }
    }
    const body = await readAll(response, this.#maxResultBytes)
    const value: Value = { kind: kindOf(response), body, ...(call.http && { http: head }) }
    if (head.status < 500 || call.http !== undefined) return { kind: 'returned', value, runMs: elapsed(), ...usage }
    const error = { type: 'HttpError', message: `the image answered ${head.status}`, stack: null }
    return { kind: 'raised', error, runMs: elapsed(), ...usage }
  }

  #send(call: Call): Promise<IncomingMessage> {
    const http = call.http ?? eventRequest(call)
    const headers = http.headers.flat()
    headers.push('x-execution-id', call.executionId)
    return new Promise((resolve, reject) => {
      const { signal } = call
      const outgoing = request({
        ...this.#address,
        agent: this.#agent,
        method: http.method,
        path: http.target,
        headers,
        signal,
      })
      outgoing.once('response', resolve).once('error', reject)
      outgoing.end(call.input.body)
    })
  }

  async #howItEnded(runMs: number): Promise<Outcome> {
    if (this.#ended === 'asked') return platformFailed('The worker was stopped while it ran the function.', runMs)
    const late = new Promise<Exit | null>((resolve) => {
      this.#clock.after(exitReportMs, () => resolve(null))
    })
    const exit = await Promise.race([this.#sandbox.exited, late])
    if (exit !== null) return killed(exit, this.memoryBytes, runMs)
    const error = { type: 'HttpError', message: 'the image closed the connection without an answer', stack: null }
    return { kind: 'raised', error, runMs, cpuMs: null, memoryPeakMb: null }
  }
}

/** An event as a request: what a web server would be posted. */
function eventRequest(call: Call): HttpRequestHead {
  const type = {
    json: 'application/json',
    text: 'text/plain; charset=utf-8',
    bytes: 'application/octet-stream',
    none: null,
  }[call.input.kind]
  const headers: [string, string][] = [['content-length', String(call.input.body.length)]]
  if (type !== null) headers.push(['content-type', type])
  return { method: 'POST', target: '/', headers }
}

function headOf(response: IncomingMessage): HttpHead {
  const headers: [string, string][] = []
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    headers.push([response.rawHeaders[at] as string, response.rawHeaders[at + 1] as string])
  }
  return { status: response.statusCode ?? 502, headers }
}

function kindOf(response: IncomingMessage): Value['kind'] {
  const type = response.headers['content-type'] ?? ''
  if (type.startsWith('application/json')) return 'json'
  return type.startsWith('text/') ? 'text' : 'bytes'
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error('too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Resolves when something listens there; false when it does not in time. */
export async function listens(
  address: { host: string; port: number },
  clock: Clock,
  withinMs: number,
): Promise<boolean> {
  const until = clock.elapsed() + withinMs
  while (clock.elapsed() < until) {
    if (await tryConnect(address)) return true
    await new Promise<void>((resolve) => clock.after(connectPauseMs, resolve))
  }
  return false
}

const tryConnect = (address: { host: string; port: number }): Promise<boolean> =>
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
