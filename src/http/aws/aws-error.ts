import { type ErrorCode, FaasError } from '../../domain/errors.ts'

/** An error in the format of AWS Lambda: a status, a type for clients, and a sentence. */
export class AwsError extends Error {
  override name = 'AwsError'
  readonly status: number
  /** For example `ResourceNotFoundException`. */
  readonly type: string

  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

export const invalidParameter = (message: string): AwsError =>
  new AwsError(400, 'InvalidParameterValueException', message)

export const notFunction = (arn: string): AwsError =>
  new AwsError(404, 'ResourceNotFoundException', `Function not found: ${arn}`)

export const missing = (message: string): AwsError => new AwsError(404, 'ResourceNotFoundException', message)

/** Maps each of our error codes; SDKs retry 429 and statuses of 500 and above. */
const names: Record<ErrorCode, [status: number, type: string]> = {
  invalid_request: [400, 'InvalidParameterValueException'],
  unauthenticated: [403, 'UnrecognizedClientException'],
  forbidden: [403, 'AccessDeniedException'],
  build_failed: [400, 'InvalidParameterValueException'],
  call_too_deep: [400, 'RecursiveInvocationException'],
  in_use: [409, 'ResourceConflictException'],
  not_found: [404, 'ResourceNotFoundException'],
  method_not_allowed: [400, 'InvalidParameterValueException'],
  conflict: [409, 'ResourceConflictException'],
  runtime_unavailable: [409, 'ResourceConflictException'],
  request_timeout: [400, 'InvalidRequestContentException'],
  too_large: [413, 'RequestTooLargeException'],
  unsupported_media_type: [415, 'UnsupportedMediaTypeException'],
  headers_too_large: [413, 'RequestTooLargeException'],
  queue_full: [429, 'TooManyRequestsException'],
  storage_full: [503, 'ServiceException'],
  too_many_bodies: [429, 'TooManyRequestsException'],
  no_worker: [429, 'TooManyRequestsException'],
  limit_reached: [429, 'TooManyRequestsException'],
  shutting_down: [500, 'ServiceException'],
  auth_unavailable: [500, 'ServiceException'],
  engine_failed: [500, 'ServiceException'],
  openstack_failed: [500, 'ServiceException'],
  not_supported: [400, 'InvalidParameterValueException'],
  internal: [500, 'ServiceException'],
}

/** Null: an unknown error, which is logged. */
export function asAwsError(error: unknown): AwsError | null {
  if (error instanceof AwsError) return error
  if (!(error instanceof FaasError)) return null
  const [status, type] = names[error.code] ?? [500, 'ServiceException']
  return error.code === 'internal' ? null : new AwsError(status, type, error.message)
}
