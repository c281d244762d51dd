import type { Clock } from '../domain/clock.ts'
import { FaasError, invalid, notFound } from '../domain/errors.ts'
import type { FunctionStore, Signature } from '../domain/function.ts'
import { canonicalUuid, idFrom, type NewId } from '../domain/ids.ts'
import type { Log } from '../domain/log.ts'
import { defaultProjectId, type Principal, requireAdmin } from '../domain/principal.ts'
import type { Runtime, RuntimeManifest, RuntimePools, RuntimeStore } from '../domain/runtime.ts'
import type { Pool } from '../domain/worker.ts'
import type { Targets } from './targets.ts'

export interface RuntimesParts {
  runtimes: RuntimeStore
  functions: FunctionStore
  pool: Pool
  pools: RuntimePools
  targets: Targets
  clock: Clock
  newId: NewId
  log: Log
}

export interface NewRuntime {
  image?: string
  name?: string
  description?: string
  isPublic?: boolean
  trusted?: boolean
  signature?: Signature
  minMemoryBytes?: number
}

export interface RuntimeChange {
  image?: string
  name?: string
  description?: string
}

export interface Capacity {
  total: number
  available: number
}

const everySignature: Signature[] = ['event', 'http', 'qinling']
/** Least memory of a runtime that nobody said anything about. */
const commonMinMemoryBytes = 64 * 1024 * 1024
/** Longest wait for the image and first worker of a new or upgraded runtime. */
const prepareTimeoutMs = 600_000

/** What functions can be written in: the built-in runtimes, and images that admins add. */
export class Runtimes {
  #parts: RuntimesParts
  #manifests: RuntimeManifest[] = []
  /** Work in the background, so that tests and a stop can wait for it. */
  #pending = new Set<Promise<void>>()

  constructor(parts: RuntimesParts) {
    this.#parts = parts
  }

  /** Makes the rows follow the manifests; called once at start, before anything is asked. */
  registerBuiltin(manifests: RuntimeManifest[]): void {
    this.#manifests = manifests
    for (const manifest of manifests) {
      const row = this.#builtinRow(manifest)
      const stored = this.#parts.runtimes.find(row.id)
      if (stored === null) this.#parts.runtimes.insert(row)
      else if (differs(stored, row)) {
        this.#write({ ...row, createdAt: stored.createdAt, updatedAt: this.#parts.clock.now() })
      }
    }
  }

  /** Gives every stored runtime its pool, and goes on with what an earlier process left half done. */
  resume(): void {
    for (const runtime of this.#parts.runtimes.list()) {
      if (runtime.status === 'available') this.#addPool(runtime)
      if (runtime.status === 'creating' || runtime.status === 'upgrading') this.#inBackground(this.#build(runtime))
      if (runtime.status === 'deleting') this.#parts.runtimes.delete(runtime.id)
    }
  }

  /** Resolves when nothing is being prepared. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  list(who: Principal): Runtime[] {
    return this.#parts.runtimes.list().filter((runtime) => isVisible(who, runtime))
  }

  /** Throws FaasError `not_found` for another project's private runtime, to admins too. */
  get(who: Principal, id: string): Runtime {
    const runtime = this.#parts.runtimes.find(id)
    if (runtime === null || !isVisible(who, runtime)) throw notFound('Runtime', id)
    return runtime
  }

  /** By id or by name; a name means the caller's own runtime before a public one. */
  byNameOrId(who: Principal, nameOrId: string): Runtime {
    const id = canonicalUuid(nameOrId)
    if (id !== null) return this.get(who, id)
    const named = this.list(who).filter((runtime) => runtime.name === nameOrId)
    const found = named.find((runtime) => runtime.projectId === who.projectId) ?? named[0]
    if (found === undefined) throw notFound('Runtime', nameOrId)
    return found
  }

  /** The ways in which a runtime can call functions; an image that we know nothing of may know all. */
  signaturesOf(runtime: Runtime): Signature[] {
    return this.#manifestOf(runtime.image)?.signatures ?? everySignature
  }

  signaturesById(id: string | null): Signature[] {
    const runtime = id === null ? null : this.#parts.runtimes.find(id)
    return runtime === null ? everySignature : this.signaturesOf(runtime)
  }

  create(who: Principal, given: NewRuntime): Runtime {
    requireAdmin(who, 'Creating a runtime')
    const image = checkedImage(given.image)
    if (image === undefined) throw invalid('"image" is required: the name of a container image.')
    const runtime = this.#newRow(who, given, image)
    this.#parts.runtimes.insert(runtime)
    this.#inBackground(this.#build(runtime))
    return runtime
  }

  update(who: Principal, id: string, change: RuntimeChange): Runtime {
    requireAdmin(who, 'Changing a runtime')
    const before = this.get(who, id)
    const image = checkedImage(change.image)
    if (image !== undefined) this.#refuseUpgradeOf(before, image)
    const isUpgrade = image !== undefined && image !== before.image
    const after: Runtime = {
      ...before,
      name: change.name ?? before.name,
      description: change.description ?? before.description,
      image: image ?? before.image,
      status: isUpgrade ? 'upgrading' : before.status,
      updatedAt: this.#parts.clock.now(),
    }
    this.#write(after)
    if (isUpgrade) this.#inBackground(this.#upgrade(after, before.image))
    return after
  }

  delete(who: Principal, id: string): void {
    requireAdmin(who, 'Deleting a runtime')
    const runtime = this.get(who, id)
    if (this.#parts.functions.usesRuntime(runtime.id)) {
      throw new FaasError('in_use', `Runtime ${id} is used by functions; delete them first.`)
    }
    this.#parts.pool.removeRuntime(runtime.id)
    this.#parts.runtimes.delete(runtime.id)
    this.#parts.targets.forgetRuntime(runtime.id)
  }

