import type { Clock } from '../../domain/clock.ts'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { Fn, FunctionCode, FunctionStore, PackageStore, StoredPackage } from '../../domain/functions/function.ts'
import {
  hasSession,
  isSafeInUrl,
  type ObjectRef,
  type ObjectStore,
  type OpenStackSession,
  type Trusts,
} from '../../domain/platform/openstack.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Pool } from '../../domain/platform/worker.ts'
import type { Log } from '../../domain/runs/log.ts'
import type { PackageQuota } from './package-quota.ts'
import type { Target, Targets } from './targets.ts'

export interface SwiftCodeParts {
  functions: Pick<FunctionStore, 'find' | 'update'>
  packages: Pick<PackageStore, 'put'>
  packageShare: Pick<PackageQuota, 'hold'>
  targets: Pick<Targets, 'resolveIn' | 'forgetFunction'>
  pool: Pick<Pool, 'workers' | 'retire' | 'keep'>
  trusts: Trusts
  objects: ObjectStore
  clock: Clock
  log: Log
  limits: {
    /** Largest object that may be code. */
    maxSwiftObjectBytes: number
    /** Interval of the checks of a function's object while it is called. */
    swiftCheckSeconds: number
  }
}

/** The code of a function as found in Swift. */
export interface FetchedCode {
  stored: StoredPackage
  etag: string
}

/** The state of a function's object in this process. */
interface Seen {
  checkedAt: number
  /** Why the function cannot run with its current object. */
  problem: FaasError | null
  /** ETag of an invalid object, which is not downloaded again until it changes. */
  badEtag: string | null
}

/**
 * Code in Swift. It is downloaded when the function is created and stored like any other package. Later the object is checked
 * before a function gets its first worker and, while it is called, in the background. A changed object is new code. When Swift or
 * Keystone do not answer, the stored code is used.
 */
export class SwiftCode {
  #parts: SwiftCodeParts
  #seen = new Map<string, Seen>()
  #checks = new Map<string, Promise<Target>>()

  constructor(parts: SwiftCodeParts) {
    this.#parts = parts
  }

  /** Downloads the code for a new or changed function with this session; the object must be a ZIP and not too large. */
  async fetch(session: OpenStackSession, ref: ObjectRef): Promise<FetchedCode> {
    const { objects, packages, limits } = this.#parts
    const { bytes, etag } = await objects.read(session, ref)
    return { stored: await packages.put(bytes, limits.maxSwiftObjectBytes), etag }
  }

  /**
   * The session that reads the function's object for this caller: the caller's own, or the function's for an admin of another
   * project.
   */
  async sessionFor(who: Principal, fn: Fn): Promise<OpenStackSession> {
    if (who.session !== undefined && who.projectId === fn.projectId) return who.session
    return this.#sessionOf(fn)
  }

  /** The target to run: unchanged while it has a worker, else updated from the object. Throws FaasError. */
  current(target: Target): Target | Promise<Target> {
    const { fn } = target
    const seen = this.#seen.get(fn.id)
    if (seen === undefined || seen.problem !== null || !this.#hasWorker(fn.id)) return this.#check(fn.id)
    const age = this.#parts.clock.elapsed() - seen.checkedAt
    if (age >= this.#parts.limits.swiftCheckSeconds * 1000) void this.#check(fn.id).catch(() => {})
    return target
  }

  download(session: OpenStackSession, ref: ObjectRef): ReturnType<ObjectStore['open']> {
    return this.#parts.objects.open(session, ref)
  }

  forget(functionId: string): void {
    this.#seen.delete(functionId)
  }

  #hasWorker(functionId: string): boolean {
    return this.#parts.pool.workers().some((worker) => worker.functionId === functionId)
  }

  /** One check for all calls that wait for it. */
  #check(functionId: string): Promise<Target> {
    const running = this.#checks.get(functionId)
    if (running !== undefined) return running
    const check = this.#look(functionId).finally(() => this.#checks.delete(functionId))
    this.#checks.set(functionId, check)
    return check
  }

