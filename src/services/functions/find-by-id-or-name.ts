import { FaasError, invalid } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Targets } from './targets.ts'

/**
 * Like `findFunction`, for routes where the contract answers 400 to a malformed id: here to a text that is neither an id nor a
 * name.
 */
export function findByIdOrName(targets: Targets, who: Principal, nameOrId: string): Fn {
  try {
    return targets.findFunction(who, nameOrId)
  } catch (error) {
    if (!(error instanceof FaasError) || canonicalUuid(nameOrId) !== null) throw error
    throw invalid(`${JSON.stringify(nameOrId)} is neither the id nor the name of a function.`)
  }
}
