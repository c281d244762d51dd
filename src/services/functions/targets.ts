import { FaasError, invalid, notFound } from '../../domain/errors.ts'
import { type Alias, type AliasStore, chosenVersion } from '../../domain/functions/alias.ts'
import type { Fn, FunctionStore, FunctionVersion } from '../../domain/functions/function.ts'
import { makeRevision } from '../../domain/functions/revision.ts'
import type { Runtime, RuntimeStore } from '../../domain/functions/runtime.ts'
import { parseTargetName, type TargetName } from '../../domain/functions/target-name.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import type { Revision } from '../../domain/platform/worker.ts'

/** The target in a request: an alias, which has priority, or a function (id or name) and a version. */
export interface TargetRef {
  functionId?: string | null
  functionVersion?: number | null
  functionAlias?: string | null
}

/** The resolved target of a job or webhook. */
export interface ResolvedTarget {
  fn: Fn
  version: number
  alias: string | null
}

/** A function version that can run now. */
export interface Target {
  fn: Fn
  version: number
  alias: string | null
  revision: Revision
}

export interface TargetsParts {
  functions: FunctionStore
  runtimes: RuntimeStore
  aliases: AliasStore
  /** True when the engine starts a helper beside each image. */
  bridgesImages?: boolean | undefined
  /** From 0 up to 1; chooses a version of an alias with weights. */
  random(): number
}

/**
 * Resolves the target of an execution. Results are cached until the function or its runtime is written, so a warm call needs no
 * SQL. Whoever writes a function, version or runtime must call `forget…`.
 */
export class Targets {
  #parts: TargetsParts
  /** Current versions, by project and the name or id that callers use. */
  #byName = new Map<string, Target>()
  /** Targets by function id and version. */
  #byVersion = new Map<string, Target>()

  constructor(parts: TargetsParts) {
    this.#parts = parts
  }

  /** For `/fn/{name}`: a function of the caller's project by name or id; `name@alias` and `name:3` name other versions. */
  byName(who: Principal, text: string): Target {
    const known = this.#known(who, text)
    if (known !== undefined) return known
    const named = parseTargetName(text)
    return named === null
      ? this.#remember(who, text, this.findFunction(who, text))
      : this.resolve(who, this.#ref(who, named))
  }

  /**
   * The target that the caller may run. Throws FaasError: `invalid_request` (no target; a version of a function without
   * packages), `not_found`, `runtime_unavailable`.
   */
  resolve(who: Principal, given: TargetRef): Target {
    const ref = this.#spelledOut(who, given)
    if (ref.functionAlias) return this.#byAlias(this.findAlias(who, ref.functionAlias))
    const { functionId, functionVersion } = ref
    if (functionVersion) return this.#version(this.#referred(who, functionId), functionVersion, null)
    return this.#known(who, functionId) ?? this.#remember(who, functionId, this.#referred(who, functionId))
  }

  /**
   * A target for a new job or webhook, even if it cannot run now. Aliases belong to the caller's project and are resolved at each
   * run. Throws FaasError: `invalid_request`, `not_found`.
   */
  named(who: Principal, given: TargetRef): ResolvedTarget {
    const ref = this.#spelledOut(who, given)
    const alias = ref.functionAlias ? this.#ownAlias(who.projectId, ref.functionAlias) : null
    const fn = alias === null ? this.#referred(who, ref.functionId) : this.#functionOf(alias)
    const version = alias === null ? (ref.functionVersion ?? 0) : alias.functionVersion
    if (version < 0) throw invalidVersion(version)
    if (version > 0) this.#publishedVersion(fn, version)
    return { fn, version, alias: alias?.name ?? null }
  }

  /** The function of a job or webhook, even if it cannot run; null when it no longer exists. */
  functionIdOf(projectId: string, ref: TargetRef): string | null {
    if (!ref.functionAlias) return ref.functionId ?? null
    return this.#parts.aliases.find(projectId, ref.functionAlias)?.functionId ?? null
  }

  /** The target of a job or webhook of that project: aliases are looked up in the project. */
  resolveIn(projectId: string, ref: TargetRef): Target {
    if (ref.functionAlias) {
      return this.#byAlias(this.#ownAlias(projectId, ref.functionAlias))
    }
    const version = ref.functionVersion ?? 0
    const known = this.#byVersion.get(`${ref.functionId}/${version}`)
    if (known !== undefined) return known
    const fn = ref.functionId ? this.#parts.functions.find(ref.functionId) : null
    if (fn === null) throw notFound('Function', String(ref.functionId))
    return this.#version(fn, version, null)
  }

  /** Finds by id in any spelling, or by name in the caller's project; only admins find others' functions, by id. */
  findFunction(who: Principal, nameOrId: string): Fn {
    const { functions } = this.#parts
    const id = canonicalUuid(nameOrId)
    const fn = (id === null ? null : functions.find(id)) ?? functions.findByName(who.projectId, nameOrId)
    if (fn === null || !canSee(who, fn.projectId)) throw notFound('Function', nameOrId)
    return fn
  }

  /** Finds by name in the caller's project; for admins without one of that name, the only alias of that name in all projects. */
  findAlias(who: Principal, name: string): Alias {
    const own = this.#parts.aliases.find(who.projectId, name)
    if (own !== null) return own
    const others = who.isAdmin ? this.#parts.aliases.findAnywhere(name) : []
    if (others.length !== 1 || others[0] === undefined) throw notFound('Alias', name)
    return others[0]
  }

  /** Id of a function of the caller's project; null when no function has that name. */
  idOfFunction(who: Principal, name: string): string | null {
    return this.#parts.functions.findByName(who.projectId, name)?.id ?? null
  }

  /** The revision of a function's current code, stored or not. Throws FaasError `not_found`, `runtime_unavailable`. */
  revisionOf(fn: Fn): Revision {
    return this.#revision(fn, 0)
  }

  forgetFunction(functionId: string): void {
    dropWhere(this.#byName, (target) => target.fn.id === functionId)
    dropWhere(this.#byVersion, (target) => target.fn.id === functionId)
  }

  forgetRuntime(runtimeId: string): void {
    dropWhere(this.#byName, (target) => target.fn.runtimeId === runtimeId)
    dropWhere(this.#byVersion, (target) => target.fn.runtimeId === runtimeId)
  }

  /** `function_id` may also name an alias or a version; an explicit alias in the request has priority. */
  #spelledOut(who: Principal, ref: TargetRef): TargetRef {
    const named = ref.functionAlias || !ref.functionId ? null : parseTargetName(ref.functionId)
    if (named === null) return ref
    if (ref.functionVersion)
      throw invalid(`function_id names ${JSON.stringify(ref.functionId)} already: leave function_version out.`)
    return this.#ref(who, named)
  }

  #ref(who: Principal, { function: name, alias, version }: TargetName): TargetRef {
    if (alias === null) return { functionId: name, functionVersion: version }
    const fn = this.findFunction(who, name)
    if (this.findAlias(who, alias).functionId !== fn.id) throw notFound(`Alias ${alias} of function`, name)
    return { functionAlias: alias }
  }

  #known(who: Principal, nameOrId: string | null | undefined): Target | undefined {
    return this.#byName.get(`${who.projectId}/${nameOrId}`)
  }

  /** Caches canonical names and ids of the caller's own functions only: other spellings would fill the memory. */
  #remember(who: Principal, nameOrId: string | null | undefined, fn: Fn): Target {
    const target = this.#version(fn, 0, null)
    const isOwn = fn.projectId === who.projectId && (nameOrId === fn.id || nameOrId === fn.name)
    if (isOwn) this.#byName.set(`${who.projectId}/${nameOrId}`, target)
    return target
  }

  /** A function named in a request body: a text that is neither an id nor a name is an invalid request. */
  #referred(who: Principal, nameOrId: string | null | undefined): Fn {
    if (!nameOrId) throw invalid('Name what to run: function_id or function_alias is required.')
    try {
      return this.findFunction(who, nameOrId)
    } catch (error) {
      if (canonicalUuid(nameOrId) !== null) throw error
      throw invalid(`function_id is ${JSON.stringify(nameOrId)}: it must be the UUID or the name of a function.`)
    }
  }

