/** Requests to an OpenStack service: limited in time and size, without redirects, with a sentence for each failure. */

/** The service is unreachable, or its response is invalid. The message is a sentence and contains no token. */
export class ServiceFailure extends Error {
  override name = 'ServiceFailure'
  /** True when there was no response: an immediate retry would only wait again. */
  readonly isSilent: boolean

  constructor(message: string, options: { isSilent?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.isSilent = options.isSilent ?? false
  }
}

export interface ServiceRequest {
  /** Name for messages: `Keystone`. */
  service: string
  method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  url: string
  headers: Record<string, string>
  json?: unknown
  /** JSON as text, in place of `json`: its numbers stay as they were written. */
  text?: string
  /** Time limit of the whole response. */
  timeoutMs: number
}

export interface ServiceAnswer {
  status: number
  headers: Headers
  /** The parsed body; undefined when it is not a JSON object. */
  json: Record<string, unknown> | undefined
}

/** The catalogue of a large cloud has several hundred kilobytes. */
const maxAnswerBytes = 4 * 1024 * 1024

/** Whether the text can be sent as a token in a header. */
export const isTokenShaped = (token: string): boolean => /^[\x21-\x7e]{1,12000}$/.test(token)

/** The response with its body, at most 4 MiB. Throws ServiceFailure, also for 5xx, 429 and redirects. */
export async function sendServiceRequest(request: ServiceRequest): Promise<ServiceAnswer> {
  const signal = AbortSignal.timeout(request.timeoutMs)
  const response = await openResponse(request, signal)
  const { status, headers } = response
  return { status, headers, json: parsed(await readAll(request, response)) }
}

/** The response once its head has arrived; the caller reads the body while `signal` permits. Same failures. */
export async function openResponse(request: ServiceRequest, signal: AbortSignal): Promise<Response> {
  const { method, url, json, text, headers } = request
  const body = json === undefined ? text : JSON.stringify(json)
  const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' }
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...type },
    body,
    redirect: 'manual',
    signal,
  }).catch((error: unknown) => {
    throw noAnswerFailure(request, error)
  })
  const { status } = response
  if (status < 500 && status !== 429 && (status < 300 || status >= 400)) return response
  await response.body?.cancel().catch(() => {})
  throw new ServiceFailure(`${request.service} answered with the status ${status}.`)
}

async function readAll(request: ServiceRequest, response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > maxAnswerBytes) throw new ServiceFailure(`${request.service} answered with more than 4 MiB.`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof ServiceFailure ? error : noAnswerFailure(request, error)
  }
  return Buffer.concat(chunks)
}

/** Reports only the kind of `fetch`'s error: its texts are long and may quote headers. */
export function noAnswerFailure({ service, timeoutMs }: Pick<ServiceRequest, 'service' | 'timeoutMs'>, error: unknown) {
  if ((error as Error).name === 'TimeoutError') {
    return new ServiceFailure(`${service} did not answer within ${timeoutMs / 1000} s.`, { isSilent: true })
  }
  const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code
  const why = code === undefined ? '' : ` (${code})`
  return new ServiceFailure(`${service} cannot be reached${why}.`, { isSilent: true })
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