  /** Workers of the runtime's pool, for admins. */
  capacity(who: Principal, id: string): Capacity {
    requireAdmin(who, 'Showing the pool of a runtime')
    const runtime = this.#parts.runtimes.find(id)
    if (runtime === null) throw notFound('The pool of runtime', id)
    return this.#parts.pool.capacity(runtime.image)
  }

  #refuseUpgradeOf(runtime: Runtime, image: string): void {
    if (runtime.status !== 'available') {
      throw new FaasError(
        'runtime_unavailable',
        `Runtime ${runtime.id} is ${runtime.status}; its image can be changed when it is available.`,
      )
    }
    const isBusy = this.#parts.pool.workers().some((one) => one.runtimeId === runtime.id && one.functionId !== null)
    if (image !== runtime.image && isBusy) {
      throw new FaasError('in_use', `Functions of runtime ${runtime.id} have workers; detach them first.`)
    }
  }

  async #build(runtime: Runtime): Promise<void> {
    const isGood = await this.#prepare(runtime)
    const now = this.#parts.runtimes.find(runtime.id)
    if (now === null) return
    this.#write({ ...now, status: isGood ? 'available' : 'error', updatedAt: this.#parts.clock.now() })
    if (isGood) this.#addPool(now)
  }

  async #upgrade(runtime: Runtime, oldImage: string): Promise<void> {
    const isGood = await this.#prepare(runtime)
    const now = this.#parts.runtimes.find(runtime.id)
    if (now === null) return
    const image = isGood ? runtime.image : oldImage
    const after: Runtime = { ...now, image, status: 'available', updatedAt: this.#parts.clock.now() }
    this.#write(after)
    if (!isGood) return
    this.#parts.pool.removeRuntime(after.id)
    this.#addPool(after)
  }

  async #prepare(runtime: Runtime): Promise<boolean> {
    const { pools, clock, log } = this.#parts
    let cancel: (() => void) | undefined
    const deadline = new Promise<never>((_, reject) => {
      cancel = clock.after(prepareTimeoutMs, () => reject(new Error('The image took too long.')))
    })
    try {
      await Promise.race([pools.prepare(runtime), deadline])
      return true
    } catch (error) {
      log.warn({ runtime: runtime.id, image: runtime.image, err: error }, 'runtime cannot be used')
      return false
    } finally {
      cancel?.()
    }
  }

  #addPool({ id, image, minMemoryBytes: memoryBytes, trusted }: Runtime): void {
    this.#parts.pool.addRuntime({ id, image, memoryBytes, trusted })
  }

  #write(runtime: Runtime): void {
    this.#parts.runtimes.update(runtime)
    this.#parts.targets.forgetRuntime(runtime.id)
  }

  #inBackground(work: Promise<void>): void {
    const pending = work
      .catch((error) => this.#parts.log.error({ err: error }, 'work on a runtime failed'))
      .finally(() => this.#pending.delete(pending))
    this.#pending.add(pending)
  }

  #manifestOf(image: string): RuntimeManifest | undefined {
    return this.#manifests.find((manifest) => manifest.image === image)
  }

  #newRow(who: Principal, given: NewRuntime, image: string): Runtime {
    const known = this.#manifestOf(image)
    return {
      id: this.#parts.newId(),
      projectId: who.projectId,
      name: given.name ?? null,
      description: given.description ?? null,
      image,
      isPublic: given.isPublic ?? true,
      trusted: given.trusted ?? true,
      status: 'creating',
      signature: checkedSignature(given.signature, known),
      minMemoryBytes: checkedMinMemory(given.minMemoryBytes) ?? known?.minMemoryBytes ?? commonMinMemoryBytes,
      languages: known?.languages ?? [],
      builtin: false,
      createdAt: this.#parts.clock.now(),
      updatedAt: null,
    }
  }

  #builtinRow(manifest: RuntimeManifest): Runtime {
    const { name, description, image, signature, minMemoryBytes, languages } = manifest
    return {
      id: idFrom('runtime', name),
      projectId: defaultProjectId,
      name,
      description,
      image,
      isPublic: true,
      trusted: true,
      status: 'available',
      signature,
      minMemoryBytes,
      languages,
      builtin: true,
      createdAt: this.#parts.clock.now(),
      updatedAt: null,
    }
  }
}

const isVisible = (who: Principal, runtime: Runtime): boolean => runtime.isPublic || runtime.projectId === who.projectId

const differs = (stored: Runtime, wanted: Runtime): boolean =>
  JSON.stringify({ ...stored, createdAt: 0, updatedAt: 0 }) !==
  JSON.stringify({ ...wanted, createdAt: 0, updatedAt: 0 })

function checkedImage(image: string | undefined): string | undefined {
  if (image !== undefined && image.trim() === '') throw invalid('"image" must name a container image; it is empty.')
  return image
}

function checkedMinMemory(bytes: number | undefined): number | undefined {
  if (bytes !== undefined && bytes < 1) throw invalid('"min_memory" must be a number of bytes above 0.')
  return bytes
}

function checkedSignature(given: Signature | undefined, known: RuntimeManifest | undefined): Signature {
  if (given !== undefined && known !== undefined && !known.signatures.includes(given)) {
    throw invalid(`"signature" must be one that ${known.image} supports: ${known.signatures.join(', ')}.`)
  }
  return given ?? known?.signature ?? 'event'
}
