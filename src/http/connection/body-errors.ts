import { FaasError, invalid } from '../../domain/errors.ts'

export const tooLarge = (maxBytes: number): FaasError =>
  new FaasError('too_large', `The body is larger than ${maxBytes} bytes, which is the maximum here.`)

export const incompleteBody = (): FaasError => invalid('The body ended before it was complete.')

export const tooManyBodies = (): FaasError =>
  new FaasError('too_many_bodies', 'The bodies of all current requests fill the memory for bodies; try again later.')
