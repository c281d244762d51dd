import type { Placement } from '../platform/machine.ts'
import type { SecretUse } from '../platform/secret.ts'
import type { RetryOptions } from '../runs/retries.ts'
import type { Destination } from '../runs/run-options.ts'
import type { Layer } from './build.ts'
import type { Access, FunctionCors } from './function-access.ts'
import { factsOf, type Signature } from './signature.ts'

export type Network = 'egress' | 'none'
export type CodeSource = 'package' | 'swift' | 'image'

/**
 * Which executions are recorded. `full`: everything. `summary`: successful runs without input, output and log. `failures`: no
 * record of successful runs. `none`: no records; an accepted run has one until it ends.
 */
export type Recording = 'full' | 'summary' | 'failures' | 'none'
export const recordings = ['full', 'summary', 'failures', 'none'] as const satisfies Recording[]

/**
 * How an image runs: one container per run (`command`, the contract's only mode), a warm HTTP server, an OpenWhisk action image,
 * a program that gets its events from the Runtime API of AWS Lambda, or an environment of Fission, which loads a package.
 */
export const imageModes = ['command', 'http', 'openwhisk', 'lambda', 'fission'] as const
export type ImageMode = (typeof imageModes)[number]

/** The data that an image of mode `openwhisk` or `fission` gets before its first call. */
export interface ImageInit {
  code?: string
  /** Name of the function in its code. */
  main?: string
  binary?: boolean
}

/** Overrides of the command of an image of mode `lambda`. */
export interface ImageStart {
  entry_point?: string[]
  command?: string[]
  working_directory?: string
}

/**
 * `code` as clients see it. Other keys are kept as they are. package: `md5sum`; swift: `swift {container, object}`; image:
 * `image`, `mode`, `port`, `init`, and overrides of its command.
 */
export interface FunctionCode extends ImageStart {
  source: CodeSource
  md5sum?: string
  swift?: { container: string; object: string }
  image?: string
  mode?: ImageMode
  port?: number
  init?: ImageInit
  [extra: string]: unknown
}

/** Code, entry, limits, environment; belongs to a project. (The name `Function` is taken.) */
export interface Fn {
  id: string
  projectId: string
  name: string | null
  description: string | null
  runtimeId: string | null
  code: FunctionCode
  /** SHA-256 of the package: its address in the package store. Null for image functions, unless their image loads one. */
  packageHash: string | null
  /** Swift's ETag of the package's object; null for code from elsewhere. */
  objectEtag: string | null
  entry: string | null
  cpuMillicpu: number
  memoryBytes: number
  timeoutSeconds: number
  /** Highest existing version; 0 = none. */
  latestVersion: number
  /** Keystone trust through which the function acts; never shown. */
  trustId: string | null
  /** Null: the runtime's default. */
  signature: Signature | null
  env: Record<string, string>
  /** Secrets of the project that it sees. */
  secrets: SecretUse[]
  /** Concurrent calls in one worker. */
  concurrency: number
  minWorkers: number
  /** Null: limited by the memory budget only. */
  maxWorkers: number | null
  /** Null: idle workers stay until their memory is needed. */
  idleTimeoutSeconds: number | null
  network: Network
  /** Limit of concurrent calls in all its workers; further calls are refused, and accepted runs wait. Null: none. */
  maxRunning: number | null
  /** Limit of calls per second over time. Null: none. */
  maxRate: number | null
  /** Limit of GB-seconds per day (UTC), counted while calls run in its workers. Null: none. */
  maxGbSecondsPerDay: number | null
  /** Which of its executions are recorded. */
  record: Recording
  /** True when it may call the API of this server: its workers get the URL and a token. */
  api: boolean
  /** CPU cap; null: none, `cpuMillicpu` is a share that only counts when the host is contended. */
  cpuMaxMillicpu: number | null
  /** OCI runtime of its containers, with the engine's name; null: the runtime's default. */
  sandbox: string | null
  /** Size of /tmp, and of each folder in `writable`; in memory. Null: the operator's default. */
  tmpSizeBytes: number | null
  /** Labels of the nodes that may run it; none: all. By name. */
  placement: Placement
  /** Writable folders of an image, in memory; everything else but /tmp is read-only. */
  writable: string[]
  access: Access
  /** Null: no other origin may call, unless the function sets CORS headers itself. */
  cors: FunctionCors | null
  /** Its own host names; it is served at their root. */
  hosts: string[]
  /** Retry rule of its accepted runs; null: the platform's. */
  retries: RetryOptions | null
  /** Destinations of the results of accepted runs. */
  onSuccess: Destination | null
  onFailure: Destination | null
  createdAt: number
  updatedAt: number | null
}

