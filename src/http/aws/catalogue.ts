import type { Clock } from '../../domain/clock.ts'
import { FaasError } from '../../domain/errors.ts'
import { chosenVersion } from '../../domain/functions/alias.ts'
import type { Fn, FunctionVersion, PackageStore } from '../../domain/functions/function.ts'
import type { LambdaFields, LambdaSettingsStore } from '../../domain/functions/lambda-settings.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { FunctionVersions } from '../../services/functions/function-versions.ts'
import type { Functions } from '../../services/functions/functions.ts'
import type { Runtimes } from '../../services/platform/runtimes.ts'
import { invalidParameter, missing, notFunction } from './aws-error.ts'
import { arnOf, current, ownOf, readFunctionName } from './names.ts'
import { shownRuntime } from './runtime-families.ts'

export interface CatalogueParts {
  functions: Functions
  versions: FunctionVersions
  runtimes: Runtimes
  packages: PackageStore
  lambdaSettings: LambdaSettingsStore
  clock: Pick<Clock, 'now'>
  /** From 0 up to 1. */
  random(): number
}

/** A function as a client named it. */
export interface NamedFunction {
  fn: Fn
  settings: LambdaFields
  /** Null: the function's current code. */
  version: FunctionVersion | null
  /** The qualifier in the name, for the ARN; null: none. */
  qualifier: string | null
  runtime: string | null
  updatedAt: number
}

/** Finds functions together with their AWS Lambda settings. */
export class Catalogue {
  #parts: CatalogueParts

  constructor(parts: CatalogueParts) {
    this.#parts = parts
  }

  /** Finds a function by a client's spelling of its name; `queryQualifier`: the query's qualifier. Throws AwsError. */
  find(who: Principal, region: string, text: string, queryQualifier: string | null = null): NamedFunction {
    const { name, qualifier } = readFunctionName(text, queryQualifier)
    const unqualified = this.#unqualified(who, region, name)
    if (qualifier === null || qualifier === current) return { ...unqualified, qualifier }
    const version = this.versionNamed(who, unqualified, qualifier)
    if (version === undefined) throw notFunction(arnOf(region, name, qualifier))
    return { ...unqualified, version, qualifier }
  }

  /** Finds the function itself, for settings of all versions. */
  findWhole(who: Principal, region: string, text: string): NamedFunction {
    const { name, qualifier } = readFunctionName(text)
    if (qualifier !== null && qualifier !== current) {
      throw invalidParameter(
        `This concerns the function, not its version or alias ${qualifier}: leave the qualifier out.`,
      )
    }
    return this.#unqualified(who, region, name)
  }

  /** Null: the function's current code; undefined: there is no such version. */
  versionNamed(who: Principal, { fn, settings }: NamedFunction, qualifier: string): FunctionVersion | null | undefined {
    const number = /^\d+$/.test(qualifier) ? Number(qualifier) : ownOf(settings.aliases, qualifier)?.version
    return number === 0 && !/^\d/.test(qualifier) ? null : this.versionNumbered(who, fn, number)
  }

  /** The version that a call runs: an alias with weights selects one. */
  chosen(who: Principal, found: NamedFunction): NamedFunction {
    const alias = found.qualifier === null ? undefined : ownOf(found.settings.aliases, found.qualifier)
    if (alias?.weights === undefined) return found
    const number = chosenVersion({ functionVersion: alias.version, weights: alias.weights }, this.#parts.random)
    return { ...found, version: this.versionNumbered(who, found.fn, number) ?? found.version }
  }

  versionNumbered(who: Principal, fn: Fn, number: number | undefined): FunctionVersion | undefined {
    return this.#parts.versions.list(who, fn.id).find((version) => version.number === number)
  }

  versions(who: Principal, found: NamedFunction): NamedFunction[] {
    const numbered = this.#parts.versions.list(who, found.fn.id)
    return [
      { ...found, version: null, qualifier: current },
      ...numbered.map((version) => ({ ...found, version, qualifier: String(version.number) })),
    ]
  }

  /** All functions with a name, sorted by name. */
  list(who: Principal): NamedFunction[] {
    return this.#parts.functions
      .list({ filter: { projectId: who.projectId, conditions: [] }, page: { limit: null, marker: null } })
      .filter(({ name }) => name !== null)
      .sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1))
      .map((fn) => this.described(who, fn))
  }

  /** Stores changed settings. Throws AwsError when they would be too long. */
  change({ fn, settings }: NamedFunction, change: Partial<LambdaFields>): NamedFunction {
    const { lambdaSettings, clock } = this.#parts
    const changed = { ...settings, ...change }
    refuseTooLong(changed)
    const updatedAt = clock.now()
    lambdaSettings.put({ functionId: fn.id, projectId: fn.projectId, settings: changed, updatedAt })
    return { fn, settings: changed, version: null, qualifier: null, runtime: null, updatedAt }
  }

  /** Size of the package in bytes; 0 for images. */
  sizeOf({ fn, version }: NamedFunction): number {
    const hash = version?.packageHash ?? fn.packageHash
    return hash === null ? 0 : this.#parts.packages.sizeOf(hash)
  }

  /** The function itself, with its settings as they are now. */
  described(who: Principal, fn: Fn): NamedFunction {
    const kept = this.#parts.lambdaSettings.find(fn.id)
    const runtime = this.#runtimeName(who, fn)
    const settings = kept?.settings ?? defaultFields(fn, runtime)
    const updatedAt = Math.max(fn.createdAt, fn.updatedAt ?? 0, kept?.updatedAt ?? 0)
    return { fn, settings, version: null, qualifier: null, runtime, updatedAt }
  }

  #unqualified(who: Principal, region: string, name: string): NamedFunction {
    try {
      return this.described(who, this.#parts.functions.get(who, name))
    } catch (error) {
      if (error instanceof FaasError && error.code === 'not_found') throw notFunction(arnOf(region, name))
      throw error
    }
  }

  #runtimeName(who: Principal, { runtimeId }: Fn): string | null {
    if (runtimeId === null) return null
    try {
      return this.#parts.runtimes.get(who, runtimeId).name
    } catch {
      return null
    }
  }
}

/** Limit of a function's settings, because every list reads them. */
const mostSettingsBytes = 64 * 1024

export function refuseTooLong(settings: LambdaFields): void {
  const bytes = Buffer.byteLength(JSON.stringify(settings))
  if (bytes <= mostSettingsBytes) return
  throw invalidParameter(
    `Tags, policy, aliases and configuration of a function may have ${mostSettingsBytes} bytes together; these have ${bytes}.`,
  )
}

/** Settings of functions that were not created through AWS Lambda's API. */
export const defaultFields = (fn: Pick<Fn, 'memoryBytes'>, runtime: string | null): LambdaFields => ({
  runtime: shownRuntime(runtime) ?? null,
  role: 'arn:aws:iam::000000000000:role/taibai',
  memoryMb: Math.floor(fn.memoryBytes / 1_048_576),
  architectures: ['x86_64'],
  ephemeralMb: 512,
  tags: {},
  policy: {},
  aliases: {},
  url: null,
  echoed: {},
})

export const noAlias = (region: string, name: string, alias: string): Error =>
  missing(`Cannot find alias arn: ${arnOf(region, name, alias)}`)
