import { type AppJobs, refuseLongList } from '../../domain/app-function.ts'
import type { Build } from '../../domain/build.ts'
import type { Clock } from '../../domain/clock.ts'
import { FaasError, invalid, notAllowed, notFound } from '../../domain/errors.ts'
import type { Ledger } from '../../domain/execution.ts'
import {
  type Fn,
  type FunctionCode,
  type FunctionStore,
  type ImageStart,
  isApp,
  type PackageStore,
} from '../../domain/function.ts'
import { canonicalUuid, type NewId } from '../../domain/ids.ts'
import { checkedImage } from '../../domain/image.ts'
import type { Shares } from '../../domain/limits.ts'
import { type ListQuery, selected } from '../../domain/list.ts'
import type { Log } from '../../domain/log.ts'
import type { Trusts } from '../../domain/openstack.ts'
import type { Principal } from '../../domain/principal.ts'
import type { Runtime } from '../../domain/runtime.ts'
import type { SecretStore } from '../../domain/secret.ts'
import { defaultSignature, factsOf } from '../../domain/signature.ts'
import type { InUse } from '../../domain/trigger.ts'
import type { Pool, Revision } from '../../domain/worker.ts'
import type { Runtimes } from '../platform/runtimes.ts'
import type { BuildAsked, Builds, Deployment } from './builds.ts'
import type { DeploymentOrder, Place } from './deployment-order.ts'
import type { Exposed } from './exposed.ts'
import { boundsDiffer, changesImage, type FunctionChange, isHeavy, workersToDrop } from './function-change.ts'
import { entryIn, type GivenCode, type InlineFile, readChangedCode, readCode } from './function-code.ts'
import {
  checkContractLimits,
  checkFields,
  checkHosts,
  checkImageOf,
  checkTogether,
  type FunctionFields,
  type FunctionLimits,
  withFields,
} from './function-fields.ts'
import { functionToActOn } from './function-to-act-on.ts'
import { keepWorkers } from './keep-workers.ts'
import { refuseMoreReach } from './only-function.ts'
import type { PackageShare } from './package-share.ts'
import type { Placements } from './placements.ts'
import { refuseWhileInUse, removedWith } from './refuse-in-use.ts'
import { refuseQueues } from './refuse-queues.ts'
import type { Sandboxes } from './sandboxes.ts'
import { StoredCodes, type StoredCodesParts } from './stored-code.ts'
import { refOf } from './swift-code.ts'
import type { Targets } from './targets.ts'
import { tryLoad } from './try-load.ts'
import { type Counted, withCount } from './with-count.ts'

export interface FunctionsParts extends StoredCodesParts {
  functions: FunctionStore
  shares: Pick<Shares, 'refuseMore'>
  packageShare: Pick<PackageShare, 'refuse'>
  secrets: Pick<SecretStore, 'find'>
  inUse: InUse
  appTimers: AppJobs
  builds: Pick<Builds, 'built' | 'deploy'>
  order: DeploymentOrder
  runtimes: Runtimes
  targets: Targets
  exposed: Exposed
  sandboxes: Pick<Sandboxes, 'check'>
  placements: Pick<Placements, 'check'>
  pool: Pool
  ledger: Ledger
  clock: Clock
  newId: NewId
  log: Log
  limits: FunctionLimits
  /** Absent without Keystone. */
  trusts?: Trusts
}

export interface NewFunction extends FunctionFields {
  /** An object, or its JSON text. */
  code: unknown
  /** Id or name. */
  runtime?: string
  zip?: Buffer
  /** Absent: no build. */
  build?: BuildAsked
}

/** The function in whose place another is made. */
export interface Instead {
  fn: Fn
  /** Takes away what the caller's platform has made of it, right before it goes. */
  aside?(): Promise<void>
  /** Puts that back, when it stays after all. */
  back?(): Promise<void>
}

/** What is tried before anything is changed: `load` loads the code in a worker. */
export type Check = 'load' | null

export type CountedFn = Counted<Fn>

export interface Download {
  stream: ReadableStream<Uint8Array>
  /** Null: unknown before the end. */
  sizeBytes: number | null
  fileName: string
}

/** Deploys, changes and deletes functions (contract section 4). */
export class Functions {
  #parts: FunctionsParts
  #codes: StoredCodes

