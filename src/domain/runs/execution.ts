import type { LedgerGauges } from '../platform/gauges.ts'
import type { PastCall } from './history.ts'
import type { HttpRequestHead } from './http-request.ts'
import { type FunctionError, failureText, type Outcome } from './outcome.ts'
import type { ResultDelivery, RunOptions } from './run-options.ts'
import type { ColdReason, StartKind } from './start-kind.ts'

/** `running` becomes one of: the function returned; the function failed; the platform failed. */
export type ExecutionStatus = 'running' | 'success' | 'failed' | 'error'

/**
 * What started the run; a caller who waits uses `api` or `http`. `event`: a source. For jobs, webhooks and sources see
 * `domain/triggers/trigger.ts`.
 */
export type Trigger = 'api' | 'http' | 'job' | 'webhook' | 'async' | 'event'

/** Milliseconds with fractions. */
export interface Phases {
  /** From acceptance to the beginning of the run: the wait in the async queue. */
  queue: number
  /** The wait for a worker. */
  acquire: number
  /** The part of `acquire` that loads the function's code into the worker. */
  load: number
  /** The part of `acquire` that resumes a paused worker. */
  resume: number
  /** From sending the call to its response. */
  run: number
  total: number
}

export interface Execution {
  id: string
  /** The caller's project. */
  projectId: string
  functionId: string
  functionVersion: number
  functionAlias: string | null
  description: string | null
  status: ExecutionStatus
  sync: boolean
  trigger: Trigger
  /** The job, webhook or source that started it; null: none. */
  triggerId: string | null
  /** As shown: JSON text, the caller's plain text, base64 of bytes, or null. */
  input: string | null
  inputKind: InputKind
  /**
   * The request that an accepted run gets together with its input, kept until it is over; null: none, or the caller waits and the
   * request is in memory.
   */
  request: HttpRequestHead | null
  /** JSON text of the return value; null unless status is `success`, or the function failed with a response. */
  output: string | null
  /** JSON text of what an app put into outputs that nobody here reads; null: nothing. */
  outputs: string | null
  error: FunctionError | null
  /** The contract's seconds are derived from this. */
  durationMs: number | null
  /** True for `command` images, whose result has no output on success. */
  isImageRun: boolean
  log: string
  /** Number of attempts; 0: it waits for its first one. A run is attempted again after a crash, or when the platform failed. */
  attempt: number
  startKind: StartKind | null
  coldReason: ColdReason | null
  phases: Phases | null
  worker: string | null
  memoryPeakMb: number | null
  cpuMs: number | null
  /** Options that the caller requested for the run; null: none. */
  terms: RunOptions | null
  /** It does not begin before this time: a delay, or the pause before a retry. */
  runAt: number | null
  /** Time since which it is a dead letter: accepted, not successful, and not retried automatically. */
  deadAt: number | null
  /** State of the result's delivery; null: the result has no destination. */
  delivery: ResultDelivery | null
  /** When the result is due for delivery; null: it is not, or not any more. */
  deliverAt: number | null
  createdAt: number
  updatedAt: number | null
}

/** `bytes` is stored as base64 in `input`. */
export type InputKind = 'none' | 'json' | 'text' | 'bytes'

/**
 * The contract's `result` as JSON text, or null while there is none. On success `output` is the return value, else a text;
 * command images have no `output` on success.
 */
export function resultText(execution: Execution): string | null {
  const { status, durationMs } = execution
  if (status === 'running' || durationMs === null) return null
  const duration = `"duration": ${Math.round(durationMs) / 1000}`
  if (status === 'success' && execution.isImageRun) return `{${duration}}`
  const output = status === 'success' ? (execution.output ?? 'null') : JSON.stringify(failureText(execution.error))
  return `{${duration}, "output": ${output}}`
}

/** The status that is recorded for an outcome. */
export function statusOf(outcome: Outcome): ExecutionStatus {
  switch (outcome.kind) {
    case 'returned':
    case 'streamed':
      return 'success'
    case 'raised':
    case 'timeout':
    case 'killed':
      return 'failed'
    case 'platform':
      return 'error'
  }
}

