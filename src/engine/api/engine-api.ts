import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import { pipeline, type Readable } from 'node:stream'
import { type EngineAddress, engineAddress } from './engine-address.ts'

/** The engine refused a request: its HTTP status and its message. */
export class EngineRefusal extends Error {
  override name = 'EngineRefusal'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Pairs allow one name more than once. */
export type Query = Record<string, string> | [name: string, value: string][]

interface Sent {
  body?: object | undefined
  upload?: Readable | undefined
  agent?: false
  headers?: Record<string, string> | undefined
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

/** Longest response body that is read whole, in bytes. */
const longestAnswer = 64 * 1024 * 1024
/** Longest wait for the first bytes of a response. */
const answerMs = 120_000

/**
 * Requests to the API of a Docker engine over its socket, TCP, TLS or SSH. The paths name no API version: the engine answers with
 * its newest. Redirects are not followed, so that an engine cannot send us elsewhere. Every failure is a rejection, never an
 * event without a listener: `EngineRefusal` for a status of 300 or more, else the connection's own error.
 */
export class EngineApi {
  #address: EngineAddress
  #agent: Agent

  constructor(host: string | undefined, certFolder?: string) {
    this.#address = engineAddress(host, certFolder)
    const Kept = this.#address.protocol === 'https' ? TlsAgent : Agent
    this.#agent = new Kept({ keepAlive: true, maxFreeSockets: 16 })
  }

  /** The parsed response body; null when it is empty. */
  async ask<T = unknown>(
    method: string,
    path: string,
    query: Query = {},
    body?: object,
    timeoutMs = answerMs,
    headers?: Record<string, string>,
  ): Promise<T> {
    const response = await this.#send(method, path, query, { body, timeoutMs, headers })
    const text = await textOf(response)
    if ((response.statusCode ?? 0) >= 300) throw refusalOf(response, text)
    return (text === '' ? null : JSON.parse(text)) as T
  }

  /**
   * Streams the response on a connection of its own, without a time limit. `upload` is sent as a tar; an error in it fails the
   * request. `timeoutMs` limits the wait for the first bytes of the response.
   */
  async stream(
    method: string,
    path: string,
    query: Query = {},
    { upload, signal, timeoutMs, headers }: Omit<Sent, 'body' | 'agent'> = {},
  ): Promise<IncomingMessage> {
    const response = await this.#send(method, path, query, { agent: false, upload, signal, timeoutMs, headers })
    if ((response.statusCode ?? 0) >= 300) throw refusalOf(response, await textOf(response))
    // The stream may break when nobody listens any more; a reader sees that it ended early.
    response.on('error', () => {})
    return response
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    query: Query,
    { body, upload, agent, timeoutMs, signal, headers: more }: Sent,
  ): Promise<IncomingMessage> {
    const { protocol, options } = this.#address
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const search = new URLSearchParams(query).toString()
    const headers: Record<string, string | number> = { ...more, host: 'engine' }
    if (upload === undefined) headers['content-length'] = bytes?.length ?? 0
    if (upload !== undefined) headers['content-type'] = 'application/x-tar'
    else if (bytes !== undefined) headers['content-type'] = 'application/json'
    return new Promise((resolve, reject) => {
      const send = protocol === 'https' ? httpsRequest : httpRequest
      const target = search === '' ? path : `${path}?${search}`
      const own = { agent: agent ?? this.#agentFor(), method, path: target, headers, ...(signal && { signal }) }
      const sent = send({ ...options, ...own }, resolve)
      // This listener stays: an error may also come after the response.
      sent.on('error', reject)
      if (timeoutMs !== undefined) endWhenSilent(sent, timeoutMs)
      if (upload === undefined) sent.end(bytes)
      // An engine that has already responded may not read the rest of the upload.
      else pipeline(upload, sent, (error) => error && reject(error))
    })
  }

  /** A connection through another program (ssh) is not kept alive. */
  #agentFor(): Agent | false {
    return this.#address.options.createConnection === undefined ? this.#agent : false
  }
}

function endWhenSilent(sent: ClientRequest, ms: number): void {
  const timer = setTimeout(() => sent.destroy(new Error(`the engine did not answer within ${ms / 1000} s`)), ms)
  timer.unref()
  sent.once('response', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length
    if (bytes > longestAnswer) throw new Error(`the engine's answer is longer than ${longestAnswer} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function refusalOf(response: IncomingMessage, text: string): EngineRefusal {
  const status = response.statusCode ?? 0
  if (status < 400) return new EngineRefusal(status, `the engine answered ${status}: it redirects the request`)
  return new EngineRefusal(status, messageOf(text))
}

function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : text
  } catch {
    return text
  }
}
