import type { AppFunction } from '../functions/app-function.ts'
import type { Fn, ImageInit, ImageMode, ImageStart } from '../functions/function.ts'
import { factsOf, type Signature } from '../functions/signature.ts'
import type { InputKind, Trigger } from '../runs/execution.ts'
import type { HttpRequestHead } from '../runs/http-request.ts'
import type { HttpHead, Outcome } from '../runs/outcome.ts'
import type { ColdReason, StartKind } from '../runs/start-kind.ts'
import type { PoolGauges } from './gauges.ts'
import type { ActingSession } from './openstack.ts'
import type { SecretUse } from './secret.ts'

/** What a revision has as its function has it. */
type SharedFields =
  | 'env'
  | 'network'
  | 'maxRunning'
  | 'maxRate'
  | 'maxGbSecondsPerDay'
  | 'record'
  | 'api'
  | 'cpuMaxMillicpu'
  | 'placement'
  | 'writable'

/**
 * A function version with everything that its workers need: revisions that may share workers have the same `key`. Made by
 * `services/functions/targets.ts` and cached until the function, the version or the runtime is written.
 */
export interface Revision extends Pick<Fn, SharedFields> {
  /** Hash of code, entry, signature, limits, environment, image, network. */
  key: string
  functionId: string
  functionName: string | null
  functionVersion: number
  projectId: string
  runtimeId: string | null
  image: string
  /** `shim`: a runtime image that speaks the worker protocol; else an image function's mode. */
  kind: 'shim' | ImageMode
  /** Port on which an `http` image listens. */
  port: number | null
  /** Data that an `openwhisk` or `fission` image gets before its first call; null: none. */
  init: ImageInit | null
  /** Overrides of a `lambda` image's command; null: none. */
  start: ImageStart | null
  trusted: boolean
  /** Address in the package store; null for image functions, unless their image loads one. */
  packageHash: string | null
  entry: string | null
  signature: Signature
  /** Each value is the newest one at the time when a worker is bound. */
  secrets: SecretUse[]
  /** Effective memory: at least the runtime's minimum, and including a helper beside an image. */
  memoryBytes: number
  cpuMillicpu: number
  /** OCI runtime of its containers; null: chosen by `trusted`. */
  sandbox: string | null
  /** Size of /tmp; null: the operator's default. */
  tmpSizeBytes: number | null
  timeoutMs: number
  concurrency: number
  minWorkers: number
  maxWorkers: number | null
  idleTimeoutMs: number | null
}

/** Whether it gets the whole HTTP request and returns a response. */
export const takesRequest = ({ kind, signature }: Pick<Revision, 'kind' | 'signature'>): boolean =>
  kind === 'http' || factsOf(signature).given === 'request'

export interface CallInput {
  kind: InputKind
  body: Buffer
  /** The body of `json` and `text`, if it was already decoded. */
  text?: string
}

/** Caller data of a platform's protocol in addition to the input, for signatures that use it. */
export interface CallClient {
  /** The ARN with which the caller named the function. */
  arn: string
  /** Client context that the caller sent. */
  context?: unknown
}

/** Receives a streamed response. */
export interface StreamSink {
  head(head: HttpHead): void
  /** False: call `drained` before writing more; bytes are buffered meanwhile. */
  write(chunk: Buffer): boolean
  /** Resolves when the sink accepts more, or is gone. */
  drained(): Promise<void>
}

export interface Call {
  executionId: string
  trigger: Trigger
  input: CallInput
  http?: HttpRequestHead
  client?: CallClient
  sink?: StreamSink
  /** Fires when nobody waits for the response any more. */
  signal?: AbortSignal
  /** The function's OpenStack session; absent: none. */
  session?: ActingSession
  /** The call's trace: the `traceparent` header for requests of the function. */
  traceparent?: string
  /** Number of this attempt of an accepted run, when it is not the first. */
  attempt?: number
  /** Receives the function's output as it arrives, in whole lines where possible. */
  onLog(stream: 'stdout' | 'stderr', text: string): void
  /** Called when the sandbox of a `command` image's run has started. */
  onBegin?(): void
}

/** The waiting caller of a call. */
export interface Caller {
  /** Fires when the caller has left. Created on demand: a call that is served at once does not need it. */
  readonly signal: AbortSignal
  /** Gives up the caller's place in the queue: the run was cancelled. */
  leave(): void
}

