import { FaasError, invalid, notFound } from '../../domain/errors.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import { manifestOf, type Runtime, type RuntimeManifest } from '../../domain/functions/runtime.ts'
import { type Signature, signatureNames } from '../../domain/functions/signature.ts'
import { canonicalUuid, idFrom, type NewId } from '../../domain/ids.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import { functionHolder, refuseWhileInUse } from '../../domain/triggers/refuse-in-use.ts'
import { RuntimeBuilds, type RuntimeBuildsParts } from './runtime-builds.ts'
import { builtinRuntime, differs, givenImage, type NewRuntime, newRuntime } from './runtime-rows.ts'

export interface RuntimesParts extends RuntimeBuildsParts {
  functions: FunctionStore
  newId: NewId
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

const commonDefaultEntry = 'main.main'

/** Runtimes for functions: built-in ones, and images that admins add. */
export class Runtimes {
  #parts: RuntimesParts
  #manifests: RuntimeManifest[] = []
  #further: ReadonlyMap<string, string> = new Map()
  #builds: RuntimeBuilds

  constructor(parts: RuntimesParts) {
    this.#parts = parts
    this.#builds = new RuntimeBuilds(parts)
  }

  /** The exact version; null while no worker of the runtime has started. */
  languageVersion({ image }: Runtime): string | null {
    return this.#parts.images.languageVersion(image)
  }

  /**
   * Updates the rows from the manifests; called once at the start, before requests. `further`: by the names of runtimes that could
   * be there, what requests them.
   */
  registerBuiltin(manifests: RuntimeManifest[], further: ReadonlyMap<string, string> = new Map()): void {
    this.#manifests = manifests
    this.#further = further
    for (const manifest of manifests) {
      const row = builtinRuntime(manifest, this.#parts.clock.now())
      const stored = this.#parts.runtimes.find(row.id)
      if (stored === null) this.#parts.runtimes.insert(row)
      else if (differs(stored, row)) {
        this.#write({ ...row, createdAt: stored.createdAt, updatedAt: this.#parts.clock.now() })
      }
    }
    this.#closeOrphans()
  }

  /** Gives every stored runtime its pool, and continues what an earlier process left unfinished. */
  resume(): void {
    for (const runtime of this.#parts.runtimes.list()) {
      if (runtime.status === 'available') this.#builds.addPool(runtime)
      if (runtime.status === 'creating' || runtime.status === 'upgrading') this.#builds.start(runtime)
      if (runtime.status === 'deleting') this.#parts.runtimes.delete(runtime.id)
    }
  }

  /** The next start repeats trials that are still running. */
  close(): void {
    this.#builds.close()
  }

  /** Resolves when no image is being tried. */
  settled(): Promise<void> {
    return this.#builds.settled()
  }

  list(who: Principal): Runtime[] {
    return this.#parts.runtimes.list().filter((runtime) => isVisible(who, runtime))
  }

  /** Throws FaasError `not_found` for another project's private runtime, even for admins. */
  get(who: Principal, id: string): Runtime {
    const runtime = this.#parts.runtimes.find(id)
    if (runtime === null || !isVisible(who, runtime)) throw notFound('Runtime', id)
    return runtime
  }

  /** By id or by name; the caller's own runtime of that name wins over a public one. */
  byNameOrId(who: Principal, nameOrId: string): Runtime {
    const id = canonicalUuid(nameOrId)
    if (id !== null) return this.get(who, id)
    const named = this.list(who).filter((runtime) => runtime.name === nameOrId)
    const found = named.find((runtime) => runtime.projectId === who.projectId) ?? named[0]
    // A row stays when its manifest is not requested any more.
    const isLeft = found?.builtin === true && found.status === 'error' && this.#further.has(nameOrId)
    if (found === undefined || isLeft) throw this.#notHere(nameOrId)
    return found
  }

  #notHere(name: string): FaasError {
    const wanted = this.#further.get(name)
    if (wanted === undefined) return notFound('Runtime', name)
    return new FaasError(
      'not_found',
      `Runtime ${name} was not found: the operator of this server adds it with TAIBAI_RUNTIMES=${wanted}.`,
    )
  }

  /** The signatures that a runtime supports; an unknown image may support all. */
  signaturesOf(runtime: Runtime): Signature[] {
    return this.#manifestOf(runtime.image)?.signatures ?? signatureNames
  }

  /** Bounds for its functions. */
  boundsOf(runtime: Runtime): { signatures: Signature[]; minMemoryBytes: number } {
    return { signatures: this.signaturesOf(runtime), minMemoryBytes: runtime.minMemoryBytes }
  }

  boundsById(id: string | null): { signatures: Signature[]; minMemoryBytes: number } {
    const runtime = id === null ? null : this.#parts.runtimes.find(id)
    return runtime === null ? { signatures: signatureNames, minMemoryBytes: 0 } : this.boundsOf(runtime)
  }

  /** Entry of functions that name none. */
  defaultEntryOf(runtime: Runtime): string {
    return this.#manifestOf(runtime.image)?.defaultEntry ?? commonDefaultEntry
  }

  create(who: Principal, given: NewRuntime): Runtime {
    requireAdmin(who, 'Creating a runtime')
    const image = givenImage(given.image)
    if (image === undefined) throw invalid('"image" is required: the name of a container image.')
    const { newId, clock } = this.#parts
    const row = { id: newId(), projectId: who.projectId, createdAt: clock.now() }
    const runtime = newRuntime(row, given, image, this.#manifestOf(image))
    this.#parts.runtimes.insert(runtime)
    this.#builds.start(runtime)
    return runtime
  }

  update(who: Principal, id: string, change: RuntimeChange): Runtime {
    requireAdmin(who, 'Changing a runtime')
    const before = this.get(who, id)
    const image = givenImage(change.image)
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
    if (isUpgrade) this.#builds.startUpgrade(after, before.image)
    return after
  }

  delete(who: Principal, id: string): void {
    requireAdmin(who, 'Deleting a runtime')
    const runtime = this.get(who, id)
    if (this.#parts.functions.usesRuntime(runtime.id)) {
      const users = this.#parts.functions.list(null).filter(({ runtimeId }) => runtimeId === runtime.id)
      refuseWhileInUse(who, `Runtime ${id}`, users.map(functionHolder))
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

  /** Built-in rows without a manifest cannot run. */
  #closeOrphans(): void {
    const known = new Set(this.#manifests.map(({ name }) => idFrom('runtime', name)))
    for (const runtime of this.#parts.runtimes.list()) {
      if (runtime.builtin && !known.has(runtime.id) && runtime.status !== 'error') {
        this.#write({ ...runtime, status: 'error', updatedAt: this.#parts.clock.now() })
      }
    }
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

  #write(runtime: Runtime): void {
    this.#parts.runtimes.update(runtime)
    this.#parts.targets.forgetRuntime(runtime.id)
  }

  #manifestOf(image: string): RuntimeManifest | undefined {
    return manifestOf(this.#manifests, image)
  }
}

const isVisible = (who: Principal, runtime: Runtime): boolean => runtime.isPublic || runtime.projectId === who.projectId