export interface ExecutionFilter {
  /** Null: every project. */
  projectId: string | null
  conditions: Condition[]
  /** Only dead letters. */
  onlyDead?: boolean
}

/** Columns by which lists can be filtered; the last six are ours. `created_at` is compared as Unix ms, `error` is JSON text. */
export type FilterColumn =
  | 'function_id'
  | 'status'
  | 'description'
  | 'project_id'
  | 'trigger'
  | 'trigger_id'
  | 'start_kind'
  | 'function_alias'
  | 'created_at'
  | 'error'

/** One list filter of the contract (section 1.6), already parsed. */
export interface Condition {
  column: FilterColumn
  op: 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'has' | 'in' | 'nin'
  /** A list for `in` and `nin`, one value otherwise. */
  values: string[]
}

export interface Page {
  /** Null: no limit. */
  limit: number | null
  /** Id of the last row of the previous page. */
  marker: string | null
  /** Descending by time; default ascending. */
  newestFirst?: boolean
}

export interface FunctionCounts {
  /** Executions ever created. */
  count: number
  lastAt: number
}

/**
 * The ledger: the records of executions, and the queue of accepted ones. A thread of its own writes in batches; reads see every
 * earlier write (they wait for the batch in flight).
 */
export interface Ledger {
  /** Stores an accepted run: durable when the promise resolves. Returns false when a run with that id was accepted before. */
  accept(execution: Execution): Promise<boolean>
  /** Notes that a run has begun. A row is written only when it lasts; see `settle`. */
  open(execution: Execution): void
  /**
   * Stores the attempt of an accepted run before it begins: durable when the promise resolves, so that no crash leaves an
   * uncounted attempt.
   */
  begun(execution: Execution): Promise<unknown>
  /**
   * The run is over, or (status still `running`: a retry follows) its row changed. Written with the next batch and never awaited.
   * Does nothing when the row was deleted. `withoutInput`: removes the stored input.
   */
  close(execution: Execution, withoutInput?: boolean): void
  /** The run is over and leaves no record. Written like `close`, and retried like it while the disk refuses. */
  drop(execution: Execution): void
  /**
   * Writes every field of a finished run; `running`: it will run again. Returns false when the run is gone or not finished.
   * Durable when it resolves.
   */
  rewrite(execution: Execution): Promise<boolean>
  /** Resolves when everything written so far is on disk. */
  flushed(): Promise<void>
  find(id: string): Promise<Execution | null>
  /** Lists without logs (empty strings), by created_at, then id, ascending; in slices, so that a long list never blocks. */
  list(filter: ExecutionFilter, page: Page): AsyncIterable<Execution[]>
  /** Finished calls that began at this time or later, oldest first; in slices. */
  history(sinceMs: number): AsyncGenerator<PastCall[]>
  delete(id: string): Promise<boolean>
  /** Executions ever created, for a function version (0 = the function itself). Kept in memory, durable with the batches. */
  counts(functionId: string, version: number): FunctionCounts
  /** Unfinished accepted runs, oldest first: the queue's content after a start. */
  unfinished(): Execution[]
  /** Runs whose result is to be delivered, in the order of due times. */
  undelivered(): Execution[]
  /** Records as `error` every sync run that an earlier process left `running`. Returns their number. */
  settle(error: FunctionError): number
  /** Bytes of a project's records, computed in steps; the value may be a minute old. */
  recordBytes(projectId: string): Promise<number>
  /**
   * Removes finished rows older than `maxAgeMs` and beyond `maxRowsPerProject`, in small steps; 0 keeps all. Returns their
   * number.
   */
  prune(maxAgeMs: number, maxRowsPerProject: number, maxBytesOf?: (projectId: string) => number | null): Promise<number>
  vitals(): LedgerGauges
  /**
   * Dead letters older than `maxAgeMs`, and the oldest of a project beyond `maxPerProject`, become plain records. Returns their
   * number.
   */
  pruneDead(maxAgeMs: number, maxPerProject: number): Promise<number>
  /** Writes the rest, then stops. */
  end(): Promise<void>
}