/** A worker that is assigned to one call. */
export interface Lease {
  kind: 'lease'
  worker: string
  startKind: StartKind
  coldReason: ColdReason | null
  /** Milliseconds that loading the code took for this call; 0 when warm. */
  loadMs: number
  /** Milliseconds that resuming the worker took; 0: it was not paused. */
  resumeMs: number
  /** The functions of an app that was loaded for this call; absent: it is no app, or was already loaded. */
  functions?: AppFunction[] | undefined
  /** Never throws: failures are in the outcome. Enforces the revision's timeout. */
  call(call: Call): Promise<Outcome>
  /** Tells the function that its call is cancelled; if it has not ended after `graceMs`, its worker is ended. */
  cancel(executionId: string, graceMs: number): void
  /** Returns the worker; must be called exactly once, also after a failed call. `outcome`: the call's outcome, if it had one. */
  release(outcome?: Partial<Pick<Outcome, 'stalledMs' | 'cpuMs'>>): void
}

/** The code could not be loaded into a worker: the function's fault. */
export interface LoadFailure {
  kind: 'load_failure'
  outcome: Outcome
  worker: string
  startKind: StartKind
  coldReason: ColdReason | null
  loadMs: number
  log: string
}

export interface WorkerInfo {
  name: string
  functionId: string | null
  functionVersion: number | null
  runtimeId: string | null
  state: string
}

/** A worker with the facts that decide about its eviction. */
export interface RetainedWorker extends WorkerInfo {
  image: string
  /** Memory that it holds. */
  memoryBytes: number
  /** Number of calls that it has served. */
  calls: number
  /** Time since its last call; null: it is busy or generic. */
  idleMs: number | null
  /**
   * Milliseconds of cold starts that keeping it saves, per second and MiB: the worker with the least worth is evicted first.
   * Null: it is protected or busy.
   */
  worth: number | null
}

export interface Pool {
  /** Reserved memory of all workers, including those that are starting. */
  readonly reservedBytes: number
  /**
   * Assigns a worker of this revision: a warm one, else a generic one bound now, else a new one or the first that comes free,
   * whichever is sooner. Synchronous when one is warm, else a promise, which rejects with FaasError: `no_worker` (waited too
   * long, too many wait, or the caller left), `engine_failed`, `shutting_down`. A caller that leaves gives up its place in the
   * queue at once.
   */
  acquire(revision: Revision, caller?: Caller): Lease | Promise<Lease | LoadFailure>
  /** Runs a `command` image once, with the words of the input as arguments. Never throws. */
  runCommand(revision: Revision, call: Call): Promise<Outcome>
  /**
   * The revision is not current any more (new code, limits, environment): its idle workers go now, busy ones after their calls.
   * `next`: the one that is current from now on keeps those that it has.
   */
  retire(functionId: string, version: number | null, why: ColdReason, next?: Pick<Revision, 'key'> | null): void
  /** The revision was only tried: its workers go. Others of its function stay. */
  discard(revision: Revision): void
  /** `min_workers` and the other bounds of these revisions hold from now on. */
  keep(revision: Revision): void
  /** Binds `count` more idle workers in the background. */
  scaleUp(revision: Revision, count: number): void
  /** Drops `count` idle workers but keeps one. */
  scaleDown(functionId: string, version: number, count: number): void
  /** A worker should be warm at `atMs` (wall clock): a job is due then. */
  expect(revision: Revision, atMs: number): void
  workers(): WorkerInfo[]
  /** All workers, including ready generic ones, in the order of eviction; protected and busy ones come last. */
  retainedWorkers(): RetainedWorker[]
  /** Memory in use by name of worker, in bytes, measured now; workers whose memory is not known are left out. */
  memoryUsed(): Promise<ReadonlyMap<string, number>>
  vitals(): PoolGauges
  /** Makes the meter receive the held memory until now. */
  noteHeld(): void
  /** Memory of a project's workers, including those that are starting. */
  heldBytes(projectId: string): number
  /** Worker counts of the runtime's pool, as in the contract. */
  capacity(image: string): { total: number; available: number }
  /** The image is in use from now on: keeps generic workers of it. */
  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void
  removeRuntime(id: string): void
  /** Stops taking work, waits for calls until the deadline, removes every worker. */
  close(drainMs: number): Promise<void>
}
