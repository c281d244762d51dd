import type { BuilderFacts } from './build.ts'
import type { Signature } from './signature.ts'

/** `deleting` rows vanish when their pool is gone. */
export type RuntimeStatus = 'creating' | 'available' | 'upgrading' | 'error' | 'deleting'

/** A language a function may ask for: an image whose shim speaks the worker protocol. */
export interface Runtime {
  id: string
  projectId: string
  name: string | null
  description: string | null
  image: string
  isPublic: boolean
  /** False asks for a hardened sandbox (the configured OCI runtime for untrusted code). */
  trusted: boolean
  status: RuntimeStatus
  /** How functions of this runtime are called unless they say otherwise. */
  signature: Signature
  /** Bytes; the least a worker works in, and the floor in effect for `memory_size`. */
  minMemoryBytes: number
  languages: string[]
  /** True for rows registered at start from `runtimes/`. */
  builtin: boolean
  createdAt: number
  updatedAt: number | null
}

/** What `runtimes/<name>/runtime.json` says, as far as the server needs it. */
export interface RuntimeManifest {
  name: string
  description: string
  /** With the tag that says which files it was made of. */
  image: string
  /** The image's name without a tag. */
  repository: string
  command: string[]
  /** Absolute path of the shim on the host, for the embedded process engine. */
  shimPath: string
  signature: Signature
  signatures: Signature[]
  minMemoryBytes: number
  /** Entry of a function that names none. */
  defaultEntry: string
  languages: string[]
  /** Undefined: nothing is built for its functions. */
  builder?: BuilderFacts | undefined
}

/**
 * The other versions of a language that an operator asks for, of all that its folder has: by a name of one of them, `names`,
 * the first of which is that of its image. Throws an Error for a name that no runtime has: `known` are those that are there
 * anyway.
 */
export function askedVersions<Version extends { names: string[] }>(
  versions: Version[],
  asked: string[],
  known: string[],
): Version[] {
  const unknown = asked.find((name) => !known.includes(name) && !versions.some(({ names }) => names.includes(name)))
  if (unknown !== undefined) {
    const further = versions.map(({ names }) => names[0]).join(', ') || 'none'
    throw new Error(`TAIBAI_RUNTIMES: there is no runtime ${unknown}; further ones are ${further}.`)
  }
  return versions.filter(({ names }) => names.some((name) => asked.includes(name)))
}

/** The manifest of an image: its own, or the newest of its name. */
export function manifestOf(manifests: RuntimeManifest[], image: string): RuntimeManifest | undefined {
  return manifests.find((manifest) => manifest.image === image || manifest.repository === image)
}

export interface RuntimeStore {
  insert(runtime: Runtime): void
  update(runtime: Runtime): void
  delete(id: string): boolean
  find(id: string): Runtime | null
  list(): Runtime[]
}

/** What the engine does for a runtime that an operator adds or upgrades. */
export interface RuntimeImages {
  /**
   * Gets the image and starts a worker of it, to see that it speaks the worker protocol. Rejects with a sentence when it
   * does not; nothing is left behind then.
   */
  prepare(runtime: Runtime): Promise<void>
  /** The exact version of the language in an image, as the last worker of it said; null before one has started. */
  languageVersion(image: string): string | null
}
