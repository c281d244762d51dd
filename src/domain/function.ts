import type { Layer } from './build.ts'
import type { Access, FunctionCors } from './exposure.ts'
import type { RetryTerms } from './retries.ts'
import type { SecretUse } from './secret.ts'
import { factsOf, type Signature } from './signature.ts'
import type { Destination } from './terms.ts'

export type Network = 'egress' | 'none'
export type CodeSource = 'package' | 'swift' | 'image'

/**
 * `full`: everything. `summary`: no input, output and log of runs that succeeded. `failures`: no record at all of those.
 * `none`: no record of any run; of an accepted run there is one until it ends.
 */
export type Recording = 'full' | 'summary' | 'failures' | 'none'
export const recordings = ['full', 'summary', 'failures', 'none'] as const satisfies Recording[]

/**
 * How an image is run: one container a run (the contract), an HTTP server that is kept warm, an action image of OpenWhisk, or a program that
 * asks for its events by the Runtime API of AWS Lambda.
 */
export const imageModes = ['command', 'http', 'openwhisk', 'lambda'] as const
export type ImageMode = (typeof imageModes)[number]

/** What an image of mode `openwhisk` is sent before its first call. */
export interface ImageInit {
  code?: string
  main?: string
  binary?: boolean
}

/** What of an image of mode `lambda` is started, in place of what the image says of itself. */
export interface ImageStart {
  entry_point?: string[]
  command?: string[]
  working_directory?: string
}

/**
 * `code` as clients see it. Keys beyond these are kept as they are.
 * package: `md5sum`; swift: `swift {container, object}`; image: `image`, `mode`, `port`, `init`, and what is started.
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

/** Code, entry, limits, environment; belongs to a project. (`Function` is taken.) */
export interface Fn {
  id: string
  projectId: string
  name: string | null
  description: string | null
  runtimeId: string | null
  code: FunctionCode
  /** SHA-256 of the package: its address in the package store. Null for image functions. */
  packageHash: string | null
  /** Swift's ETag of the object that the package was fetched from; null for functions from elsewhere. */
  objectEtag: string | null
  entry: string | null
  cpuMillicpu: number
  memoryBytes: number
  timeoutSeconds: number
  /** Highest published version that exists, 0 = none. */
  latestVersion: number
  /** Keystone trust the function acts through; never shown. */
  trustId: string | null
  /** Null: the runtime's. */
  signature: Signature | null
  env: Record<string, string>
  /** Secrets of the project that it sees. */
  secrets: SecretUse[]
  /** Calls at once in one worker. */
  concurrency: number
  minWorkers: number
  /** Null: as many as the memory budget allows. */
  maxWorkers: number | null
  /** Null: idle workers stay until their memory is needed. */
  idleTimeoutSeconds: number | null
  network: Network
  /** Calls at work at once, in all its workers; more are refused, and accepted runs wait. Null: no limit. */
  maxRunning: number | null
  /** Calls a second in the long run. Null: no limit. */
  maxRate: number | null
  /** GB-seconds of its workers while calls run in them, a day (UTC). Null: no limit. */
  maxGbSecondsPerDay: number | null
  /** How much of its executions is recorded. */
  record: Recording
  /** It may call the API of this server: its workers are told where, and with which token. */
  api: boolean
  /** Hard cap; null: none, `cpuMillicpu` is a share that counts only when the host is contended. */
  cpuMaxMillicpu: number | null
  /** OCI runtime of its containers, as the engine calls it; null: that of its runtime. */
  sandbox: string | null
  /** Of /tmp, and of each of `writable`; in memory. Null: the operator's. */
  tmpSizeBytes: number | null
  /** Folders of an image that can be written to, in memory; all else but /tmp is read-only. */
  writable: string[]
  access: Access
  /** Null: no page of another origin, unless the function itself says so. */
  cors: FunctionCors | null
  /** Host names of its own, at whose root it lives. */
  hosts: string[]
  /** How accepted runs of it are tried again; null: as the platform does. */
  retries: RetryTerms | null
  /** Where results of accepted runs go. */
  onSuccess: Destination | null
  onFailure: Destination | null
  createdAt: number
  updatedAt: number | null
}

/** Its package holds several functions, which are listed in `code.functions`. */
export const isApp = ({ signature }: Pick<Fn, 'signature'>): boolean =>
  signature !== null && factsOf(signature).isApp === true

/** A frozen copy of a function's package. Number 0 is never a row: it means the function as it is now. */
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

export interface FunctionStore {
  /** Throws FaasError `conflict` when the project has a function of that name, or it is public and another public one has it. */
  insert(fn: Fn): void
  /** Writes every field; same conflict rule. */
  update(fn: Fn): void
  /** Deletes the function with its versions; finished jobs of it go too. */
  delete(id: string): boolean
  find(id: string): Fn | null
  findByName(projectId: string, name: string): Fn | null
  /** All functions of a project, or of all when null; by created_at, then id. */
  list(projectId: string | null): Fn[]
  /** How many functions a project has. */
  count(projectId: string): number
  /** The different packages of a project's functions and versions. */
  packageHashesOf(projectId: string): string[]
  usesRuntime(runtimeId: string): boolean
  /** Every package hash in use by a function or version: what the package store must keep. */
  packageHashes(): Set<string>

  /** The function's `latestVersion` follows its versions, in the same transaction. */
  insertVersion(version: FunctionVersion): void
  deleteVersion(functionId: string, number: number): boolean
  findVersion(functionId: string, number: number): FunctionVersion | null
  /** By number, ascending. */
  listVersions(functionId: string): FunctionVersion[]
}

/** Stored code, addressed by the SHA-256 of the uploaded ZIP. */
export interface PackageStore {
  /**
   * Checks and stores a ZIP, unpacked once; the same bytes twice are stored once. Throws FaasError `invalid_request` for
   * what is not a ZIP, leaves its folder, holds a symlink out of it, an over-long name or too many entries or bytes, and
   * `too_large` for one over the limit (`maxBytes`; default: that of uploads). Nothing is stored then.
   */
  put(zip: Buffer, maxBytes?: number): Promise<StoredPackage>
  /**
   * The package with what a build has installed for it beside its files, under a hash of its own; what both have is the
   * package's. Its bytes stay those that were uploaded.
   */
  putBuilt(source: StoredPackage, layer: Layer): Promise<StoredPackage>
  /** Key of what a build has installed for it; null: nothing, or an earlier release did not note it. */
  layerOf(hash: string): string | null
  /** Names at its top. */
  names(hash: string): string[]
  /** Text of a file at its top; empty: it is none. Throws FaasError `too_large` for what is no list of anything. */
  text(hash: string, name: string): string
  /** The bytes as uploaded. Throws FaasError `not_found`. */
  open(hash: string): { stream: ReadableStream<Uint8Array>; sizeBytes: number }
  /** Bytes of the ZIP. Throws FaasError `not_found`. */
  sizeOf(hash: string): number
  /** Bytes of its files on the disk; 0: it is not there. */
  unpackedBytes(hash: string): Promise<number>
  /** Folder with the unpacked code, on the host. */
  folder(hash: string): string
  /** Removes every package that has not been in `keep` for some days, and is older than an upload may wait for its row. */
  prune(keep: Set<string>): Promise<number>
}

export interface StoredPackage {
  hash: string
  md5sum: string
  sizeBytes: number
}
