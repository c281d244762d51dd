import { notAllowed } from '../../domain/errors.ts'
import type { AppJobs } from '../../domain/functions/app-function.ts'
import type { Fn, FunctionStore } from '../../domain/functions/function.ts'
import type { Trusts } from '../../domain/platform/openstack.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import { dependentsToRemove } from '../../domain/triggers/refuse-in-use.ts'
import type { DependentLookup } from '../../domain/triggers/trigger.ts'
import type { PublicFunctions } from './public-functions.ts'
import type { SwiftCode } from './swift-code.ts'
import type { Targets } from './targets.ts'

export interface FunctionRemovalParts {
  functions: FunctionStore
  inUse: DependentLookup
  appTimers: AppJobs
  exposed: PublicFunctions
  targets: Targets
  pool: Pool
  /** Absent without Keystone. */
  swift?: SwiftCode
  /** Absent without Keystone. */
  trusts?: Trusts
}

/** The function that another one replaces. */
export interface ReplacedFunction {
  fn: Fn
  /** Removes the objects of the caller's platform that belong to it, right before it is removed. */
  aside?(): Promise<void>
  /** Restores them if the function is not removed after all. */
  back?(): Promise<void>
}

/** Takes functions away, with what holds them and what was made for them. */
export class FunctionRemoval {
  #parts: FunctionRemovalParts

  constructor(parts: FunctionRemovalParts) {
    this.#parts = parts
  }

  async remove(who: Principal, fn: Fn, cascade: boolean): Promise<void> {
    await this.#letGo(who, fn, cascade)
    this.#parts.functions.delete(fn.id)
    await this.#forget(fn)
  }

  /** Stores `fn`, which is new, instead of the other, in one step. */
  async replace(who: Principal, { fn: before, aside = async () => {}, back }: ReplacedFunction, fn: Fn): Promise<void> {
    try {
      await aside()
      await this.#letGo(who, before, false)
      this.#parts.functions.replace(before.id, fn)
    } catch (error) {
      await back?.()
      throw error
    }
    await this.#forget(before)
  }

  /** Removes what may be removed with the function. Throws FaasError `in_use`, `forbidden`. */
  async #letGo(who: Principal, fn: Fn, cascade: boolean): Promise<void> {
    const { inUse } = this.#parts
    const own = this.#parts.appTimers.idsOf(fn)
    const all = inUse.ofFunction(fn.id)
    const others = dependentsToRemove(
      who,
      `Function ${fn.id}`,
      all.filter(({ id }) => !own.has(id)),
      cascade,
    )
    const holders = [...others, ...all.filter(({ id }) => own.has(id))]
    if (fn.projectId !== who.projectId) throw notAllowed('only its own project may delete a function.')
    await inUse.remove(holders)
  }

  async #forget(fn: Fn): Promise<void> {
    const { targets, pool, swift, trusts } = this.#parts
    this.#parts.exposed.forget()
    targets.forgetFunction(fn.id)
    pool.retire(fn.id, null, 'new_code')
    swift?.forget(fn.id)
    if (fn.trustId !== null) await trusts?.delete(fn.trustId)
  }
}