/** True when its package contains several functions, which `code.functions` lists. */
export const isApp = ({ signature }: Pick<Fn, 'signature'>): boolean =>
  signature !== null && factsOf(signature).isApp === true

/** A frozen copy of a function's package. Number 0 is never a row: it means the current function. */
export interface FunctionVersion {
  id: string
  functionId: string
  projectId: string
  number: number
  description: string | null
  packageHash: string
  md5sum: string
  createdAt: number
  updatedAt: number | null
}

/** What is written with a function, all or nothing; what one of them throws refuses the whole. */
export interface Alongside {
  /** Right before the function is written. */
  before?: (() => void) | undefined
  /** Right after it. */
  after?: (() => void) | undefined
}

export interface FunctionStore {
  /**
   * Throws FaasError `conflict` when the project has a function of that name, or when it is public and another public function
   * has the name.
   */
  insert(fn: Fn, alongside?: Alongside): void
  /** Writes every field; same conflict rule. */
  update(fn: Fn, alongside?: Alongside): void
  /** Deletes the function with its versions and finished jobs. */
  delete(id: string): boolean
  /**
   * Deletes a function and inserts another, all or nothing: the other may have its name and its hosts, and an OpenWhisk action of
   * it leads to the other. Same conflict rule as `insert`.
   */
  replace(id: string, fn: Fn): void
  find(id: string): Fn | null
  findByName(projectId: string, name: string): Fn | null
  /** Functions of a project, or of all when null; by created_at, then id. */
  list(projectId: string | null): Fn[]
  /** Number of a project's functions. */
  count(projectId: string): number
  /** Distinct packages of a project's functions and versions. */
  packageHashesOf(projectId: string): string[]
  usesRuntime(runtimeId: string): boolean
  /** Every package hash that a function or version uses: the package store must keep them. */
  packageHashes(): Set<string>

  /** Updates the function's `latestVersion` in the same transaction. */
  insertVersion(version: FunctionVersion): void
  deleteVersion(functionId: string, number: number): boolean
  findVersion(functionId: string, number: number): FunctionVersion | null
  /** By number, ascending. */
  listVersions(functionId: string): FunctionVersion[]
}

/** Stored code, addressed by the SHA-256 of the uploaded ZIP. */
export interface PackageStore {
  /**
   * Checks a ZIP, unpacks and stores it; equal bytes are stored once. Throws FaasError `invalid_request` for invalid ZIPs: not a
   * ZIP, paths or symlinks outside its folder, a name too long, too many entries or bytes; and `too_large` above the limit
   * (`maxBytes`; default: that of uploads). Nothing is stored then.
   */
  put(zip: Buffer, maxBytes?: number): Promise<StoredPackage>
  /**
   * Stores the package together with the dependencies that a build installed, under a hash of its own; where both have a file,
   * the package's is used. `open` still returns the uploaded bytes.
   */
  putBuilt(source: StoredPackage, layer: Layer): Promise<StoredPackage>
  /** Key of the package's installed layer; null: none, or recorded by an earlier release without it. */
  layerOf(hash: string): string | null
  /** Names in the package's root. */
  names(hash: string): string[]
  /**
   * Text of a file in the root; empty: it does not exist. Throws FaasError `too_large` for a file larger than any dependency
   * list.
   */
  text(hash: string, name: string): string
  /** The bytes as uploaded. Throws FaasError `not_found`. */
  open(hash: string): { stream: ReadableStream<Uint8Array>; sizeBytes: number }
  /** Size of the ZIP. Throws FaasError `not_found`. */
  sizeOf(hash: string): number
  /** Disk usage of its files; 0: it does not exist. */
  unpackedBytes(hash: string): Promise<number>
  /** Folder with the unpacked code, on the host. */
  folder(hash: string): string
  /**
   * Removes packages that have not been in `keep` for some days and are older than an upload may wait for its row. Returns their
   * number.
   */
  prune(keep: Set<string>): Promise<number>
}

/**
 * Beside the folder of unpacked code: links to all of its files that the engine keeps for the next worker. They take no room of
 * their own, are in no backup, and are removed with the package. Names that begin so are the engine's.
 */
export const linkedFolderOf = (codeFolder: string): string => `${codeFolder}.linked`

export interface StoredPackage {
  hash: string
  md5sum: string
  sizeBytes: number
}
