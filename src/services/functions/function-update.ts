import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import type { AppJobs } from '../../domain/functions/app-function.ts'
import { type Fn, type FunctionStore, isApp } from '../../domain/functions/function.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Pool, Revision } from '../../domain/platform/worker.ts'
import { refuseWhileInUse } from '../../domain/triggers/refuse-in-use.ts'
import type { DependentLookup } from '../../domain/triggers/trigger.ts'
import { changedEntry, changedImage, readCodeChange } from './code-change.ts'
import type { DeploymentTurn } from './deployment-order.ts'
import { boundsDiffer, changesImage, type FunctionChange, isHeavy, workersToDrop } from './function-change.ts'
import type { FunctionChecks } from './function-checks.ts'
import { checkImageOf, type FunctionLimits, withFields } from './function-fields.ts'
import { refuseWiderAccess } from './function-token-limits.ts'
import { keepWorkers } from './keep-workers.ts'
import { afterLoadCheck, type LoadCheck } from './load-check.ts'
import type { LoadTrials } from './load-trials.ts'
import type { PackageQuota } from './package-quota.ts'
import type { PublicFunctions } from './public-functions.ts'
import type { Deployment } from './running-builds.ts'
import type { StoredCodes } from './stored-code.ts'
import type { Targets } from './targets.ts'

export interface FunctionUpdateParts {
  functions: FunctionStore
  packageShare: Pick<PackageQuota, 'hold'>
  inUse: DependentLookup
  appTimers: AppJobs
  targets: Targets
  exposed: PublicFunctions
  pool: Pool
  clock: Clock
  limits: FunctionLimits
}

export interface UpdateSteps {
  checks: FunctionChecks
  codes: StoredCodes
  trials: LoadTrials
}

/** How a function is changed; `place`: where this change stands among those of its code. */
export interface UpdateOptions {
  build: Deployment | undefined
  check: LoadCheck
  place: DeploymentTurn
}

/** Changes functions: light changes keep the workers, all others drop them. */
export class FunctionUpdate {
  #parts: FunctionUpdateParts
  #checks: FunctionChecks
  #codes: StoredCodes
  #trials: LoadTrials

  constructor(parts: FunctionUpdateParts, { checks, codes, trials }: UpdateSteps) {
    this.#parts = parts
    this.#checks = checks
    this.#codes = codes
    this.#trials = trials
  }

  async update(
    who: Principal,
    nameOrId: string,
    given: FunctionChange,
    { build, check, place }: UpdateOptions,
  ): Promise<Fn> {
    const { targets, functions } = this.#parts
    const {
      code: givenCode,
      zip,
      build: _asked,
      image,
      start,
      keepJobs: _keepJobs,
      alongside,
      afterwards,
      ...fields
    } = given
    const before = targets.findFunction(who, nameOrId)
    refuseWiderAccess(targets, who, before, fields)
    await this.#checks.fields(who, before, fields, before.trustId !== null)
    if (isHeavy(given)) this.#refuseHeavy(who, before, given)
    const code = readCodeChange(before, givenCode, zip)
    const called = { ...before, entry: fields.entry ?? before.entry }
    const stored = code === null ? null : await this.#codes.changed(who, called, code, zip, build)
    const changed = (fn: Fn): Fn => {
      const entry = fields.entry ?? changedEntry(fn, code)
      return { ...withFields(fn, fields), entry, ...(stored ?? changedImage(fn, image, start)) }
    }
    const wanted = this.#checks.whole(changed(before))
    if (wanted.code.image !== before.code.image) checkImageOf(wanted.code, who, this.#parts.limits)
    const givesNewCode = stored !== null || image !== undefined
    const mustLoad = check === 'load' || (isApp(wanted) && isHeavy(given))
    const trial = { fn: wanted, before, check: mustLoad ? ('load' as const) : null }
    const { appTimers } = this.#parts
    const release = await this.#parts.packageShare.hold(before.projectId, { ...before, ...stored }.packageHash)
    return afterLoadCheck({ appTimers, trials: this.#trials }, trial, async (tried, warm) => {
      const fn = functions.find(before.id)
      if (fn === null) throw notFound('Function', nameOrId)
      if (givesNewCode) place.refuseLate()
      const isNewerCode = !givesNewCode && JSON.stringify(codeIn(fn)) !== JSON.stringify(codeIn(before))
      const now = changed(fn)
      const code = now.code.source === 'image' ? now.code : isNewerCode ? fn.code : tried.code
      const written = this.#write(fn, { ...now, code }, { warm, alongside, afterwards })
      if (givesNewCode) place.done()
      if (isApp(written) || isApp(fn)) await appTimers.follow(who, fn, written)
      return written
    }).finally(release)
  }

  /** `warm`: a worker of this revision was made for it. */
  #write(
    before: Fn,
    wanted: Fn,
    { warm, alongside, afterwards }: Pick<FunctionChange, 'alongside' | 'afterwards'> & { warm: Revision | null },
  ): Fn {
    const { functions, exposed, targets, pool, clock } = this.#parts
    const withIt = (fn: Fn) =>
      (alongside ?? afterwards) && { before: () => alongside?.(before), after: () => afterwards?.(fn) }
    if (JSON.stringify(before) === JSON.stringify(wanted)) {
      if (withIt(before) !== undefined) functions.update(before, withIt(before))
      return before
    }
    this.#checks.refuseTakenHosts(wanted)
    const fn = { ...this.#checks.whole(wanted), updatedAt: clock.now() }
    functions.update(fn, withIt(fn))
    exposed.forget()
    targets.forgetFunction(fn.id)
    const dropped = workersToDrop(before, fn)
    if (dropped !== 'none') pool.retire(fn.id, dropped === 'all' ? null : 0, 'new_code', warm)
    if (dropped !== 'none' ? fn.minWorkers > 0 : boundsDiffer(before, fn)) keepWorkers(this.#parts, fn)
    return fn
  }

  #refuseHeavy(who: Principal, fn: Fn, given: FunctionChange): void {
    const mayChange = fn.code.mode === 'lambda' || fn.code.mode === 'fission'
    if (fn.code.source === 'image' && !mayChange && changesImage(given)) {
      throw invalid(
        'Only name, description, timeout and the bounds on workers of an image function can be changed; a field "image" beside them names another image.',
      )
    }
    if (!given.keepJobs) this.#refuseJobs(who, fn)
  }

  /** Jobs made from the package's timers do not count. */
  #refuseJobs(who: Principal, fn: Fn): void {
    const own = this.#parts.appTimers.idsOf(fn)
    const jobs = this.#parts.inUse.jobsOf(fn.id).filter(({ id }) => !own.has(id))
    refuseWhileInUse(who, `Function ${fn.id}`, jobs)
  }
}

const codeIn = ({ code, packageHash }: Fn) => ({ code, packageHash })
