import type { AppFunction } from '../../domain/functions/app-function.ts'
import type { Network } from '../../domain/functions/function.ts'
import type { Placement } from '../../domain/platform/machine.ts'
import type { Call, Revision } from '../../domain/platform/worker.ts'
import type { Outcome } from '../../domain/runs/outcome.ts'

/** The properties that generic workers share: any worker of a shape may be bound to any revision of that shape. */
export interface Shape {
  image: string
  network: Network
  /** True when it can reach the API of this server. */
  api: boolean
  trusted: boolean
  /** Memory limit at the start. */
  memoryBytes: number
  /** Size of /tmp, which cannot be changed later; absent or null: the operator's default. */
  tmpSizeBytes?: number | null
  /** Set on an engine that cannot change limits later. Absent: the least CPU share, without a cap. */
  cpu?: { millicpu: number; maxMillicpu: number | null }
  /** Labels of the machines that they may be on; absent: any. */
  placement?: Placement
  /** OCI runtime; absent or null: chosen by `trusted`. */
  sandbox?: string | null
}

/** The result of loading the revision's code. */
export type BindResult =
  | { loaded: true; loadMs: number; functions?: AppFunction[] | undefined }
  | { loaded: false; loadMs: number; outcome: Outcome; log: string }

/** A worker as the pool sees it: `worker.ts` has the real one, tests have fakes. */
export interface PoolWorker {
  readonly name: string
  /** Id of the machine on which it was started; undefined: there is only one. */
  readonly machine: string | undefined
  /** Memory limit in force now. */
  readonly memoryBytes: number
  /** True from the moment when no new call may be assigned. */
  readonly isEnding: boolean
  /** Resolves when the worker is gone, for any reason. */
  readonly gone: Promise<void>
  /** Why the started image cannot serve, when that is the function's fault. Absent: it can. */
  readonly startFailure?: BindResult | undefined
  /** May be called once; `revision` may differ from the shape in its limits. Throws FaasError when the platform fails. */
  bind(revision: Revision): Promise<BindResult>
  /** Never throws. Ends the worker when the call exceeds the revision's timeout. */
  call(call: Call, timeoutMs: number): Promise<Outcome>
  /**
   * Tells the function that its call is cancelled; a call that has not ended after `graceMs` ends with the worker, as
   * `cancelled`.
   */
  cancel(executionId: string, graceMs: number): void
  /** Processor time of all its processes so far, in ms; after its end, the last reading. Null or undefined: not known. */
  cpuMs?(): Promise<number | null>
  /** Memory in use now, in bytes. Null or absent: not known. */
  memoryUsedBytes?(): Promise<number | null>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Resolves when nothing of the worker is left. Calls in flight end as the platform's fault. */
  kill(): Promise<void>
}

/** Throws FaasError `engine_failed`, `not_supported`. `machine`: id of the one that it is started on. */
export interface WorkerFactory {
  startGeneric(shape: Shape, machine?: string): Promise<PoolWorker>
  /**
   * Starts an `http` image's worker, bound from the start. `onRunning`: called when the engine has started it, before it listens.
   */
  startImage(revision: Revision, onRunning?: () => void, machine?: string): Promise<PoolWorker>
  /**
   * Runs a `command` image once. Never throws. When `stop` fires, it is ended as the platform's fault. `onRunning`: called when
   * the engine has started it.
   */
  runCommand(
    revision: Revision,
    call: Call,
    stop: AbortSignal,
    onRunning?: () => void,
    machine?: string,
  ): Promise<Outcome>
}
