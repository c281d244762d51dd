/** Errors of API calls; their messages are sentences for people. */

/** The server refused the request, or failed. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: number
  /** Error code, such as `not_found`; undefined when the response is not Taibai's. */
  readonly code: string | undefined

  constructor(status: number, code: string | undefined, message: string) {
    super(message)
    this.status = status
    this.code = code
  }

  /** True when the server lacks the route because it is older. */
  get isOfAnOlderServer(): boolean {
    return (this.status === 404 && this.message.startsWith('There is nothing at ')) || this.status === 405
  }
}

/** No server answers at the address. */
export class UnreachableError extends Error {
  override name = 'UnreachableError'
  readonly url: string

  constructor(url: string, cause: unknown) {
    super(`No Taibai server answers at ${url} (${reasonOf(cause)}).`, { cause })
    this.url = url
  }
}

/** Converts an unsuccessful response to an error, with the server's own message where there is one. */
export function errorOf(status: number, text: string): ApiError {
  const { code, faultstring } = objectOf(text)
  const sentence = typeof faultstring === 'string' ? faultstring : `HTTP ${status} ${text.slice(0, 500)}`.trimEnd()
  return new ApiError(status, typeof code === 'string' ? code : undefined, sentence)
}

function objectOf(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return code ?? message
}
