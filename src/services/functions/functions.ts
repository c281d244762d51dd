import type { Build } from '../../domain/functions/build.ts'
import type { Fn } from '../../domain/functions/function.ts'
import { type ListQuery, selectRows } from '../../domain/list.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Ledger } from '../../domain/runs/execution.ts'
import type { AppImages } from './app-images.ts'
import { sourceOfBuild } from './build-source.ts'
import type { Builds } from './builds.ts'
import type { DeploymentOrder } from './deployment-order.ts'
import { type Download, download } from './download.ts'
import { type WithExecutionCount, withCount } from './execution-count.ts'
import { findByIdOrName } from './find-by-id-or-name.ts'
import type { FunctionChange } from './function-change.ts'
import { FunctionChecks, type FunctionChecksParts } from './function-checks.ts'
import { FunctionCreation, type FunctionCreationParts, type NewFunction } from './function-creation.ts'
import { FunctionRemoval, type FunctionRemovalParts, type ReplacedFunction } from './function-removal.ts'
import { FunctionUpdate, type FunctionUpdateParts } from './function-update.ts'
import type { LoadCheck } from './load-check.ts'
import { LoadTrials } from './load-trials.ts'
import type { DeploymentBuildOptions } from './running-builds.ts'
import { StoredCodes, type StoredCodesParts } from './stored-code.ts'

export interface FunctionsParts
  extends FunctionChecksParts,
    FunctionRemovalParts,
    FunctionCreationParts,
    FunctionUpdateParts,
    StoredCodesParts {
  builds: Pick<Builds, 'built' | 'deploy'>
  order: DeploymentOrder
  appImages: Pick<AppImages, 'unpacked'>
  ledger: Ledger
}

export type CountedFn = WithExecutionCount<Fn>

/** Deploys, changes and deletes functions (contract section 4). */
export class Functions {
  #parts: FunctionsParts
  #creation: FunctionCreation
  #update: FunctionUpdate
  #removal: FunctionRemoval

  constructor(parts: FunctionsParts) {
    const checks = new FunctionChecks(parts)
    const codes = new StoredCodes(parts)
    const trials = new LoadTrials(parts)
    this.#parts = parts
    this.#removal = new FunctionRemoval(parts)
    this.#creation = new FunctionCreation(parts, { checks, codes, trials, removal: this.#removal })
    this.#update = new FunctionUpdate(parts, { checks, codes, trials })
  }

  list(query: ListQuery): CountedFn[] {
    return selectRows(this.#parts.functions.list(query.filter.projectId), query).map((fn) => this.#counted(fn))
  }

  get(who: Principal, nameOrId: string): CountedFn {
    return this.#counted(this.#parts.targets.findFunction(who, nameOrId))
  }

  /** Checks in the contract's order; nothing is stored when a check fails. `check`: whether to load the code as the last step. */
  create(who: Principal, given: NewFunction, check: LoadCheck = null): Promise<CountedFn> {
    return this.#create(who, given, check, null)
  }

  /**
   * Makes another function instead of one of the caller's own, which is deleted in the same step: whoever asks for its name
   * finds one of the two at any moment, also after a crash. Throws FaasError `in_use` like `delete`.
   */
  replace(who: Principal, instead: ReplacedFunction, given: NewFunction): Promise<CountedFn> {
    return this.#create(who, given, null, instead)
  }

  /**
   * Light changes keep the workers; all others drop them, and are refused while a job is unfinished. The last
   * accepted of concurrent code changes wins: an earlier one that ends later throws FaasError `conflict`.
   */
  async update(who: Principal, nameOrId: string, given: FunctionChange, check: LoadCheck = null): Promise<CountedFn> {
    const { order, targets, builds } = this.#parts
    const before = targets.findFunction(who, nameOrId)
    const place = order.accept(before.id)
    return builds
      .deploy(given.build, async (build) => {
        const unpacked = await this.#parts.appImages.unpacked(who, given, before)
        return this.#counted(await this.#update.update(who, nameOrId, unpacked, { build, check, place }))
      })
      .finally(() => place.end())
  }

  /** Installs the dependencies of an earlier build's package again and deploys it. Jobs continue with it. */
  async rebuild(who: Principal, build: Build, options: DeploymentBuildOptions): Promise<CountedFn> {
    const { functionId, zip } = await sourceOfBuild(this.#parts, build)
    return this.update(who, functionId, {
      zip,
      keepJobs: true,
      build: { ...options, mode: 'always', bundle: build.bundle },
    })
  }

  /**
   * Throws FaasError `in_use` while jobs, webhooks, aliases or sources use it; `cascade` deletes those too. Only the owner may
   * delete.
   */
  async delete(who: Principal, nameOrId: string, cascade = false): Promise<void> {
    await this.#removal.remove(who, findByIdOrName(this.#parts.targets, who, nameOrId), cascade)
  }

  async download(who: Principal, nameOrId: string): Promise<Download> {
    return download(this.#parts, who, this.#parts.targets.findFunction(who, nameOrId))
  }

  #create(who: Principal, given: NewFunction, check: LoadCheck, instead: ReplacedFunction | null): Promise<CountedFn> {
    return this.#parts.builds.deploy(given.build, async (build) => {
      const unpacked = await this.#parts.appImages.unpacked(who, given, null)
      return this.#counted(await this.#creation.create(who, unpacked, { build, check, instead }))
    })
  }

  #counted(fn: Fn): CountedFn {
    return withCount(fn, this.#parts.ledger.counts(fn.id, 0))
  }
}