  async #look(functionId: string): Promise<Target> {
    const { functions, targets, clock, log } = this.#parts
    const fn = functions.find(functionId)
    const checkedAt = clock.elapsed()
    try {
      if (fn !== null) await this.#follow(fn)
      this.#seen.set(functionId, { checkedAt, problem: null, badEtag: null })
    } catch (error) {
      if (!(error instanceof FaasError)) throw error
      const seen = this.#seen.get(functionId)
      const canWait = error.fault !== 'caller' && seen?.problem == null && fn?.packageHash != null
      log.warn(
        { function: functionId, reason: error.message, goesOn: canWait },
        'the object of a function was not read',
      )
      if (!canWait) {
        this.#seen.set(functionId, { checkedAt, problem: error, badEtag: seen?.badEtag ?? null })
        throw error
      }
      this.#seen.set(functionId, { checkedAt, problem: null, badEtag: null })
    }
    return targets.resolveIn(fn?.projectId ?? '', { functionId })
  }

  /** Updates the function's row from its object. */
  async #follow(fn: Fn): Promise<void> {
    const ref = objectRefOf(fn.code)
    let session = await this.#sessionOf(fn)
    const etag = await this.#parts.objects.etag(session, ref).catch(async (error: unknown) => {
      if (!(error instanceof FaasError) || error.code !== 'unauthenticated') throw error
      session = await this.#newSessionOf(fn)
      return this.#parts.objects.etag(session, ref)
    })
    if (etag === fn.objectEtag && fn.packageHash !== null) return
    const seen = this.#seen.get(fn.id)
    if (seen?.badEtag === etag && seen.problem !== null) throw seen.problem
    await this.#replace(fn, session, etag)
  }

  async #replace(before: Fn, session: OpenStackSession, seenEtag: string): Promise<void> {
    const { functions, packageShare } = this.#parts
    const { stored, etag } = await this.fetch(session, objectRefOf(before.code)).catch((error: unknown) => {
      if (error instanceof FaasError && error.fault === 'caller') {
        this.#seen.set(before.id, { checkedAt: 0, problem: error, badEtag: seenEtag })
      }
      throw error
    })
    const release = await packageShare.hold(before.projectId, stored.hash)
    try {
      const fn = functions.find(before.id)
      if (fn === null || JSON.stringify(fn.code) !== JSON.stringify(before.code)) return
      functions.update({ ...fn, packageHash: stored.hash, objectEtag: etag })
      this.#serve(fn, stored.hash, etag)
    } finally {
      release()
    }
  }

  #serve(fn: Fn, packageHash: string, etag: string): void {
    const { targets, pool, log } = this.#parts
    targets.forgetFunction(fn.id)
    if (packageHash === fn.packageHash) return
    pool.retire(fn.id, 0, 'new_code')
    if (fn.minWorkers > 0) pool.keep(targets.resolveIn(fn.projectId, { functionId: fn.id }).revision)
    log.info({ function: fn.id, etag }, 'the object of a function has changed: it is its code now')
  }

  async #sessionOf(fn: Fn): Promise<OpenStackSession> {
    if (fn.trustId === null) throw noTrust()
    const acting = await this.#parts.trusts.acting(fn.trustId)
    if (hasSession(acting)) return acting
    throw new FaasError(acting.isRefused ? 'unauthenticated' : 'openstack_failed', acting.problem)
  }

  async #newSessionOf(fn: Fn): Promise<OpenStackSession> {
    if (fn.trustId !== null) this.#parts.trusts.forget(fn.trustId)
    return this.#sessionOf(fn)
  }
}

const noTrust = (): FaasError =>
  invalid('The function has no trust to read its code in Swift with: create it again with a Keystone token.')

/** Container and object, validated. Throws FaasError `invalid_request`. */
export function objectRefOf({ swift }: FunctionCode): ObjectRef {
  const { container, object } = (swift ?? {}) as Partial<Record<keyof ObjectRef, unknown>>
  if (!isName(container) || !isName(object)) throw invalid('"code.swift" needs a container and an object.')
  const ref = { container, object }
  if (!isSafeInUrl(ref)) throw invalid('"code.swift" names a container or object that Swift cannot be asked for.')
  return ref
}

/** Container and object of an update, merged with the function's own. */
export function changedRef(stored: FunctionCode, given: FunctionCode): ObjectRef {
  const { container, object } = (given.swift ?? {}) as Partial<ObjectRef>
  if (!container && !object) throw invalid('"code.swift" needs a container, an object, or both.')
  const swift = { container: container || stored.swift?.container, object: object || stored.swift?.object }
  return objectRefOf({ source: 'swift', swift: swift as ObjectRef })
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 1024
