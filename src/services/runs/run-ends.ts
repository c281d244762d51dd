import type { Recording } from '../../domain/functions/function.ts'
import type { Revision } from '../../domain/platform/worker.ts'
import type { Execution, Ledger } from '../../domain/runs/execution.ts'
import type { Log } from '../../domain/runs/log.ts'
import { endLogFields, endLogLine, recordToKeep } from './execution-record.ts'
import type { RunEvents } from './run-events.ts'

export interface RunEndsParts {
  ledger: Ledger
  log: Log
  /** Called for every finished run with its revision, for statistics. Must be quick and not throw. */
  onEnd?(execution: Execution, revision: Revision | null): void
  /** Receives events of runs while somebody watches. */
  events?: RunEvents
  limits: { logExecutions: 'failed' | 'all' }
}

/** Handles the end of runs: the log, the record, and waiting callers. */
export class RunEnds {
  #parts: RunEndsParts
  /** Unfinished runs whose record was deleted: no record is written for them. */
  #forgotten = new Set<string>()
  /** Callbacks of those who wait for the end of a run, by its id. */
  #waiting = new Map<string, Set<() => void>>()

  constructor(parts: RunEndsParts) {
    this.#parts = parts
  }

  forget(executionId: string): void {
    this.#forgotten.add(executionId)
  }

  /** True once when the record of the run was deleted. */
  takeForgotten(executionId: string): boolean {
    return this.#forgotten.delete(executionId)
  }

  tell(execution: Execution): void {
    const { events } = this.#parts
    if (events?.isWatched) events.tell({ kind: 'execution', execution })
  }

  /** Writes one wide log line where configured, and the record unless it was deleted meanwhile. */
  finish(execution: Execution, revision: Revision | null): void {
    const { log, onEnd, limits } = this.#parts
    if (execution.status === 'error') log.warn(endLogFields(execution), 'execution ended')
    else if (execution.status === 'failed' || limits.logExecutions === 'all') {
      log.infoText(endLogLine(execution), 'execution ended')
    }
    onEnd?.(execution, revision)
    this.tell(execution)
    if (!this.#forgotten.delete(execution.id)) this.#record(execution, revision?.record ?? 'full')
    if (this.#waiting.size > 0) this.wake(execution.id)
  }

  /** Stores the part of the record that the function wants to keep. */
  #record(execution: Execution, recording: Recording): void {
    const { ledger } = this.#parts
    const kept = recordToKeep(execution, recording)
    if (kept === null) ledger.drop(execution)
    else ledger.close(kept, kept !== execution)
  }

  /** Calls `done` once when the run is over; the returned function unsubscribes. */
  onceOver(executionId: string, done: () => void): () => void {
    const waiting = this.#waiting.get(executionId) ?? new Set()
    this.#waiting.set(executionId, waiting.add(done))
    return () => {
      waiting.delete(done)
      if (waiting.size === 0) this.#waiting.delete(executionId)
    }
  }

  /** Nothing is left to wait for. */
  wake(executionId: string): void {
    const waiting = this.#waiting.get(executionId)
    this.#waiting.delete(executionId)
    for (const done of waiting ?? []) done()
  }
}