  constructor(parts: FunctionsParts) {
    this.#parts = parts
    this.#codes = new StoredCodes(parts)
  }

  list(query: ListQuery): CountedFn[] {
    return selected(this.#parts.functions.list(query.filter.projectId), query).map((fn) => this.#counted(fn))
  }

  get(who: Principal, nameOrId: string): CountedFn {
    return this.#counted(this.#parts.targets.findFunction(who, nameOrId))
  }

  /** Checks in the contract's order; nothing is stored when a check fails. `check`: whether to load the code as the last step. */
  create(who: Principal, given: NewFunction, check: Check = null): Promise<CountedFn> {
    return this.#parts.builds.deploy(given.build, (build) => this.#create(who, given, build, check))
  }

  /**
   * Makes another function in the place of one of the caller's own, which is deleted in the same step: whoever asks for its name
   * finds one of the two at any moment, also after a crash. Throws FaasError `in_use` like `delete`.
   */
  replace(who: Principal, instead: Instead, given: NewFunction): Promise<CountedFn> {
    return this.#parts.builds.deploy(given.build, (build) => this.#create(who, given, build, null, instead))
  }

  /**
   * Light changes keep the workers; all others drop them, and are refused while a job is unfinished. The last
   * accepted of concurrent code changes wins: an earlier one that ends later throws FaasError `conflict`.
   */
  async update(who: Principal, nameOrId: string, given: FunctionChange, check: Check = null): Promise<CountedFn> {
    const place = this.#parts.order.accept(this.#parts.targets.findFunction(who, nameOrId).id)
    return this.#parts.builds
      .deploy(given.build, (build) => this.#update(who, nameOrId, given, build, check, place))
      .finally(() => place.end())
  }

  /** Installs the dependencies of an earlier build's package again and deploys it. Jobs continue with it. */
  async rebuild(who: Principal, build: Build, asked: BuildAsked): Promise<CountedFn> {
    const { functions, packages } = this.#parts
    const { functionId, packageHash, bundle } = build
    if (functionId === null || functions.find(functionId) === null) {
      throw new FaasError(
        'conflict',
        'The function of this build was not made, or is deleted: deploy the package again.',
      )
    }
    const zip = packageHash === null ? null : await bytesOf(packages, packageHash)
    if (zip === null) {
      throw new FaasError('conflict', 'The package of this build is not kept any more: deploy it again.')
    }
    return this.update(who, functionId, { zip, keepJobs: true, build: { ...asked, mode: 'always', bundle } })
  }

  async #create(
    who: Principal,
    given: NewFunction,
    build: Deployment | undefined,
    check: Check,
    instead: Instead | null = null,
  ): Promise<CountedFn> {
    const { code: givenCode, runtime: nameOrId, zip, build: _asked, ...fields } = given
    checkContractLimits(fields, this.#parts.limits)
    const code = readCode(givenCode)
    if (code.source === 'image') checkImageOf(code.code, who, this.#parts.limits)
    const runtime = code.source === 'image' ? null : this.#usableRuntime(who, nameOrId)
    checkFields(fields, this.#parts.limits)
    this.#checkHosts(who, instead?.fn ?? null, fields)
    this.#checkQueues(who.session !== undefined && code.source !== 'image', fields)
    this.#parts.placements.check(fields.placement)
    await this.#parts.sandboxes.check(fields.sandbox)
    const draft = withFields(this.#newFunction(who, code.code), fields)
    draft.runtimeId = runtime?.id ?? (nameOrId === undefined ? null : canonicalUuid(nameOrId))
    draft.entry = runtime === null ? null : this.#entryOf(code, fields, runtime)
    checkTogether(draft, runtime === null ? null : this.#parts.runtimes.boundsOf(runtime))
    this.#checkSecrets(draft)
    this.#refuseTakenName(draft, instead)
    const others = this.#parts.functions.count(who.projectId) - (instead === null ? 0 : 1)
    this.#parts.shares.refuseMore(who.projectId, 'functions', others)
    const stored = { ...draft, ...(await this.#codes.stored(who, draft, code, zip, build)) }
    await this.#parts.packageShare.refuse(stored.projectId, stored.packageHash)
    return this.#onceLoaded(stored, null, check, async (loaded) => {
      const fn = { ...loaded, trustId: await this.#newTrust(who, stored) }
      await this.#insert(who, fn, instead)
      if (isApp(fn)) await this.#parts.appTimers.follow(who, null, fn)
      if (fn.minWorkers > 0) keepWorkers(this.#parts, fn)
      return this.#counted(fn)
    })
  }

  async #update(
    who: Principal,
    nameOrId: string,
    given: FunctionChange,
    build: Deployment | undefined,
    check: Check,
    place: Place,
  ): Promise<CountedFn> {
    const { code: givenCode, zip, build: _asked, image, start, keepJobs: _keepJobs, ...fields } = given
    const before = this.#parts.targets.findFunction(who, nameOrId)
    refuseMoreReach(this.#parts.targets, who, before, fields)
    checkFields(fields, this.#parts.limits)
    this.#checkHosts(who, before, fields)
    this.#checkQueues(before.trustId !== null, fields)
    this.#parts.placements.check(fields.placement)
    await this.#parts.sandboxes.check(fields.sandbox)
    if (isHeavy(given)) this.#refuseHeavy(who, before, given)
    const code = this.#changedCode(before, givenCode, zip)
    const called = { ...before, entry: fields.entry ?? before.entry }
    const stored = code === null ? null : await this.#codes.changed(who, called, code, zip, build)
    await this.#parts.packageShare.refuse(before.projectId, { ...before, ...stored }.packageHash)
    const changed = (fn: Fn): Fn => {
      const entry = fields.entry ?? (code?.source === 'inline' ? inlineEntry(fn, code.file) : fn.entry)
      return { ...withFields(fn, fields), entry, ...(stored ?? changedImage(fn, image, start)) }
    }
    const wanted = this.#checked(changed(before))
    if (wanted.code.image !== before.code.image) checkImageOf(wanted.code, who, this.#parts.limits)
    const givesNewCode = stored !== null || image !== undefined
    const mustLoad = check === 'load' || (isApp(wanted) && isHeavy(given))
    return this.#onceLoaded(wanted, before, mustLoad ? 'load' : null, async (tried, warm) => {
      const fn = this.#parts.functions.find(before.id)
      if (fn === null) throw notFound('Function', nameOrId)
      if (givesNewCode) place.refuseLate()
      const isNewerCode = !givesNewCode && JSON.stringify(codeIn(fn)) !== JSON.stringify(codeIn(before))
      const now = changed(fn)
      const code = now.code.source === 'image' ? now.code : isNewerCode ? fn.code : tried.code
      const written = this.#write(fn, { ...now, code }, warm)
      if (givesNewCode) place.done()
      if (isApp(written) || isApp(fn)) await this.#parts.appTimers.follow(who, fn, written)
      return written
    })
  }

  /**
   * Throws FaasError `in_use` while jobs, webhooks, aliases or sources use it; `cascade` deletes those too. Only the owner may
   * delete.
   */
  async delete(who: Principal, nameOrId: string, cascade = false): Promise<void> {
    const fn = functionToActOn(this.#parts.targets, who, nameOrId)
    await this.#letGo(who, fn, cascade)
    this.#parts.functions.delete(fn.id)
    await this.#forget(fn)
  }

  /** Removes what may be removed with the function. Throws FaasError `in_use`, `forbidden`. */
  async #letGo(who: Principal, fn: Fn, cascade = false): Promise<void> {
    const { inUse } = this.#parts
    const own = this.#parts.appTimers.idsOf(fn)
    const all = inUse.ofFunction(fn.id)
    const others = removedWith(
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

  /** Code in Swift is read as it is now, for callers with a Keystone token. */
  async download(who: Principal, nameOrId: string): Promise<Download> {
    const fn = this.#parts.targets.findFunction(who, nameOrId)
    if (fn.code.source === 'image') {
      throw new FaasError('method_not_allowed', 'This function is an image: there is no package to download.')
    }
    const { swift } = this.#parts
    if (fn.code.source === 'swift' && swift !== undefined && who.session !== undefined) {
      return { ...(await swift.download(await swift.sessionFor(who, fn), refOf(fn.code))), fileName: fn.id }
    }
    if (fn.packageHash === null) throw notFound('The package of function', fn.id)
    return { ...this.#parts.packages.open(fn.packageHash), fileName: fn.id }
  }

  /** `warm`: a worker of this revision was made for it. */
  #write(before: Fn, wanted: Fn, warm: Revision | null): CountedFn {
    const { functions, targets, pool, clock } = this.#parts
    if (JSON.stringify(before) === JSON.stringify(wanted)) return this.#counted(before)
    const fn = { ...this.#checked(wanted), updatedAt: clock.now() }
    functions.update(fn)
    this.#parts.exposed.forget()
    targets.forgetFunction(fn.id)
    const dropped = workersToDrop(before, fn)
    if (dropped !== 'none') pool.retire(fn.id, dropped === 'all' ? null : 0, 'new_code', warm)
    if (dropped !== 'none' ? fn.minWorkers > 0 : boundsDiffer(before, fn)) keepWorkers(this.#parts, fn)
    return this.#counted(fn)
  }

  #checked(wanted: Fn): Fn {
    const { runtimes } = this.#parts
    checkTogether(wanted, wanted.code.source === 'image' ? null : runtimes.boundsById(wanted.runtimeId))
    this.#checkSecrets(wanted)
    return wanted
  }

  /**
   * Loads the code where that is asked, then writes; the worker of the load ends unless it serves the function as written. A new
   * app is always loaded, because its functions are stored with its code.
   */
  async #onceLoaded<T>(
    fn: Fn,
    before: Fn | null,
    check: Check,
    write: (loaded: Fn, warm: Revision | null) => Promise<T>,
  ): Promise<T> {
    if (check !== 'load' && (before !== null || !isApp(fn))) return write(fn, null)
    const { functions, warm } = await tryLoad(this.#parts, fn, before)
    if (functions !== undefined) {
      refuseLongList(functions)
      this.#parts.appTimers.check(fn, functions)
    }
    try {
      return await write(functions === undefined ? fn : { ...fn, code: { ...fn.code, functions } }, warm)
    } finally {
      if (warm !== null && !this.#isCurrent(warm)) this.#parts.pool.discard(warm)
    }
  }

  /** Other changes may have been written while the code was built and loaded; false, too, when its runtime is away. */
  #isCurrent({ functionId, key }: Revision): boolean {
    const { functions, targets } = this.#parts
    const fn = functions.find(functionId)
    try {
      return fn !== null && targets.revisionOf(fn).key === key
    } catch {
      return false
    }
  }

  /** The secrets must exist in the function's project. */
  #checkSecrets({ projectId, secrets }: Fn): void {
    const missing = secrets.find(({ name }) => this.#parts.secrets.find(projectId, name) === null)
    if (missing === undefined) return
    throw invalid(
      `There is no secret ${missing.name} in this project: make it first (taibai secret set ${missing.name}).`,
    )
  }

  #counted(fn: Fn): CountedFn {
    return withCount(fn, this.#parts.ledger.counts(fn.id, 0))
  }

  #usableRuntime(who: Principal, nameOrId: string | undefined): Runtime {
    if (!nameOrId) throw invalid('"runtime_id" is required (or "runtime", its name): what the function is written in.')
    const runtime = this.#parts.runtimes.byNameOrId(who, nameOrId)
    if (runtime.status === 'available') return runtime
    throw invalid(`Runtime ${nameOrId} is ${runtime.status}; functions can be made when it is available.`)
  }

  #entryOf(code: GivenCode, { entry, signature }: FunctionFields, runtime: Runtime): string {
    if (entry) return entry
    const own = factsOf(signature ?? runtime.signature ?? defaultSignature).entry
    if (own !== undefined) return own
    const usual = this.#parts.runtimes.defaultEntryOf(runtime)
    return code.source === 'inline' ? entryIn(code.file, usual) : usual
  }

  #checkQueues(hasTrust: boolean, { onSuccess, onFailure }: FunctionFields): void {
    refuseQueues({ hasKeystone: this.#parts.trusts !== undefined, hasTrust }, [onSuccess, onFailure])
  }

  /** Creates the trust for the function's OpenStack access; null for images, and for callers without a Keystone token. */
  async #newTrust({ session }: Principal, fn: Fn): Promise<string | null> {
    const { trusts } = this.#parts
    if (trusts === undefined || session === undefined || fn.code.source === 'image') return null
    return trusts.create(session)
  }

  async #insert(who: Principal, fn: Fn, instead: Instead | null): Promise<void> {
    try {
      if (instead === null) this.#parts.functions.insert(fn)
      else await this.#swap(who, fn, instead)
      this.#parts.exposed.forget()
    } catch (error) {
      if (fn.trustId !== null) await this.#parts.trusts?.delete(fn.trustId)
      throw error
    }
  }

  async #swap(who: Principal, fn: Fn, { fn: before, aside = async () => {}, back }: Instead): Promise<void> {
    try {
      await aside()
      await this.#letGo(who, before)
      this.#parts.functions.replace(before.id, fn)
    } catch (error) {
      await back?.()
      throw error
    }
    await this.#forget(before)
  }

  #changedCode(fn: Fn, given: unknown, zip: Buffer | undefined): GivenCode | null {
    if (given !== undefined) return readChangedCode(given, fn.code)
    return zip === undefined ? null : readChangedCode({}, fn.code)
  }

  #refuseHeavy(who: Principal, fn: Fn, given: FunctionChange): void {
    if (fn.code.source === 'image' && fn.code.mode !== 'lambda' && changesImage(given)) {
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

  /** Checked before the package is stored; the store checks again. */
  #refuseTakenName({ projectId, name }: Fn, instead: Instead | null): void {
    const there = name === null ? null : this.#parts.functions.findByName(projectId, name)
    if (there === null || there.id === instead?.fn.id) return
    throw new FaasError('conflict', `There is a function named ${name} in this project already.`)
  }

  /** A host name leads to one function: the first one that claims it. */
  #checkHosts(who: Principal, before: Fn | null, { hosts }: FunctionFields): void {
    const isNew = (host: string) => before === null || !before.hosts.includes(host)
    checkHosts(hosts?.filter(isNew), who, this.#parts.limits)
    const taken = hosts?.find((host) => (this.#parts.exposed.atHost(host)?.id ?? before?.id) !== before?.id)
    if (taken !== undefined) throw new FaasError('conflict', `${taken} leads to another function already.`)
  }

  #newFunction(who: Principal, code: FunctionCode): Fn {
    const { limits, clock, newId } = this.#parts
    return {
      id: newId(),
      projectId: who.projectId,
      name: null,
      description: null,
      runtimeId: null,
      code,
      packageHash: null,
      objectEtag: null,
      entry: null,
      cpuMillicpu: limits.cpuDefaultMillicpu,
      memoryBytes: limits.memoryDefaultBytes,
      timeoutSeconds: limits.timeoutDefaultSeconds,
      latestVersion: 0,
      trustId: null,
      signature: null,
      env: {},
      secrets: [],
      maxRunning: null,
      maxRate: null,
      maxGbSecondsPerDay: null,
      sandbox: null,
      record: 'full',
      concurrency: 1,
      minWorkers: 0,
      maxWorkers: null,
      idleTimeoutSeconds: null,
      network: 'egress',
      api: false,
      cpuMaxMillicpu: null,
      tmpSizeBytes: null,
      placement: {},
      writable: [],
      access: 'token',
      cors: null,
      hosts: [],
      retries: null,
      onSuccess: null,
      onFailure: null,
      createdAt: clock.now(),
      updatedAt: null,
    }
  }
}

/** A single file is the whole package, so an entry with a module must name this file. */
function inlineEntry({ entry, signature }: Fn, file: InlineFile): string | null {
  const namesModule = signature === null || factsOf(signature).entry === undefined
  return entry === null || !namesModule ? entry : entryIn(file, entry)
}

const codeIn = ({ code, packageHash }: Fn) => ({ code, packageHash })

/** What of an image changes, the rest of it as it is now. Null: nothing. */
function changedImage({ code }: Fn, image?: string, start?: ImageStart): Pick<Fn, 'code'> | null {
  if (image === undefined && start === undefined) return null
  if (code.source !== 'image') throw invalid('"image" is for functions that are an image: this one is made of code.')
  const named = image === undefined ? {} : { image: checkedImage('image', image) }
  const { entry_point, command, working_directory, ...alone } = code
  return { code: { ...(start === undefined ? code : { ...alone, ...start }), ...named } }
}

/** Null: it no longer exists. */
async function bytesOf(packages: PackageStore, hash: string): Promise<Buffer | null> {
  try {
    return Buffer.from(await new Response(packages.open(hash).stream).arrayBuffer())
  } catch (error) {
    if (error instanceof FaasError && error.code === 'not_found') return null
    throw error
  }
}
