import { createHash } from 'node:crypto'
import type { Alias, AliasStore } from '../domain/alias.ts'
import { FaasError, invalid, notFound } from '../domain/errors.ts'
import type { Fn, FunctionStore, FunctionVersion } from '../domain/function.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { canSee, type Principal } from '../domain/principal.ts'
import type { Runtime, RuntimeStore } from '../domain/runtime.ts'
import type { Revision } from '../domain/worker.ts'

/** What a caller names: an alias, which wins, or a function (id or name) and a version. */
export interface TargetRef {
  functionId?: string | null
  functionVersion?: number | null
  functionAlias?: string | null
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
}

/**
 * Finds what an execution is to run. Cached until the function or its runtime is written: there is no SQL on the warm
 * path. Whoever writes a function, version or runtime calls `forget…`.
 */
export class Targets {
  #parts: TargetsParts
  /** By project and name, as `/fn/{name}` asks. */
  #byName = new Map<string, Target>()
  /** By function id and version. */
  #byVersion = new Map<string, Target>()

  constructor(parts: TargetsParts) {
    this.#parts = parts
  }

  /** For `/fn/{name}`: the current version of a function of the caller's project, by name or id. */
  byName(who: Principal, nameOrId: string): Target {
    const key = `${who.projectId}/${nameOrId}`
    const cached = this.#byName.get(key)
    if (cached !== undefined) return cached
    const target = this.resolve(who, { functionId: nameOrId })
    if (target.fn.projectId === who.projectId) this.#byName.set(key, target)
    return target
  }

  /**
   * What the caller may run. Throws FaasError: `invalid_request` (nothing named; a version of a function without
   * packages), `not_found`, `runtime_unavailable`.
   */
  resolve(who: Principal, ref: TargetRef): Target {
    if (ref.functionAlias) return this.#byAlias(this.#aliasFor(who, ref.functionAlias))
    if (!ref.functionId) throw invalid('Name what to run: function_id or function_alias is required.')
    const fn = this.findFunction(who, ref.functionId)
    return this.#version(fn, ref.functionVersion ?? 0, null)
  }

  /** What a job or webhook of that project runs: aliases are looked up inside the project. */
  resolveIn(projectId: string, ref: TargetRef): Target {
    if (ref.functionAlias) {
      const alias = this.#parts.aliases.find(projectId, ref.functionAlias)
      if (alias === null) throw notFound('Alias', ref.functionAlias)
      return this.#byAlias(alias)
    }
    const fn = ref.functionId ? this.#parts.functions.find(ref.functionId) : null
    if (fn === null) throw notFound('Function', String(ref.functionId))
    return this.#version(fn, ref.functionVersion ?? 0, null)
  }

  /** By id in any spelling, or by name in the caller's project; others' functions exist only for admins, by id. */
  findFunction(who: Principal, nameOrId: string): Fn {
    const { functions } = this.#parts
    const id = canonicalUuid(nameOrId)
    const fn = (id === null ? null : functions.find(id)) ?? functions.findByName(who.projectId, nameOrId)
    if (fn === null || !canSee(who, fn.projectId)) throw notFound('Function', nameOrId)
    return fn
  }

  forgetFunction(functionId: string): void {
    dropWhere(this.#byName, (target) => target.fn.id === functionId)
    dropWhere(this.#byVersion, (target) => target.fn.id === functionId)
  }

  forgetRuntime(runtimeId: string): void {
    dropWhere(this.#byName, (target) => target.fn.runtimeId === runtimeId)
    dropWhere(this.#byVersion, (target) => target.fn.runtimeId === runtimeId)
  }

  #aliasFor(who: Principal, name: string): Alias {
    const own = this.#parts.aliases.find(who.projectId, name)
    if (own !== null) return own
    const others = who.isAdmin ? this.#parts.aliases.findAnywhere(name) : []
    if (others.length !== 1 || others[0] === undefined) throw notFound('Alias', name)
    return others[0]
  }

  #byAlias(alias: Alias): Target {
    const fn = this.#parts.functions.find(alias.functionId)
    if (fn === null) throw notFound('Function', alias.functionId)
    return this.#version(fn, alias.functionVersion, alias.name)
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
    return makeRevision(fn, runtime, version)
  }

  #storedVersion(fn: Fn, number: number): FunctionVersion | null {
    if (number === 0) return null
    if (number < 0)
      throw invalid(`function_version is ${number}: it must be 0 (the current code) or a published version.`)
    if (fn.code.source !== 'package') throw invalid('Only functions made from a package have versions above 0.')
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

/** A function version with all that decides which workers may serve it. Pure. */
export function makeRevision(fn: Fn, runtime: Runtime | null, version: FunctionVersion | null): Revision {
  const revision: Omit<Revision, 'key'> = {
    functionId: fn.id,
    functionName: fn.name,
    functionVersion: version?.number ?? 0,
    projectId: fn.projectId,
    runtimeId: runtime?.id ?? null,
    image: runtime?.image ?? String(fn.code.image),
    kind: runtime === null ? (fn.code.mode ?? 'command') : 'shim',
    port: runtime === null ? (fn.code.port ?? 8080) : null,
    trusted: runtime?.trusted ?? false,
    packageHash: version?.packageHash ?? fn.packageHash,
    entry: fn.entry,
    signature: fn.signature ?? runtime?.signature ?? 'event',
    env: fn.env,
    network: fn.network,
    memoryBytes: Math.max(fn.memoryBytes, runtime?.minMemoryBytes ?? 0),
    cpuMillicpu: fn.cpuMillicpu,
    cpuMaxMillicpu: fn.cpuMaxMillicpu,
    timeoutMs: fn.timeoutSeconds * 1000,
    concurrency: fn.concurrency,
    minWorkers: fn.minWorkers,
    maxWorkers: fn.maxWorkers,
    idleTimeoutMs: fn.idleTimeoutSeconds === null ? null : fn.idleTimeoutSeconds * 1000,
  }
  return { ...revision, key: workerKey(revision) }
}

/** Bounds of the pool and the deadline do not live in the worker: changing them keeps workers. */
function workerKey(revision: Omit<Revision, 'key'>): string {
  const { timeoutMs, minWorkers, maxWorkers, idleTimeoutMs, functionName, ...inWorker } = revision
  return createHash('sha256').update(JSON.stringify(inWorker)).digest('hex').slice(0, 32)
}

function dropWhere(map: Map<string, Target>, matches: (target: Target) => boolean): void {
  for (const [key, target] of map) if (matches(target)) map.delete(key)
}
