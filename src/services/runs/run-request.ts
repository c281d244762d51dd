import type { Execution, Trigger } from '../../domain/execution.ts'
import type { HttpRequestHead } from '../../domain/http-request.ts'
import type { Outcome } from '../../domain/outcome.ts'
import type { Terms } from '../../domain/terms.ts'
import type { CallClient, Caller, CallInput, StreamSink } from '../../domain/worker.ts'
import type { Target } from '../functions/targets.ts'

/** What runs are asked for with, and what comes back. */

export interface RunRequest {
  target: Target
  /** The caller's project: the execution belongs to it. */
  projectId: string
  trigger: Trigger
  /** Id of the job, webhook or source that makes it. */
  triggerId?: string
  /** The execution whose function calls; absent: none does. */
  from?: string | undefined
  input: CallInput
  description?: string | null
  /** Made by the caller when asking twice must run once (a job's run); else a new one. */
  executionId?: string | undefined
  http?: HttpRequestHead
  client?: CallClient
  sink?: StreamSink
  /** Fires when nobody waits for the answer any more: the call is told. */
  signal?: AbortSignal
  /** Who waits for the run: one that leaves before it begins gives up its place in line. */
  caller?: Caller
  /** The caller's header `traceparent`. */
  traceparent?: string
  /** An accepted run begins when this has resolved (a job whose runs take turns). */
  after?: Promise<unknown>
  /** How an accepted run is tried. */
  terms?: Terms
  /** Told how an accepted run ended for good, before its record is. */
  onOutcome?(outcome: Outcome): void
}

export interface Finished {
  execution: Execution
  outcome: Outcome
}

export interface Accepted {
  execution: Execution
  /** Resolves when the run is over; never rejects. */
  finished: Promise<Execution>
  /** True when a run with this id had been accepted before; nothing was added then. */
  duplicate: boolean
}
