import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import type { WhiskEntity, WhiskEntityStore, WhiskFields, WhiskKind } from '../../domain/functions/openwhisk.ts'
import type { NewId } from '../../domain/ids.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Functions } from '../../services/functions/functions.ts'
import type { Runtimes } from '../../services/platform/runtimes.ts'
import { kindOfRuntime } from './kinds.ts'
import { functionNameOf, partsOf } from './names.ts'
import { whiskConflict, whiskNotFound } from './whisk-error.ts'

export interface CatalogueParts {
  functions: Functions
  runtimes: Runtimes
  entities: WhiskEntityStore
  shares: Pick<Shares, 'refuseMore'>
  clock: Pick<Clock, 'now'>
  newId: NewId
}

/** An action as a client named it. */
export interface Action {
  entity: WhiskEntity
  fn: Fn
  /** The package of the action; null: none. */
  pkg: WhiskEntity | null
  /** The binding through which the client named the package; null: none. */
  binding: WhiskEntity | null
}

/** Finds entities that OpenWhisk clients created, and functions that were created in other ways. */
export class Catalogue {
  readonly #parts: CatalogueParts

  constructor(parts: CatalogueParts) {
    this.#parts = parts
  }

  /** Throws WhiskError. */
  action(who: Principal, name: string): Action {
    const found = this.perhapsAction(who, name)
    if (found === null) throw whiskNotFound()
    return found
  }

  perhapsAction(who: Principal, name: string): Action | null {
    const { pkg: pkgName, name: own } = partsOf(name)
    const pkg = pkgName === null ? null : this.perhaps(who, 'package', pkgName)
    if (pkg?.fields.binding) {
      const action = this.perhapsAction(who, `${pkg.fields.binding.name}/${own}`)
      return action === null ? null : { ...action, binding: pkg }
    }
    const entity = this.perhaps(who, 'action', name)
    const fn = this.#functionOf(who, entity?.functionId ?? functionNameOf(name))
    if (fn === null || (pkgName !== null && pkg === null)) return null
    return { entity: entity ?? this.describe(who, fn), fn, pkg, binding: null }
  }

  /** All actions, the latest first. */
  actions(who: Principal): Action[] {
    const { functions } = this.#parts
    const made = functions.list({ filter: { projectId: who.projectId, conditions: [] }, page: wholeList })
    const entities = new Map(this.list(who, 'action').map((entity) => [entity.functionId, entity]))
    const packages = new Map(this.list(who, 'package').map((entity) => [entity.name, entity]))
    return made
      .filter((fn) => fn.name !== null || entities.has(fn.id))
      .map((fn) => {
        const entity = entities.get(fn.id) ?? this.describe(who, fn)
        return { entity, fn, pkg: packages.get(partsOf(entity.name).pkg ?? '') ?? null, binding: null }
      })
      .sort((a, b) => b.entity.updatedAt - a.entity.updatedAt)
  }

  /** Throws WhiskError. */
  get(who: Principal, kind: WhiskKind, name: string): WhiskEntity {
    const found = this.perhaps(who, kind, name)
    if (found === null) throw whiskNotFound()
    return found
  }

  perhaps(who: Principal, kind: WhiskKind, name: string): WhiskEntity | null {
    return this.#parts.entities.find(who.projectId, kind, name)
  }

  /** The latest first. */
  list(who: Principal, kind: WhiskKind): WhiskEntity[] {
    return this.#parts.entities.list(who.projectId, kind)
  }

  /** The current entity before a write; throws WhiskError when it exists, unless `overwrite`. */
  before(who: Principal, kind: WhiskKind, name: string, overwrite: boolean): WhiskEntity | null {
    const before = this.perhaps(who, kind, name)
    if (before !== null && !overwrite) throw whiskConflict()
    return before
  }

  /** Throws LimitReached when it is new and the project has reached its limit. */
  write(
    who: Principal,
    before: WhiskEntity | null,
    is: Pick<WhiskEntity, 'kind' | 'name'> & { functionId?: string | null; fields: WhiskFields },
  ): WhiskEntity {
    const { clock, newId, entities, shares } = this.#parts
    if (before === null && is.kind !== 'action')
      shares.refuseMore(who.projectId, 'whisk_entities', entities.countMade(who.projectId))
    const now = clock.now()
    const entity: WhiskEntity = {
      id: before?.id ?? newId(),
      projectId: who.projectId,
      kind: is.kind,
      name: is.name,
      functionId: is.functionId ?? before?.functionId ?? null,
      fields: is.fields,
      writes: (before?.writes ?? 0) + 1,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    }
    entities.put(entity)
    return entity
  }

  /** Stores fields that clients do not see: the version stays. */
  note(entity: WhiskEntity, fields: Partial<WhiskFields>): void {
    this.put({ ...entity, fields: { ...entity.fields, ...fields } })
  }

  /** Stores the entity unchanged. */
  put(entity: WhiskEntity): void {
    this.#parts.entities.put(entity)
  }

  delete(entity: WhiskEntity): void {
    this.#parts.entities.delete(entity.id)
  }

  /** The action of a run's function, however the run was started. */
  ofFunction(who: Principal, functionId: string): WhiskEntity | null {
    const known = this.#parts.entities.ofFunction(functionId)
    if (known !== null) return known
    const fn = this.#functionOf(who, functionId)
    return fn === null ? null : this.describe(who, fn)
  }

  /** The entity of a function that no OpenWhisk client created. */
  describe(who: Principal, fn: Fn): WhiskEntity {
    const kind = fn.code.source === 'image' ? 'blackbox' : kindOfRuntime(this.#runtimeName(who, fn))
    const limits = {
      timeout: fn.timeoutSeconds * 1000,
      memory: Math.floor(fn.memoryBytes / 1_048_576),
      logs: 10,
      concurrency: fn.concurrency,
    }
    const image = fn.code.image === undefined ? {} : { image: fn.code.image }
    return {
      id: fn.id,
      projectId: fn.projectId,
      kind: 'action',
      name: fn.name ?? fn.id,
      functionId: fn.id,
      fields: { annotations: [], parameters: [], exec: { kind, binary: fn.code.source !== 'image', ...image }, limits },
      writes: 1,
      createdAt: fn.createdAt,
      updatedAt: fn.updatedAt ?? fn.createdAt,
    }
  }

  #functionOf(who: Principal, nameOrId: string): Fn | null {
    try {
      const fn = this.#parts.functions.get(who, nameOrId)
      return fn.projectId === who.projectId ? fn : null
    } catch (error) {
      if (error instanceof FaasError && error.code === 'not_found') return null
      throw error
    }
  }

  #runtimeName(who: Principal, { runtimeId }: Fn): string | null {
    try {
      return runtimeId === null ? null : this.#parts.runtimes.get(who, runtimeId).name
    } catch {
      return null
    }
  }
}

const wholeList = { limit: null, marker: null }
