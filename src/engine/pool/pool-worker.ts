import type { AppFunction } from '../../domain/app-function.ts'
import type { Network } from '../../domain/function.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { Call, Revision } from '../../domain/worker.ts'

/** What generic workers are alike in: any of a shape may be bound to any revision of that shape. */
export interface Shape {
  image: string
  network: Network
  /** It reaches the API of this server. */
  api: boolean
  trusted: boolean
  /** Memory limit they are started with. */
  memoryBytes: number
  /** Of /tmp, which nobody can change later; absent or null: the operator's. */
  tmpSizeBytes?: number | null
  /** Where limits cannot be changed later. Absent: the least share of the processors, without a cap. */
  cpu?: { millicpu: number; maxMillicpu: number | null }
  /** OCI runtime; absent or null: as `trusted` says. */
  sandbox?: string | null
}

/** What came of loading the revision's code. */
export type Bound =
  | { loaded: true; loadMs: number; functions?: AppFunction[] | undefined }
  | { loaded: false; loadMs: number; outcome: Outcome; log: string }

/** A worker as the pool sees it: `worker.ts` has the real ones, tests have fakes. */
export interface PoolWorker {
  readonly name: string
  /** Limit in force now. */
  readonly memoryBytes: number
  /** True from the moment that no new call may be given to it. */
  readonly isEnding: boolean
  /** Resolves when it is gone, for whatever reason. */
  readonly gone: Promise<void>
  /** Why the started image cannot serve, by the function's own fault. Absent: it can. */
  readonly startFailure?: Bound | undefined
  /** Once, for life; `revision` may differ from the shape in its limits. Throws FaasError when the platform fails. */
  bind(revision: Revision): Promise<Bound>
  /** Never throws. Ends the worker when the call exceeds the revision's timeout. */
  call(call: Call, timeoutMs: number): Promise<Outcome>
  /** Tells the function that its call was given up; a call that has not ended after `graceMs` ends with the worker, as `cancelled`. */
  cancel(executionId: string, graceMs: number): void
  pause(): Promise<void>
  resume(): Promise<void>
  /** Resolves when nothing of it is left. Calls in flight end as the platform's fault. */
  kill(): Promise<void>
}

/** Throws FaasError `engine_failed`, `not_supported`. */
export interface WorkerFactory {
  startGeneric(shape: Shape): Promise<PoolWorker>
  /** An `http` image's worker: bound from the start. `onRunning`: called when the engine has started it, and it is to listen. */
  startImage(revision: Revision, onRunning?: () => void): Promise<PoolWorker>
  /**
   * Runs a `command` image once. Never throws. When `stop` fires, it is ended as the platform's fault. `onRunning`: called when
   * the engine has started it.
   */
  runCommand(revision: Revision, call: Call, stop: AbortSignal, onRunning?: () => void): Promise<Outcome>
}
