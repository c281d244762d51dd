import { FaasError } from '../../domain/errors.ts'
import { type Placement, placementText } from '../../domain/platform/machine.ts'
import type { NeverFits } from './memory.ts'

/** Why a call gets no worker. */

export const shuttingDown = (): FaasError =>
  new FaasError('shutting_down', 'The server is stopping; try again in a moment.')

export function neverFits(why: NeverFits, placement: Placement): FaasError {
  const labels = placementText(placement)
  const where = labels === '' ? 'node' : `node with the labels of its placement (${labels})`
  const sentences: Record<NeverFits, string> = {
    too_large: 'The function needs more memory than all workers together may have (TAIBAI_MEMORY_BUDGET_MB).',
    too_large_for_each: `The function needs more memory than the workers of any ${where} may have, although all nodes together have it: give it less, or add a larger node.`,
    no_labels: `No node has the labels that the function asks for (placement: ${labels}): docker node update --label-add NAME=VALUE NODE, or change its placement.`,
  }
  return new FaasError('no_worker', sentences[why])
}

export const tooManyWaiting = (count: number): FaasError =>
  new FaasError('no_worker', `${count} calls of this function wait for a worker already; try again later.`)

export const callerDisconnected = (): FaasError =>
  new FaasError('no_worker', 'The caller left before a worker came free.')

export const noWorkerInTime = (waitedMs: number, engineIsUp: boolean): FaasError => {
  const why = engineIsUp ? '.' : ': the engine that starts workers does not answer.'
  return new FaasError('no_worker', `No worker came free within ${waitedMs / 1000} s${why}`)
}

/** The part of a failed start that callers may see; the rest is in the log. */
export const startFailed = (cause: unknown): FaasError =>
  cause instanceof FaasError ? cause : new FaasError('engine_failed', 'No worker could be started.', { cause })