  #ownAlias(projectId: string, name: string): Alias {
    const alias = this.#parts.aliases.find(projectId, name)
    if (alias === null) throw notFound('Alias', name)
    return alias
  }

  #byAlias(alias: Alias): Target {
    return this.#version(this.#functionOf(alias), chosenVersion(alias, this.#parts.random), alias.name)
  }

  #functionOf(alias: Alias): Fn {
    const fn = this.#parts.functions.find(alias.functionId)
    if (fn === null) throw notFound('Function', alias.functionId)
    return fn
  }

  #version(fn: Fn, number: number, alias: string | null): Target {
    const key = `${fn.id}/${number}`
    const target = this.#byVersion.get(key) ?? this.#build(key, fn, number)
    return alias === null ? target : { ...target, alias }
  }

  #build(key: string, fn: Fn, number: number): Target {
    const target = { fn, version: number, alias: null, revision: this.#revision(fn, number) }
    this.#byVersion.set(key, target)
    return target
  }

  #revision(fn: Fn, number: number): Revision {
    const version = this.#storedVersion(fn, number)
    const runtime = fn.code.source === 'image' ? null : this.#runtime(fn)
    return makeRevision(fn, runtime, version, this.#parts.bridgesImages)
  }

  #storedVersion(fn: Fn, number: number): FunctionVersion | null {
    if (number === 0) return null
    if (number < 0) throw invalidVersion(number)
    if (fn.code.source !== 'package') throw invalid('Only functions made from a package have versions above 0.')
    return this.#publishedVersion(fn, number)
  }

  #publishedVersion(fn: Fn, number: number): FunctionVersion {
    const version = this.#parts.functions.findVersion(fn.id, number)
    if (version === null) throw notFound(`Version ${number} of function`, fn.id)
    return version
  }

  #runtime(fn: Fn): Runtime {
    const runtime = fn.runtimeId === null ? null : this.#parts.runtimes.find(fn.runtimeId)
    if (runtime === null) throw notFound('Runtime', String(fn.runtimeId))
    if (runtime.status !== 'available') {
      throw new FaasError(
        'runtime_unavailable',
        `Runtime ${runtime.id} is ${runtime.status}; try again when it is available.`,
      )
    }
    return runtime
  }
}

const invalidVersion = (number: number): FaasError =>
  invalid(`function_version is ${number}: it must be 0 (the current code) or a published version.`)

function dropWhere(map: Map<string, Target>, matches: (target: Target) => boolean): void {
  for (const [key, target] of map) if (matches(target)) map.delete(key)
}
