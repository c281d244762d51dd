import type { AppFunction } from './app-function.ts'
import type { InputKind, Trigger } from './execution.ts'
import type { ImageInit, ImageMode, ImageStart, Network, Recording } from './function.ts'
import type { HttpRequestHead } from './http-request.ts'
import type { ActingSession } from './openstack.ts'
import type { HttpHead, Outcome } from './outcome.ts'
import type { SecretUse } from './secret.ts'
import { factsOf, type Signature } from './signature.ts'
import type { ColdReason, StartKind } from './start-kind.ts'
import type { PoolVitals } from './vitals.ts'

/**
 * One function version with everything that a worker of it must know: what may share a worker has the same `key`.
 * Made by `services/targets.ts`, cached until the function, the version or the runtime is written.
 */
export interface Revision {
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
  /** Port an `http` image listens on. */
  port: number | null
  /** What an `openwhisk` image is sent before its first call; null: nothing of its own. */
  init: ImageInit | null
  /** What of a `lambda` image is started; null: what the image says. */
  start: ImageStart | null
  trusted: boolean
  /** Address in the package store; null for image functions. */
  packageHash: string | null
  entry: string | null
  signature: Signature
  env: Record<string, string>
  /** The value of each is the newest when a worker is bound. */
  secrets: SecretUse[]
  network: Network
  maxRunning: number | null
  maxRate: number | null
  maxGbSecondsPerDay: number | null
  record: Recording
  /** Its workers may call the API. */
  api: boolean
  /** In effect: never below the runtime's floor, and with what is run beside an image. */
  memoryBytes: number
  cpuMillicpu: number
  cpuMaxMillicpu: number | null
  /** OCI runtime of its containers; null: as `trusted` says. */
  sandbox: string | null
  /** Of /tmp; null: the operator's. */
  tmpSizeBytes: number | null
  /** Folders of an image that can be written to, beside /tmp. */
  writable: string[]
  timeoutMs: number
  concurrency: number
  minWorkers: number
  maxWorkers: number | null
  idleTimeoutMs: number | null
}

/** Whether it is given the whole HTTP request, and answers with one. */
export const takesRequest = ({ kind, signature }: Pick<Revision, 'kind' | 'signature'>): boolean =>
  kind === 'http' || factsOf(signature).given === 'request'

export interface CallInput {
  kind: InputKind
  body: Buffer
  /** The body of `json` and `text`, where it was decoded already. */
  text?: string
}

/** What the protocol of a caller says beside the input, for signatures that know it. */
export interface CallClient {
  /** The function as the caller named it. */
  arn: string
  /** What the caller's program says of itself. */
  context?: unknown
}

/** Where a streamed answer goes. */
export interface StreamSink {
  head(head: HttpHead): void
  /** False: call `drained` before more; bytes are kept meanwhile. */
  write(chunk: Buffer): boolean
  /** Resolves when the sink takes more, or is gone. */
  drained(): Promise<void>
}

export interface Call {
  executionId: string
  trigger: Trigger
  input: CallInput
  http?: HttpRequestHead
  client?: CallClient
  sink?: StreamSink
  /** Fires when nobody waits for the answer any more. */
  signal?: AbortSignal
  /** What the function acts with in OpenStack; absent: with nothing. */
  session?: ActingSession
  /** Which trace the call belongs to: the header `traceparent` for what the function calls itself. */
  traceparent?: string
  /** What the function prints, as it comes, whole lines where possible. */
  onLog(stream: 'stdout' | 'stderr', text: string): void
  /** Called when the run of a `command` image has begun: its sandbox runs. */
  onBegin?(): void
}

/** Who waits for a call. */
export interface Caller {
  /** Fires when the caller has left. Made when it is asked for: a call that is served at once needs none. */
  readonly signal: AbortSignal
  /** The caller has left as far as its place in line goes: the run was cancelled. */
  leave(): void
}

/** A worker that was given to one call. */
export interface Lease {
  kind: 'lease'
  worker: string
  startKind: StartKind
  coldReason: ColdReason | null
  /** Milliseconds that loading the code took for this call; 0 when warm. */
  loadMs: number
  /** Milliseconds that waking the paused worker took; 0: it was not paused. */
  resumeMs: number
  /** Those that the package told of when it was loaded for this call; absent: it holds but one, or is warm. */
  functions?: AppFunction[] | undefined
  /** Never throws: whatever happens is an outcome. Enforces the revision's timeout. */
  call(call: Call): Promise<Outcome>
  /** The function is told that its call was given up; when it has not ended after `graceMs`, its worker is. */
  cancel(executionId: string, graceMs: number): void
  /** Gives the worker back; exactly once, also after a failed call. `outcome`: how its call went, if it had one. */
  release(outcome?: Pick<Outcome, 'stalledMs'>): void
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

/** A worker with what becomes of it when others need its memory. */
export interface KeptWorker extends WorkerInfo {
  image: string
  /** That it holds. */
  memoryBytes: number
  /** That it has served. */
  calls: number
  /** Since when nothing runs in it; null: something does, or it waits for any function. */
  idleMs: number | null
  /** Milliseconds of cold starts that keeping it saves, per second and MiB: the least goes first. Null: it stays, or is busy. */
  worth: number | null
}

export interface Pool {
  /** Memory limits of all workers, also of those on their way, together. */
  readonly reservedBytes: number
  /**
   * A worker of this revision: warm, else a generic one bound now, else a new one or the first that comes free, whichever
   * is sooner. At once when one is warm, else a promise, which rejects with FaasError: `no_worker` (waited too long, or too
   * many wait, or the caller left), `engine_failed`, `shutting_down`. A caller that leaves gives up its place in line at once.
   */
  acquire(revision: Revision, caller?: Caller): Lease | Promise<Lease | LoadFailure>
  /** Runs a `command` image once: the words of the input as arguments. Never throws. */
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
  /** Binds n more idle workers, in the background. */
  scaleUp(revision: Revision, count: number): void
  /** Drops n idle workers, keeps one. */
  scaleDown(functionId: string, version: number, count: number): void
  /** A worker should be warm at `atMs` (wall clock): a job is due then. */
  expect(revision: Revision, atMs: number): void
  workers(): WorkerInfo[]
  /** All of them, generic ones that are ready included; what would go first comes first, then what does not go for others. */
  keeping(): KeptWorker[]
  vitals(): PoolVitals
  /** The meter is told how long workers held their memory until now. */
  noteHeld(): void
  /** Memory of a project's workers, those on their way included. */
  heldBytes(projectId: string): number
  /** Worker counts of the runtime's pool, as the contract shows them. */
  capacity(image: string): { total: number; available: number }
  /** The image is used from now on: keep generic workers of it. */
  addRuntime(runtime: { id: string; image: string; memoryBytes: number; trusted: boolean }): void
  removeRuntime(id: string): void
  /** Stops taking work, waits for calls until the deadline, removes every worker. */
  close(drainMs: number): Promise<void>
}
