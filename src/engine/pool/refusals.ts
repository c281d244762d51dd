import { FaasError } from '../../domain/errors.ts'

/** Why a call gets no worker. */

export const shuttingDown = (): FaasError =>
  new FaasError('shutting_down', 'The server is stopping; try again in a moment.')

export const tooLarge = (): FaasError =>
  new FaasError(
    'no_worker',
    'The function needs more memory than all workers together may have (TAIBAI_MEMORY_BUDGET_MB).',
  )

export const tooManyWait = (count: number): FaasError =>
  new FaasError('no_worker', `${count} calls of this function wait for a worker already; try again later.`)

export const callerLeft = (): FaasError => new FaasError('no_worker', 'The caller left before a worker came free.')

export const noneCameFree = (waitedMs: number, engineIsUp: boolean): FaasError => {
  const why = engineIsUp ? '.' : ': the engine that starts workers does not answer.'
  return new FaasError('no_worker', `No worker came free within ${waitedMs / 1000} s${why}`)
}

/** The part of a failed start that callers may see; the rest is in the log. */
export const startFailed = (cause: unknown): FaasError =>
  cause instanceof FaasError ? cause : new FaasError('engine_failed', 'No worker could be started.', { cause })
