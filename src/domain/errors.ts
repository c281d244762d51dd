/**
 * The one error class of the platform and the closed list of its codes. A function that fails is not an error: it is an
 * Outcome (`domain/runs/outcome.ts`). `http/error-response.ts` turns a code into a status; docs/errors.md lists every code.
 *
 * Who is at fault: `caller` (send something else), `capacity` (try again later), `internal` (us, or the engine under us).
 */
export const errorCodes = {
  invalid_request: 'caller',
  unauthenticated: 'caller',
  forbidden: 'caller',
  in_use: 'caller',
  not_found: 'caller',
  call_too_deep: 'caller',
  method_not_allowed: 'caller',
  conflict: 'caller',
  runtime_unavailable: 'caller',
  too_large: 'caller',
  headers_too_large: 'caller',
  request_timeout: 'caller',
  unsupported_media_type: 'caller',
  build_failed: 'caller',
  limit_reached: 'capacity',
  queue_full: 'capacity',
  storage_full: 'capacity',
  too_many_bodies: 'capacity',
  no_worker: 'capacity',
  shutting_down: 'capacity',
  auth_unavailable: 'capacity',
  engine_failed: 'internal',
  openstack_failed: 'internal',
  not_supported: 'internal',
  internal: 'internal',
} as const

export type ErrorCode = keyof typeof errorCodes
export type Fault = (typeof errorCodes)[ErrorCode]

export class FaasError extends Error {
  override name = 'FaasError'
  readonly code: ErrorCode

  /** `message` is a sentence for the caller: what is wrong and what to do. `cause` is logged, never shown. */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  get fault(): Fault {
    return errorCodes[this.code]
  }
}

/** The limit that was reached, its owner, and its current use. */
export interface LimitFacts {
  name: string
  of: 'function' | 'project' | 'webhook' | 'address'
  value: number
  /** Null where no count exists, as with rates. */
  used: number | null
}

/** A limit of one function, project, webhook or address; others are not affected. */
export class LimitReached extends FaasError {
  readonly limit: LimitFacts
  readonly retryAfterSeconds: number

  constructor(limit: LimitFacts, message: string, retryAfterSeconds = 1) {
    super('limit_reached', message)
    this.limit = limit
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds))
  }
}

export const invalid = (message: string): FaasError => new FaasError('invalid_request', message)
export const notFound = (what: string, id: string): FaasError =>
  new FaasError('not_found', `${what} ${id} was not found.`)
/** The text that Qinling's own tests expect in every 403 of the policy. */
export const notAllowed = (why: string): FaasError => new FaasError('forbidden', `Operation not allowed: ${why}`)
