import { type BuilderFacts, programBuilderFacts } from './build.ts'
import type { Signature } from './signature.ts'

/** `deleting` rows disappear when their pool is gone. */
export type RuntimeStatus = 'creating' | 'available' | 'upgrading' | 'error' | 'deleting'

/** A language runtime for functions: an image whose shim speaks the worker protocol. */
export interface Runtime {
  id: string
  projectId: string
  name: string | null
  description: string | null
  image: string
  isPublic: boolean
  /** False requires a hardened sandbox (the configured OCI runtime for untrusted code). */
  trusted: boolean
  status: RuntimeStatus
  /** Default signature of its functions. */
  signature: Signature
  /** Bytes; the least memory of a worker, and the effective minimum of `memory_size`. */
  minMemoryBytes: number
  languages: string[]
  /** True for rows registered at the start from `runtimes/`. */
  builtin: boolean
  createdAt: number
  updatedAt: number | null
}

/** The fields of `runtimes/<name>/runtime.json` that the server needs. */
export interface RuntimeManifest {
  name: string
  description: string
  /** The tag is a hash of its files. */
  image: string
  /** The image's name without a tag. */
  repository: string
  command: string[]
  /** Absolute path of the shim on the host, for the process engine. */
  shimPath: string
  signature: Signature
  signatures: Signature[]
  minMemoryBytes: number
  /** Entry of functions that name none. */
  defaultEntry: string
  languages: string[]
  /** Undefined: packages of its functions are not built. */
  builder?: BuilderFacts | undefined
}

/**
 * The requested other versions of a language, selected by any of their `names` (the first is the image's). Throws an Error for an
 * unknown name; `known` are the runtimes that exist anyway.
 */
export function requestedVersions<Version extends { names: string[] }>(
  versions: Version[],
  asked: string[],
  known: string[],
): Version[] {
  const unknown = asked.find((name) => !known.includes(name) && !versions.some(({ names }) => names.includes(name)))
  if (unknown !== undefined) {
    const further = versions.map(({ names }) => names[0]).join(', ') || 'none'
    throw new Error(`TAIBAI_RUNTIMES: there is no runtime ${unknown}; the ones that can be added are ${further}.`)
  }
  return versions.filter(({ names }) => names.some((name) => asked.includes(name)))
}

/** The manifest of an image: its own, or the newest with its name. */
export function manifestOf(manifests: RuntimeManifest[], image: string): RuntimeManifest | undefined {
  return manifests.find((manifest) => manifest.image === image || manifest.repository === image)
}

/** The builder for packages of a runtime's functions; undefined: they are not built. */
export function builderOf(manifests: RuntimeManifest[], image: string, signature: Signature): BuilderFacts | undefined {
  const compiler = manifests.find(({ builder }) => builder?.programs?.signature === signature)
  if (compiler?.builder !== undefined) return programBuilderFacts(compiler.builder, compiler.image)
  return manifestOf(manifests, image)?.builder
}

export interface RuntimeStore {
  insert(runtime: Runtime): void
  update(runtime: Runtime): void
  delete(id: string): boolean
  find(id: string): Runtime | null
  list(): Runtime[]
}

/** The engine's work for a runtime that an operator adds or upgrades. */
export interface RuntimeImages {
  /**
   * Pulls the image and starts a worker of it, to verify that it speaks the worker protocol. Rejects with a sentence when it does
   * not; nothing is left behind then.
   */
  prepare(runtime: Runtime): Promise<void>
  /** The exact language version of an image, as reported by its last worker; null before one has started. */
  languageVersion(image: string): string | null
}
