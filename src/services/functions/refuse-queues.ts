import { invalid } from '../../domain/errors.ts'
import type { Destination } from '../../domain/runs/run-options.ts'

/** Queues are posted to as the function's maker: throws FaasError where that cannot be. */
export function refuseQueues(
  given: { hasKeystone: boolean; hasTrust: boolean },
  destinations: (Destination | null | undefined)[],
): void {
  if (!destinations.some((to) => to && 'queue' in to)) return
  if (!given.hasKeystone) {
    throw invalid('A queue of Zaqar as a destination needs Keystone authentication, which this server does not use.')
  }
  if (given.hasTrust) return
  throw invalid(
    'The function has no trust to post to a queue of Zaqar with: create it with a Keystone token. Images have no trust.',
  )
}
