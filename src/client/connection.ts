import { Agent, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { errorOf, UnreachableError } from './problems.ts'

/**
 * Requests to one server over kept-alive connections. `fetch` is not used: it takes a program ten times as long until its first
 * response. TLS is loaded on demand.
 */

export interface ConnectionOptions {
  /** For example `http://127.0.0.1:7070`. */
  url: string
  /**
   * Sent as X-Auth-Token; null or empty: none. A function is called for each request, because the first start creates the token.
   */
  token: string | null | (() => string | null)
}

export interface RequestFields {
  /** Sent as JSON. */
  json?: unknown
  /** Sent unchanged. */
  body?: string | Uint8Array
  /** Query parameters; undefined ones are left out. */
  query?: Record<string, string | number | boolean | undefined>
  headers?: Record<string, string>
  /** Replaces the connection's token. */
  token?: string | null
  signal?: AbortSignal
}

export interface ApiResponse {
  status: number
  headers: IncomingHttpHeaders
  bytes: Buffer
  text: string
  /** The parsed body; undefined when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: bodies have every shape
  json: any
  /** Time from the request to the end of the response. */
  tookMs: number
}

export class Connection {
  readonly url: string
  #token: ConnectionOptions['token']
  #agent: Agent
  #request: typeof request

  constructor({ url, token }: ConnectionOptions) {
    this.url = url.replace(/\/+$/, '')
    this.#token = token
    const http = this.url.startsWith('https:') ? process.getBuiltinModule('node:https') : { Agent, request }
    this.#agent = new http.Agent({ keepAlive: true })
    this.#request = http.request
  }

  get token(): string | null {
    return (typeof this.#token === 'function' ? this.#token() : this.#token) || null
  }

  /** The response once its head has arrived; the caller reads the body. Throws UnreachableError when nobody answers. */
  open(method: string, path: string, asked: RequestFields = {}): Promise<IncomingMessage> {
    const body = asked.json === undefined ? asked.body : JSON.stringify(asked.json)
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      headers: this.#headers(asked, body),
      ...(asked.signal && { signal: asked.signal }),
    }
    return new Promise((resolve, reject) => {
      const sent = this.#request(this.url + path + queryOf(asked.query), options, resolve)
      sent.once('error', (cause) => reject(asked.signal?.aborted ? cause : new UnreachableError(this.url, cause)))
      sent.end(body)
    })
  }

  /** The whole response, whatever its status. */
  async request(method: string, path: string, asked: RequestFields = {}): Promise<ApiResponse> {
    const from = performance.now()
    const incoming = await this.open(method, path, asked)
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    const text = bytes.toString('utf8')
    const { statusCode: status = 0, headers } = incoming
    return { status, headers, bytes, text, json: parsed(headers, text), tookMs: performance.now() - from }
  }

  /** The whole response; throws ApiError unless it is a success. */
  async requestOk(method: string, path: string, asked: RequestFields = {}): Promise<ApiResponse> {
    const answer = await this.request(method, path, asked)
    if (answer.status >= 300) throw errorOf(answer.status, answer.text)
    return answer
  }

  /** Closes the kept-alive connections; a later request opens new ones. */
  close(): void {
    this.#agent.destroy()
  }

  #headers(asked: RequestFields, body: string | Uint8Array | undefined): Record<string, string> {
    const token = asked.token === undefined ? this.token : asked.token
    return {
      ...(token !== null && { 'x-auth-token': token }),
      ...(asked.json !== undefined && { 'content-type': 'application/json' }),
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      ...Object.fromEntries(Object.entries(asked.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    }
  }
}

function queryOf(query: RequestFields['query']): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

function parsed(headers: IncomingHttpHeaders, text: string): unknown {
  if (text === '' || !headers['content-type']?.includes('json')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
