import type { CallClient, Caller, CallInput, StreamSink } from '../../domain/platform/worker.ts'
import type { Execution, Trigger } from '../../domain/runs/execution.ts'
import type { HttpRequestHead } from '../../domain/runs/http-request.ts'
import type { Outcome } from '../../domain/runs/outcome.ts'
import type { RunOptions } from '../../domain/runs/run-options.ts'
import type { Target } from '../functions/targets.ts'

/** The request of a run, and its result. */

export interface RunRequest {
  target: Target
  /** The caller's project, which owns the execution. */
  projectId: string
  trigger: Trigger
  /** Id of the job, webhook or source that starts it. */
  triggerId?: string
  /** The execution whose function calls; absent: not called by a function. */
  from?: string | undefined
  input: CallInput
  description?: string | null
  /** Set by a caller whose repeated request must run once (a job's run); else a new id. */
  executionId?: string | undefined
  http?: HttpRequestHead
  client?: CallClient
  sink?: StreamSink
  /** Fires when nobody waits for the response any more: the call is cancelled. */
  signal?: AbortSignal
  /** Who waits for the run: a caller that leaves before it begins leaves the queue. */
  caller?: Caller
  /** The caller's header `traceparent`. */
  traceparent?: string
  /** An accepted run begins after this promise (a job whose runs take turns). */
  after?: Promise<unknown>
  /** How an accepted run is retried and delivered. */
  terms?: RunOptions
  /** Called with the final outcome of an accepted run, before its record is written. */
  onOutcome?(outcome: Outcome): void
}

export interface FinishedRun {
  execution: Execution
  outcome: Outcome
}

export interface AcceptedRun {
  execution: Execution
  /** Resolves when the run is over; never rejects. */
  finished: Promise<Execution>
  /** True when a run with this id was accepted before; nothing was added then. */
  duplicate: boolean
}
