import type { Signature } from './signature.ts'

/**
 * Builds install what a package needs before it is deployed. Here are their options, their records, and the contract of a
 * builder.
 */

/** `auto`: build when the package has a list of dependencies but not the modules themselves. */
export const buildModes = ['auto', 'always', 'never'] as const
export type BuildMode = (typeof buildModes)[number]

/**
 * A build ends with its deployment. `superseded`: a deployment that was accepted later was done first; `interrupted`: the server
 * stopped meanwhile, and nothing continues by itself.
 */
export const buildStatuses = ['running', 'success', 'failed', 'superseded', 'interrupted'] as const
export type BuildStatus = (typeof buildStatuses)[number]

/** The record of one build. */
export interface Build {
  id: string
  projectId: string
  /** Null while a new function waits for the build, and when it was never created. */
  functionId: string | null
  functionName: string | null
  runtimeName: string | null
  /** Hash of the package as uploaded; null: recorded by an earlier release without it. */
  packageHash: string | null
  /** True when the entry is bundled with its imports into one file. */
  bundle: boolean
  /** The package's file that lists its dependencies. */
  list: string
  status: BuildStatus
  /** True when an earlier build's result was reused. */
  cached: boolean
  /** Size of the installed dependencies; null: none were installed. */
  sizeBytes: number | null
  /** Reason of the failure, with the last lines of the output. */
  error: string | null
  createdAt: number
  endedAt: number | null
}

export interface BuildStore {
  insert(build: Build): void
  /** `log`: the output to keep. */
  end(build: Build, log: string): void
  find(id: string): Build | null
  /** Null: no such build. Empty while it runs. */
  log(id: string): string | null
  /** The newest first; of all projects when null. */
  list(projectId: string | null): Build[]
  /** Marks builds that an earlier process left running as interrupted, with this error. Returns their number. */
  settle(error: string, nowMs: number): number
  /** Removes a project's builds beyond the number to keep, and the oldest output beyond its limit of bytes. */
  prune(keepPerProject: number, maxLogBytesPerProject: number): void
}

/** The builder's section of `runtime.json`: which files of a package matter, and the builder's image. */
export interface BuilderFacts {
  /** Folder on the host with the builder's Dockerfile and program. */
  folder: string
  /** Name of the builder's image; its tag is a hash of its inputs. */
  image: string
  /** The first of these files in a package's root is its dependency list, unless its text does not match `needs`. */
  lists: { file: string; needs: RegExp }[]
  /** Further files in the root that the lists use. */
  files: string[]
  /** A match in these files means that the whole package is needed, for example because a dependency is a local folder. */
  whole: RegExp
  /** Names in a package's root that show that modules are installed. A leading `*` matches endings. */
  installed: string[]
  /** True when it can also bundle an entry. */
  bundles: boolean
  /** The package manager, which the builder copies from this machine where the runtime's image has none. */
  hostProgram: 'npm' | 'pip' | null
  /** Where no sandbox builds, a worker does so itself when it loads the package. */
  atLoad?: boolean
  /** It also compiles programs, for functions of this signature in other runtimes; `makes` is the program's file. */
  programs?: { signature: Signature; makes: string }
  /** Set where it compiles for another runtime: the image that it is made from. */
  runtimeImage?: string
}

/** What `programs` of a builder says, for the package of such a program. */
export const programBuilderFacts = (facts: BuilderFacts, runtimeImage: string): BuilderFacts => ({
  ...facts,
  runtimeImage,
  installed: facts.programs === undefined ? facts.installed : [facts.programs.makes],
})

/** One run of a builder. */
export interface BuilderRun {
  /** Unique; part of the sandbox's name. */
  id: string
  /** Image of the runtime for which it builds. */
  runtimeImage: string
  facts: BuilderFacts
  /** Folder of the files on the host. */
  folder: string
  /** Paths of the files to pass; null: all. */
  files: string[] | null
  env: Record<string, string>
  /** Like `env`, but hidden from the engine and masked in the output. */
  secrets: Record<string, string>
  signal: AbortSignal
  onOutput(text: string): void
}

/** Builds in a sandbox of its own. */
export interface Builder {
  /**
   * Passes the installed files as a tar to `take` and resolves to its result; the files belong beside those of the package. When
   * it settles, the sandbox is gone. Throws FaasError: `build_failed` with the reason, `engine_failed`, and the signal's reason
   * when that ended it.
   */
  run<T>(run: BuilderRun, take: (tar: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T>
}

/** The result of a build, which can be added to a package. */
export interface Layer {
  /** Hash of the build's inputs. */
  key: string
  /** Unique for each build's result. */
  id: string
  folder: string
  sizeBytes: number
}

/** A layer in use: its folder stays as it is until `release`, whatever is built or removed meanwhile. */
export interface HeldLayer extends Layer {
  release(): void
}

export interface LayerStore {
  /** The latest one; null: not built yet, or removed since. */
  find(key: string): Promise<HeldLayer | null>
  /**
   * Stores the tar's content under the key, for the project. Throws FaasError `build_failed` when it is too large, has a path
   * outside the folder, or an entry that is neither a file, a folder, nor a link.
   */
  put(key: string, tar: AsyncIterable<Uint8Array>, projectId: string): Promise<HeldLayer>
  /** Layers of a project, the least recently used first. */
  ofProject(projectId: string): Promise<Omit<Layer, 'folder'>[]>
  /** False: it stays, because somebody uses it now. */
  remove(key: string): Promise<boolean>
  /** Removes layers that nobody uses now or has used for some days. */
  prune(): Promise<void>
}
