import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import { type Alias, type AliasStore, checkedWeights, versionsOf, type Weights } from '../../domain/functions/alias.ts'
import type { FunctionStore } from '../../domain/functions/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { type ListQuery, selectRows } from '../../domain/list.ts'
import type { Shares } from '../../domain/platform/limits.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { dependentsToRemove } from '../../domain/triggers/refuse-in-use.ts'
import type { DependentLookup } from '../../domain/triggers/trigger.ts'
import type { Targets } from './targets.ts'

export interface AliasesParts {
  aliases: AliasStore
  functions: FunctionStore
  inUse: DependentLookup
  targets: Targets
  clock: Clock
  newId: NewId
  shares: Pick<Shares, 'refuseMore'>
}

export interface NewAlias {
  name?: string
  functionId?: string
  functionVersion?: number
  /** Shares of several versions; null: the alias names one version. */
  weights?: Weights | null
  description?: string
}

/** Undefined keeps the alias's value, but weights are dropped when the target changes. The name cannot change. */
export type AliasChange = Omit<NewAlias, 'name'>

/** Movable names for a function and version (contract section 6). */
export class Aliases {
  #parts: AliasesParts

  constructor(parts: AliasesParts) {
    this.#parts = parts
  }

  list(query: ListQuery): Alias[] {
    return selectRows(this.#parts.aliases.list(query.filter.projectId), query)
  }

  /** The caller's own alias; for an admin without one of that name, the only alias of that name in all projects. */
  get(who: Principal, name: string): Alias {
    return this.#parts.targets.findAlias(who, name)
  }

  create(who: Principal, given: NewAlias): Alias {
    const { aliases, clock, newId } = this.#parts
    const { name, functionId, functionVersion = 0, weights, description = null } = given
    if (!name) throw invalid('"name" is required and must not be empty.')
    if (!functionId) throw invalid('"function_id" is required: what the alias points at.')
    const target = { functionId, functionVersion, weights: checkedWeights(weights ?? {}, functionVersion) }
    this.#checkTarget(who, target)
    if (aliases.find(who.projectId, name) !== null) throw invalid(`There is an alias ${name} in this project already.`)
    const { projectId } = who
    const now = clock.now()
    const alias = {
      id: newId(),
      projectId,
      name,
      description,
      ...target,
      createdAt: now,
      updatedAt: null,
    }
    this.#refuseSameTarget(alias)
    this.#parts.shares.refuseMore(projectId, 'aliases', aliases.list(projectId).length)
    aliases.insert(alias)
    return alias
  }

  update(who: Principal, name: string, change: AliasChange): Alias {
    const before = this.get(who, name)
    const { functionId = before.functionId, functionVersion = before.functionVersion } = change
    const isMoved = functionId !== before.functionId || functionVersion !== before.functionVersion
    const weights = change.weights === undefined && !isMoved ? before.weights : change.weights
    const alias: Alias = {
      ...before,
      functionId,
      functionVersion,
      weights: checkedWeights(weights ?? {}, functionVersion),
      description: change.description ?? before.description,
      updatedAt: this.#parts.clock.now(),
    }
    if (isMoved || change.weights) this.#checkTarget(who, alias)
    if (isMoved) this.#refuseSameTarget(alias)
    this.#parts.aliases.update(alias)
    return alias
  }

  /** Throws FaasError `in_use` while an unfinished job, a webhook or a source uses it; `cascade` deletes those too. */
  async delete(who: Principal, name: string, cascade = false): Promise<void> {
    const { aliases, inUse } = this.#parts
    const { id, projectId } = this.get(who, name)
    await inUse.remove(dependentsToRemove(who, `Alias ${name}`, inUse.ofAlias(projectId, name), cascade))
    aliases.delete(id)
  }

  #checkTarget(who: Principal, target: Pick<Alias, 'functionId' | 'functionVersion' | 'weights'>): void {
    if (target.functionVersion < 0) {
      throw invalid(`"function_version" is ${target.functionVersion}: it must be 0 or a published version.`)
    }
    const fn = this.#parts.targets.findFunction(who, target.functionId)
    for (const version of versionsOf(target)) {
      if (version > 0 && this.#parts.functions.findVersion(fn.id, version) === null) {
        throw notFound(`Version ${version} of function`, fn.id)
      }
    }
  }

  #refuseSameTarget({ id, projectId, functionId, functionVersion }: Alias): void {
    const same = this.#parts.aliases
      .listOfFunction(functionId)
      .find((one) => one.projectId === projectId && one.functionVersion === functionVersion && one.id !== id)
    if (same !== undefined) {
      throw invalid(`Alias ${same.name} points at version ${functionVersion} of function ${functionId} already.`)
    }
  }
}
