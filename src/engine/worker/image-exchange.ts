import { Agent, type IncomingMessage, request } from 'node:http'
import type { WorkerToken } from '../../domain/platform/api-access.ts'
import type { Call, StreamSink } from '../../domain/platform/worker.ts'
import { type HttpHead, noUsage, type Outcome } from '../../domain/runs/outcome.ts'
import { BufferedStream } from './buffered-stream.ts'
import { headOf } from './channel.ts'
import { requestFailed } from './image-outcomes.ts'
import { requestOf, tokenHeader } from './image-request.ts'
import { resultTooLarge } from './outcomes.ts'
import { PassThroughSink } from './pass-through-sink.ts'

/**
 * Shorter than the keep-alive timeout of usual servers: a connection that the server closes while a call is sent would fail the
 * call.
 */
const idleConnectionMs = 1000

/** Requests to an image and its responses, over kept-alive connections. */
export class ImageExchange {
  #agent = new Agent({ keepAlive: true, timeout: idleConnectionMs })
  #address: { host: string; port: number } = { host: '', port: 0 }
  #maxResultBytes: number
  #token: WorkerToken | undefined

  constructor({ maxResultBytes, token }: { maxResultBytes: number; token?: WorkerToken | undefined }) {
    this.#maxResultBytes = maxResultBytes
    this.#token = token
  }

  /** The image listens at this address from now on. */
  ready(address: { host: string; port: number }): void {
    this.#address = address
  }

  close(): void {
    this.#agent.destroy()
  }

  /** Rejects when the response breaks off or `deadline` fires. `onFlow`: called while a response flows. */
  async send(call: Call, deadline: AbortSignal, elapsed: () => number, onFlow: () => void): Promise<Outcome> {
    const signal = call.signal === undefined ? deadline : AbortSignal.any([deadline, call.signal])
    const response = await this.#request(call, signal)
    const head = headOf({ status: response.statusCode, headers: pairs(response.rawHeaders) })
    if (call.sink !== undefined && call.http !== undefined) {
      await pass(response, head, new PassThroughSink(call.sink, onFlow), signal)
      return { kind: 'streamed', status: head.status, runMs: elapsed(), ...noUsage }
    }
    const answer = new BufferedStream(this.#maxResultBytes)
    await pass(response, head, answer, signal)
    if (answer.tooLarge) return resultTooLarge(this.#maxResultBytes, elapsed())
    const { http, ...value } = answer.value()
    if (call.http !== undefined) return { kind: 'returned', value: { ...value, http }, runMs: elapsed(), ...noUsage }
    if (head.status >= 500) return requestFailed(`the image answered ${head.status}`, elapsed())
    return { kind: 'returned', value, runMs: elapsed(), ...noUsage }
  }

  #request(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, target, headers } = requestOf(call)
    if (this.#token !== undefined) headers.push([tokenHeader, this.#token.ofCall(call.executionId)])
    return new Promise((resolve, reject) => {
      const options = { ...this.#address, agent: this.#agent, method, path: target, headers: headers.flat(), signal }
      const outgoing = request(options)
      outgoing.once('response', resolve).on('error', reject)
      outgoing.end(call.input.body)
    })
  }
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
