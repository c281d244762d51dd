import { FaasError } from '../../domain/errors.ts'
import { idFrom } from '../../domain/ids.ts'
import type { Execution, Ledger } from '../../domain/runs/execution.ts'
import type { Invocation } from './invocation.ts'
import type { RunRequest } from './run-request.ts'

export interface AsyncRequestsParts {
  invocation: Pick<Invocation, 'accept' | 'untilOver'>
  ledger: Pick<Ledger, 'find'>
}

/** Runs that a caller wants to be accepted (queued): once for each idempotency key, and awaited as long as the caller wants. */
export class AsyncRequests {
  #parts: AsyncRequestsParts

  constructor(parts: AsyncRequestsParts) {
    this.#parts = parts
  }

  /**
   * Accepts the run, or returns the earlier run with the same idempotency key, project and function while its record exists.
   * Throws FaasError `conflict` when the earlier run had another input; `queue_full`.
   */
  async accept(request: RunRequest): Promise<Execution> {
    const { invocation, ledger } = this.#parts
    const key = request.terms?.key
    if (key === undefined) return (await invocation.accept(request)).execution
    const executionId = idOfKey(request.projectId, request.target.fn.id, key)
    const { execution, duplicate } = await invocation.accept({ ...request, executionId })
    if (!duplicate) return execution
    const first = await ledger.find(executionId)
    if (first === null) throw new FaasError('conflict', 'The run of this key was deleted just now; use another key.')
    if (first.input !== execution.input || first.inputKind !== execution.inputKind) {
      throw new FaasError('conflict', 'The key was used before, with another input: use another key for another run.')
    }
    return first
  }

  /** The run when it is over, or as it is at the timeout or when the caller leaves; null: it was deleted. */
  async waitFor(execution: Execution, ms: number | null, left: AbortSignal): Promise<Execution | null> {
    if (execution.status !== 'running' || ms === 0) return execution
    const enough = new AbortController()
    const times = ms === null ? [left, enough.signal] : [left, enough.signal, AbortSignal.timeout(ms)]
    const over = this.#parts.invocation.untilOver(execution.id, AbortSignal.any(times))
    // It may have ended between the lookup and the wait.
    const now = await this.#parts.ledger.find(execution.id)
    if (now?.status === 'running') await over
    enough.abort()
    return now?.status === 'running' ? this.#parts.ledger.find(execution.id) : now
  }
}

const idOfKey = (projectId: string, functionId: string, key: string): string =>
  idFrom('idempotency key', projectId, functionId, key)
