import type { Clock } from '../../domain/clock.ts'
import type { AppJobs } from '../../domain/functions/app-function.ts'
import { type Fn, type FunctionStore, isApp } from '../../domain/functions/function.ts'
import type { Runtime } from '../../domain/functions/runtime.ts'
import { defaultSignature, factsOf } from '../../domain/functions/signature.ts'
import type { Upload } from '../../domain/functions/upload.ts'
import { canonicalUuid, type NewId } from '../../domain/ids.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import type { Trusts } from '../../domain/platform/openstack.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Runtimes } from '../platform/runtimes.ts'
import type { FunctionChecks } from './function-checks.ts'
import { entryIn, type GivenCode, readCode } from './function-code.ts'
import {
  checkContractLimits,
  checkImageOf,
  type FunctionFields,
  type FunctionLimits,
  withFields,
} from './function-fields.ts'
import type { FunctionRemoval, ReplacedFunction } from './function-removal.ts'
import { keepWorkers } from './keep-workers.ts'
import { afterLoadCheck, type LoadCheck } from './load-check.ts'
import type { LoadTrials } from './load-trials.ts'
import { newFunction } from './new-function.ts'
import type { PackageQuota } from './package-quota.ts'
import type { PublicFunctions } from './public-functions.ts'
import type { Deployment, DeploymentBuildOptions } from './running-builds.ts'
import type { StoredCodes } from './stored-code.ts'
import type { Targets } from './targets.ts'

export interface FunctionCreationParts {
  functions: FunctionStore
  shares: Pick<Shares, 'refuseMore'>
  packageShare: Pick<PackageQuota, 'hold'>
  appTimers: AppJobs
  runtimes: Runtimes
  targets: Targets
  exposed: PublicFunctions
  pool: Pool
  clock: Clock
  newId: NewId
  limits: FunctionLimits
  /** Absent without Keystone. */
  trusts?: Trusts
}

export interface CreationSteps {
  checks: FunctionChecks
  codes: StoredCodes
  trials: LoadTrials
  removal: FunctionRemoval
}

export interface NewFunction extends FunctionFields {
  /** An object, or its JSON text. */
  code: unknown
  /** Id or name. */
  runtime?: string
  zip?: Upload
  /** Absent: no build. */
  build?: DeploymentBuildOptions
  /** Called with the new function: what this stores is stored with it, and what this throws refuses it. */
  alongside?: (made: Fn) => void
}

/** How a function is made; `instead`: null when it takes nobody's place. */
export interface CreationOptions {
  build: Deployment | undefined
  check: LoadCheck
  instead: ReplacedFunction | null
}

/** Makes functions, with the checks in the contract's order; nothing is stored when a check fails. */
export class FunctionCreation {
  #parts: FunctionCreationParts
  #steps: CreationSteps

  constructor(parts: FunctionCreationParts, steps: CreationSteps) {
    this.#parts = parts
    this.#steps = steps
  }

  async create(who: Principal, given: NewFunction, { build, check, instead }: CreationOptions): Promise<Fn> {
    const { limits, appTimers } = this.#parts
    const { checks, codes, trials } = this.#steps
    const { code: givenCode, runtime: nameOrId, zip, build: _asked, alongside, ...fields } = given
    checkContractLimits(fields, limits)
    const code = readCode(givenCode)
    if (code.source === 'image') checkImageOf(code.code, who, limits)
    const runtime = code.source === 'image' ? null : checks.usableRuntime(who, nameOrId)
    const hasTrust = who.session !== undefined && code.source !== 'image'
    await checks.fields(who, instead?.fn ?? null, fields, hasTrust)
    const draft = withFields(this.#new(who, code), fields)
    draft.timeoutSeconds = fields.timeoutSeconds ?? this.#timeoutOf(draft)
    draft.runtimeId = runtime?.id ?? (nameOrId === undefined ? null : canonicalUuid(nameOrId))
    draft.entry = runtime === null ? null : this.#entryOf(code, fields, runtime)
    checks.whole(draft, zip !== undefined)
    checks.refuseTakenName(draft, instead?.fn ?? null)
    this.#refuseMore(who, instead)
    const stored = { ...draft, ...(await codes.stored(who, draft, code, zip, build)) }
    const release = await this.#parts.packageShare.hold(stored.projectId, stored.packageHash)
    return afterLoadCheck({ appTimers, trials }, { fn: stored, before: null, check }, async (loaded) => {
      const fn = { ...loaded, trustId: await this.#newTrust(who, stored) }
      await this.#insert(who, fn, instead, alongside)
      if (isApp(fn)) await appTimers.follow(who, null, fn)
      if (fn.minWorkers > 0) keepWorkers(this.#parts, fn)
      return fn
    }).finally(release)
  }

  #new({ projectId }: Principal, { code }: GivenCode): Fn {
    const { limits, clock, newId } = this.#parts
    return newFunction({ id: newId(), projectId, code, createdAt: clock.now() }, limits)
  }

  /** A function of another platform may take as long as it could there, or as the operator's default, whichever is longer. */
  #timeoutOf({ signature, timeoutSeconds }: Fn): number {
    const own = signature === null ? undefined : factsOf(signature).timeoutSeconds
    return own === undefined
      ? timeoutSeconds
      : Math.min(Math.max(own, timeoutSeconds), this.#parts.limits.timeoutMaxSeconds)
  }

  #entryOf(code: GivenCode, { entry, signature }: FunctionFields, runtime: Runtime): string {
    if (entry) return entry
    const own = factsOf(signature ?? runtime.signature ?? defaultSignature).entry
    if (own !== undefined) return own
    const usual = this.#parts.runtimes.defaultEntryOf(runtime)
    return code.source === 'inline' ? entryIn(code.file, usual) : usual
  }

  #refuseMore({ projectId }: Principal, instead: ReplacedFunction | null): void {
    const others = this.#parts.functions.count(projectId) - (instead === null ? 0 : 1)
    this.#parts.shares.refuseMore(projectId, 'functions', others)
  }

  /** Creates the trust for the function's OpenStack access; null for images, and for callers without a Keystone token. */
  async #newTrust({ session }: Principal, fn: Fn): Promise<string | null> {
    const { trusts } = this.#parts
    if (trusts === undefined || session === undefined || fn.code.source === 'image') return null
    return trusts.create(session)
  }

  async #insert(
    who: Principal,
    fn: Fn,
    instead: ReplacedFunction | null,
    alongside: NewFunction['alongside'],
  ): Promise<void> {
    const { exposed, trusts } = this.#parts
    try {
      if (instead === null) this.#insertNew(who, fn, alongside)
      else await this.#steps.removal.replace(who, instead, fn)
      exposed.forget()
    } catch (error) {
      if (fn.trustId !== null) await trusts?.delete(fn.trustId)
      throw error
    }
  }

  /** Others may have taken its place in the project, or its hosts, while its code was stored and loaded. */
  #insertNew(who: Principal, fn: Fn, alongside: NewFunction['alongside']): void {
    this.#refuseMore(who, null)
    this.#steps.checks.refuseTakenHosts(fn)
    this.#parts.functions.insert(fn, alongside && { after: () => alongside(fn) })
  }
}
