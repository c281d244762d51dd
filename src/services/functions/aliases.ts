import type { Alias, AliasStore } from '../../domain/alias.ts'
import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import type { FunctionStore } from '../../domain/function.ts'
import type { NewId } from '../../domain/ids.ts'
import { type ListQuery, selected } from '../../domain/list.ts'
import type { Principal } from '../../domain/principal.ts'
import type { InUse } from '../../domain/trigger.ts'
import { removedWith } from './refuse-in-use.ts'
import type { Targets } from './targets.ts'

export interface AliasesParts {
  aliases: AliasStore
  functions: FunctionStore
  inUse: InUse
  targets: Targets
  clock: Clock
  newId: NewId
}

export interface NewAlias {
  name?: string
  functionId?: string
  functionVersion?: number
  description?: string
}

/** Undefined is not given and keeps what the alias has; the name cannot change. */
export type AliasChange = Omit<NewAlias, 'name'>

/** Movable names for a function and version (contract section 6). */
export class Aliases {
  #parts: AliasesParts

  constructor(parts: AliasesParts) {
    this.#parts = parts
  }

  list(query: ListQuery): Alias[] {
    return selected(this.#parts.aliases.list(query.filter.projectId), query)
  }

  /** The caller's own; for an admin who has none of that name, the only one anywhere. */
  get(who: Principal, name: string): Alias {
    return this.#parts.targets.findAlias(who, name)
  }

  create(who: Principal, given: NewAlias): Alias {
    const { aliases, clock, newId } = this.#parts
    const { name, functionId, functionVersion = 0, description = null } = given
    if (!name) throw invalid('"name" is required and must not be empty.')
    if (!functionId) throw invalid('"function_id" is required: what the alias points at.')
    this.#checkTarget(who, functionId, functionVersion)
    if (aliases.find(who.projectId, name) !== null) throw invalid(`There is an alias ${name} in this project already.`)
    const { projectId } = who
    const now = clock.now()
    const alias = {
      id: newId(),
      projectId,
      name,
      description,
      functionId,
      functionVersion,
      createdAt: now,
      updatedAt: null,
    }
    this.#refuseSameTarget(alias)
    aliases.insert(alias)
    return alias
  }

  update(who: Principal, name: string, change: AliasChange): Alias {
    const before = this.get(who, name)
    const alias: Alias = {
      ...before,
      functionId: change.functionId ?? before.functionId,
      functionVersion: change.functionVersion ?? before.functionVersion,
      description: change.description ?? before.description,
      updatedAt: this.#parts.clock.now(),
    }
    if (change.functionId !== undefined || change.functionVersion !== undefined) {
      this.#checkTarget(who, alias.functionId, alias.functionVersion)
      this.#refuseSameTarget(alias)
    }
    this.#parts.aliases.update(alias)
    return alias
  }

  /** Refused while an unfinished job, a webhook or a source goes through it, unless they are to go too. */
  async delete(who: Principal, name: string, cascade = false): Promise<void> {
    const { aliases, inUse } = this.#parts
    const { id, projectId } = this.get(who, name)
    await inUse.remove(removedWith(who, `Alias ${name}`, inUse.ofAlias(projectId, name), cascade))
    aliases.delete(id)
  }

  #checkTarget(who: Principal, functionId: string, version: number): void {
    if (version < 0) throw invalid(`"function_version" is ${version}: it must be 0 or a published version.`)
    const fn = this.#parts.targets.findFunction(who, functionId)
    if (version > 0 && this.#parts.functions.findVersion(fn.id, version) === null) {
      throw notFound(`Version ${version} of function`, fn.id)
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
