import type { Clock } from '../../domain/clock.ts'
import { FaasError, notFound } from '../../domain/errors.ts'
import type { Fn, FunctionStore, FunctionVersion, PackageStore } from '../../domain/functions/function.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Ledger } from '../../domain/runs/execution.ts'
import { dependentsToRemove } from '../../domain/triggers/refuse-in-use.ts'
import type { DependentLookup } from '../../domain/triggers/trigger.ts'
import type { DeploymentOrder } from './deployment-order.ts'
import type { Download } from './download.ts'
import { type WithExecutionCount, withCount } from './execution-count.ts'
import { findByIdOrName } from './find-by-id-or-name.ts'
import { keepWorkers } from './keep-workers.ts'
import type { Targets } from './targets.ts'

export interface FunctionVersionsParts {
  functions: FunctionStore
  inUse: DependentLookup
  packages: PackageStore
  order: DeploymentOrder
  targets: Targets
  pool: Pool
  ledger: Ledger
  clock: Clock
  newId: NewId
  /** Limit of versions of one function. */
  maxVersions: number
}

export type CountedVersion = WithExecutionCount<FunctionVersion>

/** Versions: frozen copies of a function's package (contract section 5). */
export class FunctionVersions {
  #parts: FunctionVersionsParts

  constructor(parts: FunctionVersionsParts) {
    this.#parts = parts
  }

  list(who: Principal, nameOrId: string): CountedVersion[] {
    const fn = findByIdOrName(this.#parts.targets, who, nameOrId)
    return this.#parts.functions.listVersions(fn.id).map((version) => this.#counted(version))
  }

  get(who: Principal, nameOrId: string, number: number): CountedVersion {
    return this.#counted(this.#find(findByIdOrName(this.#parts.targets, who, nameOrId), number))
  }

  /** Works only in the caller's own project, for admins too. The number of a deleted newest version is reused. */
  create(who: Principal, nameOrId: string, description: string | null): CountedVersion {
    const { functions, clock, newId, maxVersions } = this.#parts
    const fn = findByIdOrName(this.#parts.targets, asOwner(who), nameOrId)
    const { packageHash } = fn
    if (fn.code.source !== 'package' || packageHash === null) {
      throw new FaasError('forbidden', 'Operation not allowed: only functions made from a package have versions.')
    }
    const versions = functions.listVersions(fn.id)
    if (versions.length >= maxVersions) {
      throw new FaasError(
        'in_use',
        `Function ${fn.id} has ${versions.length} versions, the most there may be: delete one.`,
      )
    }
    const newest = versions.at(-1)
    if (newest?.packageHash === packageHash) {
      throw new FaasError('in_use', `The package has not changed since version ${newest.number}: update it first.`)
    }
    const version: FunctionVersion = {
      id: newId(),
      functionId: fn.id,
      projectId: fn.projectId,
      number: (newest?.number ?? 0) + 1,
      description,
      packageHash,
      md5sum: String(fn.code.md5sum),
      createdAt: clock.now(),
      updatedAt: null,
    }
    functions.insertVersion(version)
    this.#parts.targets.forgetFunction(fn.id)
    return this.#counted(version)
  }

  async delete(who: Principal, nameOrId: string, number: number, cascade = false): Promise<void> {
    const { functions, inUse, targets, pool } = this.#parts
    const fn = findByIdOrName(targets, asOwner(who), nameOrId)
    this.#find(fn, number)
    const what = `Version ${number} of function ${fn.id}`
    await inUse.remove(dependentsToRemove(who, what, inUse.ofVersion(fn.id, number), cascade))
    functions.deleteVersion(fn.id, number)
    targets.forgetFunction(fn.id)
    pool.retire(fn.id, number, 'new_code')
  }

  /**
   * Deploys the version's code again, without an upload. It is allowed while jobs are unfinished, unlike an update, because
   * failing jobs are a reason for a rollback. Earlier accepted deployments that end later have no effect. Works only in the
   * caller's own project, for admins too.
   */
  rollback(who: Principal, nameOrId: string, number: number): WithExecutionCount<Fn> {
    const { functions, targets, pool, ledger, clock } = this.#parts
    const fn = findByIdOrName(targets, asOwner(who), nameOrId)
    const { packageHash, md5sum } = this.#find(fn, number)
    const place = this.#parts.order.accept(fn.id)
    place.done()
    place.end()
    if (fn.packageHash === packageHash) return withCount(fn, ledger.counts(fn.id, 0))
    const back: Fn = { ...fn, packageHash, code: { ...fn.code, md5sum }, updatedAt: clock.now() }
    functions.update(back)
    targets.forgetFunction(back.id)
    pool.retire(back.id, 0, 'new_code')
    if (back.minWorkers > 0) keepWorkers(this.#parts, back)
    return withCount(back, ledger.counts(back.id, 0))
  }

  download(who: Principal, nameOrId: string, number: number): Download {
    const version = this.#find(findByIdOrName(this.#parts.targets, who, nameOrId), number)
    return { ...this.#parts.packages.open(version.packageHash), fileName: `${version.functionId}_${number}` }
  }

  #find(fn: Fn, number: number): FunctionVersion {
    const version = this.#parts.functions.findVersion(fn.id, number)
    if (version === null) throw notFound(`Version ${number} of function`, fn.id)
    return version
  }

  #counted(version: FunctionVersion): CountedVersion {
    return withCount(version, this.#parts.ledger.counts(version.functionId, version.number))
  }
}

/** Limits the view to the caller's project, whatever its roles. */
const asOwner = (who: Principal): Principal => ({ ...who, isAdmin: false })
