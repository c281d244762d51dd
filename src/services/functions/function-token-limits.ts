import { notAllowed } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import { type Principal, refuseOtherFunctions } from '../../domain/platform/principal.ts'
import type { Destination } from '../../domain/runs/run-options.ts'
import type { FunctionFields } from './function-fields.ts'
import type { Targets } from './targets.ts'

/** Limits of a token that is bound to one function. */

/** Refuses results that go to another function, because that would run it. */
export function refuseOtherDestinations(
  targets: Pick<Targets, 'resolve'>,
  who: Principal,
  destinations: (Destination | null | undefined)[],
): void {
  if (who.onlyFunction === undefined) return
  for (const to of destinations) {
    if (to && 'function' in to) refuseOtherFunctions(who, targets.resolve(who, { functionId: to.function }).fn.id)
  }
}

/** A queue is posted to as the function's maker, who may more than such a token. */
export function refuseQueuesOfCall(who: Principal, destinations: (Destination | null | undefined)[]): void {
  if (who.onlyFunction === undefined || !destinations.some((to) => to && 'queue' in to)) return
  throw notAllowed('a token of one function cannot send a result to a queue; the function itself may name one.')
}

/** Refuses more secrets or API access: code can print a secret, and with `api` it can call each function of its project. */
export function refuseWiderAccess(
  targets: Pick<Targets, 'resolve'>,
  who: Principal,
  before: Fn,
  { api, secrets, onSuccess, onFailure }: FunctionFields,
): void {
  if (who.onlyFunction === undefined) return
  if (api && !before.api) throw notAllowed('a token of one function cannot give it "api", which reaches the others.')
  const added = secrets?.find(({ name }) => before.secrets.every((use) => use.name !== name))
  if (added !== undefined) throw notAllowed(`a token of one function cannot give it another secret (${added.name}).`)
  refuseOtherDestinations(targets, who, [onSuccess, onFailure])
}
