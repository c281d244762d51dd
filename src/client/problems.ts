/** What a call of the API can meet, as errors whose message is a sentence for people. */

/** The server refused the request, or could not do what it asks. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: number
  /** As the table of errors names it, such as `not_found`; undefined when whoever answered is no Taibai. */
  readonly code: string | undefined

  constructor(status: number, code: string | undefined, message: string) {
    super(message)
    this.status = status
    this.code = code
  }

  /** The server has no such route: a newer one has. */
  get isOfAnOlderServer(): boolean {
    return (this.status === 404 && this.message.startsWith('There is nothing at ')) || this.status === 405
  }
}

/** Nobody answers at the server's address. */
export class UnreachableError extends Error {
  override name = 'UnreachableError'
  readonly url: string

  constructor(url: string, cause: unknown) {
    super(`No Taibai server answers at ${url} (${reasonOf(cause)}).`, { cause })
    this.url = url
  }
}

/** An answer that is no success as an error; the sentence is the server's own where there is one. */
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
