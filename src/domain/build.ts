/** Installing what a package needs before it is deployed: what is asked for, what is kept of it, and who does it. */

/** `auto`: when the package brings a list of dependencies and not the modules themselves. */
export const buildModes = ['auto', 'always', 'never'] as const
export type BuildMode = (typeof buildModes)[number]

/**
 * A build ends with its deployment. `superseded`: a deployment that was accepted later was done first; `interrupted`: the
 * server stopped or ended meanwhile, and nothing goes on by itself.
 */
export const buildStatuses = ['running', 'success', 'failed', 'superseded', 'interrupted'] as const
export type BuildStatus = (typeof buildStatuses)[number]

/** What is kept of one build. */
export interface Build {
  id: string
  projectId: string
  /** Null while a new function waits for it, and when that was never made. */
  functionId: string | null
  functionName: string | null
  runtimeName: string | null
  /** Of the package as it was uploaded; null: not noted, by an earlier release. */
  packageHash: string | null
  /** The module of the entry was to become one file. */
  bundle: boolean
  /** File of the package that says what it needs. */
  list: string
  status: BuildStatus
  /** It was found as an earlier build had left it. */
  cached: boolean
  /** Of what was installed; null: nothing was. */
  sizeBytes: number | null
  /** Why it failed, without the output. */
  error: string | null
  createdAt: number
  endedAt: number | null
}

export interface BuildStore {
  insert(build: Build): void
  /** `log`: all that is kept of the output. */
  end(build: Build, log: string): void
  find(id: string): Build | null
  /** Null: there is no such build. Empty while it runs. */
  log(id: string): string | null
  /** The newest first; of all projects when null. */
  list(projectId: string | null): Build[]
  /** Those that a server left that has ended are interrupted, with this error. */
  settle(error: string, nowMs: number): number
  /** Removes what is more than that many of one project, and the output of the oldest beyond so much of one project. */
  prune(keepPerProject: number, maxLogBytesPerProject: number): void
}

/** What `runtime.json` says of builds: which files of a package matter, and what builds them. */
export interface BuilderFacts {
  /** On the host: the builder's Dockerfile and its program. */
  folder: string
  /** Name of the builder's image, with the tag that says what it was made of. */
  image: string
  /** The first of them at the top of a package is its list, unless its text lacks what `needs` looks for. */
  lists: { file: string; needs: RegExp }[]
  /** Files at the top that belong to the lists. */
  files: string[]
  /** In the text of these files: more than they is wanted, such as a package that lies beside them. */
  whole: RegExp
  /** At the top of a package: the modules are there. A name that begins with `*` is an ending. */
  installed: string[]
  /** It makes one file of an entry, too. */
  bundles: boolean
  /** The package manager, which the builder takes from this machine where the image of the runtime has none. */
  hostProgram: 'npm' | 'pip' | null
}

/** One run of a builder. */
export interface BuilderRun {
  /** Unique; the sandbox is named by it. */
  id: string
  /** Image of the runtime that it builds for. */
  runtimeImage: string
  facts: BuilderFacts
  /** On the host: where the files lie. */
  folder: string
  /** Paths of those that it is given; null: all. */
  files: string[] | null
  env: Record<string, string>
  /** As `env`, but nobody else sees them: not the engine, and not the output. */
  secrets: Record<string, string>
  signal: AbortSignal
  onOutput(text: string): void
}

/** Builds in a sandbox of its own. */
export interface Builder {
  /**
   * Hands over what was installed as a tar, to be laid beside the files of the package; resolves to what `take` makes of it.
   * Nothing of the sandbox is left when it settles. Throws FaasError: `build_failed` with how it ended, `engine_failed`, and
   * the reason of the signal when that has ended it.
   */
  run<T>(run: BuilderRun, take: (tar: AsyncIterable<Uint8Array>) => Promise<T>): Promise<T>
}

/** What an earlier build installed, ready to be laid beside a package. */
export interface Layer {
  /** What it is found by. */
  key: string
  /** Tells it from every other. */
  id: string
  folder: string
  sizeBytes: number
}

export interface LayerStore {
  /** Null: not built yet, or removed since. */
  find(key: string): Promise<Layer | null>
  /**
   * Keeps what is in the tar under the key, for the project. Throws FaasError `build_failed` for what is too large, leaves the folder, or is neither a file,
   * nor a folder, nor a link.
   */
  put(key: string, tar: AsyncIterable<Uint8Array>, projectId: string): Promise<Layer>
  /** Those of a project, the one that was used longest ago first. */
  ofProject(projectId: string): Promise<Omit<Layer, 'folder'>[]>
  remove(key: string): Promise<void>
  /** Removes what has not been used for some days. */
  prune(): Promise<void>
}
