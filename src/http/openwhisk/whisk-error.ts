import { FaasError } from '../../domain/errors.ts'
import { statusOfCode } from '../error-response.ts'

/** An error in OpenWhisk's format: a status and a sentence. */
export class WhiskError extends Error {
  override name = 'WhiskError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export const whiskBadRequest = (message: string): WhiskError => new WhiskError(400, message)

export const whiskNotFound = (): WhiskError => new WhiskError(404, 'The requested resource does not exist.')

export const whiskConflict = (): WhiskError => new WhiskError(409, 'resource already exists')

/** Null: an unknown error, which is logged. */
export function asWhiskError(error: unknown): WhiskError | null {
  if (error instanceof WhiskError) return error
  if (!(error instanceof FaasError) || error.code === 'internal') return null
  if (error.code === 'unauthenticated') return new WhiskError(401, 'The supplied authentication is invalid.')
  if (error.code === 'in_use') return new WhiskError(409, error.message)
  return new WhiskError(statusOfCode[error.code], error.message)
}
