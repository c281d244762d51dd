import type { PastCall } from './history.ts'
import type { HttpRequestHead } from './http-request.ts'
import { type FunctionError, failureText, type Outcome } from './outcome.ts'
import type { ColdReason, StartKind } from './start-kind.ts'
import type { Delivery, Terms } from './terms.ts'
import type { LedgerVitals } from './vitals.ts'

/** `running` → one of: the function returned; the function failed; the platform failed. */
export type ExecutionStatus = 'running' | 'success' | 'failed' | 'error'

/** What made it; what a caller waits for is `api` or `http`. `event`: a source; jobs, webhooks and sources: `domain/trigger.ts`. */
export type Trigger = 'api' | 'http' | 'job' | 'webhook' | 'async' | 'event'

/** Milliseconds, fractions allowed. */
export interface Phases {
  /** From acceptance to the start of the run's work: waiting in the async queue. */
  queue: number
  /** Until a worker was there. */
  acquire: number
  /** The part of `acquire` that loads the function's code into the worker. */
  load: number
  /** The part of `acquire` that wakes a paused worker. */
  resume: number
  /** From sending the call to its answer. */
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
  /** The job, webhook or source that made it; null when nothing that is stored did. */
  triggerId: string | null
  /** As shown: JSON text, the caller's plain text, base64 of bytes, or null. */
  input: string | null
  inputKind: InputKind
  /** What an accepted run is told beside its input, until it is over; null: nothing, or a caller waits and has it. */
  request: HttpRequestHead | null
  /** JSON text of what the function returned; null unless status is `success`, or it failed with an answer. */
  output: string | null
  error: FunctionError | null
  /** Seconds as the contract shows them are derived from this. */
  durationMs: number | null
  /** True for `command` images, whose result has no output on success. */
  isImageRun: boolean
  log: string
  /** How often it has begun; 0: it waits for its first turn. A run that a crash interrupted, or the platform failed, begins again. */
  attempt: number
  startKind: StartKind | null
  coldReason: ColdReason | null
  phases: Phases | null
  worker: string | null
  memoryPeakMb: number | null
  cpuMs: number | null
  /** What was asked beside the run itself; null: nothing. */
  terms: Terms | null
  /** It does not begin before this: a delay, or the pause before the next try. */
  runAt: number | null
  /** Since when it is a dead letter: accepted, not successful, and not tried again by itself. */
  deadAt: number | null
  /** Null: its result goes nowhere. */
  delivery: Delivery | null
  /** When the result is to be delivered; null: not, or not any more. */
  deliverAt: number | null
  createdAt: number
  updatedAt: number | null
}

/** `bytes` is kept as base64 in `input`. */
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

/** Status an outcome is recorded as. */
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
  /** Dead letters and nothing else. */
  onlyDead?: boolean
}

/** What lists can be filtered by; the last six are ours. `created_at` is compared with Unix ms, `error` is JSON text. */
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
  /** Null: everything. */
  limit: number | null
  /** Id of the last row of the page before. */
  marker: string | null
  /** By time descending; default ascending. */
  newestFirst?: boolean
}

export interface FunctionCounts {
  /** Executions ever created. */
  count: number
  lastAt: number
}

/**
 * The ledger: the record of executions, and the queue of accepted ones. Writes are batched by a thread of their own;
 * reads see every write made before them (they wait for the batch in flight).
 */
export interface Ledger {
  /** A run that will happen whatever happens to this process: durable when the promise resolves. Returns false when a run of that id was accepted before. */
  accept(execution: Execution): Promise<boolean>
  /** A run that has begun. Written only when it lasts; see `settle`. */
  open(execution: Execution): void
  /** An accepted run is about to begin: its attempt is durable when the promise resolves, so that no crash makes one uncounted. */
  begun(execution: Execution): Promise<unknown>
  /**
   * The run is over, or (status still `running`: another try) its row changed. Written with the next batch; never waited
   * for. Does nothing when the row was deleted. `withoutInput`: the input that the row has goes.
   */
  close(execution: Execution, withoutInput?: boolean): void
  /** The run is over, and no record of it is kept. Written as `close` is, and tried again like it while the disk refuses. */
  drop(execution: Execution): void
  /** Every field of a run that is over is written; `running`: it is to run again. False when it is gone, or not over. Durable when it resolves. */
  rewrite(execution: Execution): Promise<boolean>
  /** Resolves when everything written so far is on disk. */
  flushed(): Promise<void>
  find(id: string): Promise<Execution | null>
  /** Without logs (empty strings). By created_at, then id, ascending; in slices so that a long list never blocks. */
  list(filter: ExecutionFilter, page: Page): AsyncIterable<Execution[]>
  /** Calls that have ended and began then or later, oldest first; in slices. */
  history(sinceMs: number): AsyncGenerator<PastCall[]>
  delete(id: string): Promise<boolean>
  /** Executions ever created, for a function version (0 = the function itself). Kept in memory, durable with the batches. */
  counts(functionId: string, version: number): FunctionCounts
  /** Accepted runs that have not ended, oldest first: what the queue goes on with after a start. */
  unfinished(): Execution[]
  /** Runs whose result is to be delivered, in the order in which that is due. */
  undelivered(): Execution[]
  /** Records as `error` every sync run that an earlier process left `running`. Returns how many. */
  settle(error: FunctionError): number
  /** Bytes of the records of a project, in steps; as of a moment ago at most. */
  recordBytes(projectId: string): Promise<number>
  /** Removes finished rows older than `maxAgeMs` and beyond `maxRowsPerProject`, in small steps; 0 keeps all. Returns how many. */
  prune(maxAgeMs: number, maxRowsPerProject: number, maxBytesOf?: (projectId: string) => number | null): Promise<number>
  vitals(): LedgerVitals
  /** Dead letters older than `maxAgeMs`, and the oldest of a project beyond `maxPerProject`, are plain records from now on. Returns how many. */
  pruneDead(maxAgeMs: number, maxPerProject: number): Promise<number>
  /** Writes what is left, then stops. */
  end(): Promise<void>
}
