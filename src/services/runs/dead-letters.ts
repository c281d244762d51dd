import { FaasError, invalid, notFound } from '../../domain/errors.ts'
import { type Signature, signatureNames } from '../../domain/functions/signature.ts'
import type { ListQuery } from '../../domain/list.ts'
import { canSee, type Principal } from '../../domain/platform/principal.ts'
import type { Execution, ExecutionFilter, Ledger } from '../../domain/runs/execution.ts'
import { inputAsText, inputFromText } from '../../domain/runs/input.ts'
import type { Targets } from '../functions/targets.ts'
import { reopenRecord } from './execution-record.ts'
import type { Invocation } from './invocation.ts'

export interface DeadLettersParts {
  ledger: Pick<Ledger, 'list' | 'find' | 'rewrite'>
  invocation: Pick<Invocation, 'redrive'>
  targets: Pick<Targets, 'idOfFunction' | 'resolveIn'>
  now(): number
}

/** The result of an operation on many dead letters. */
export interface BulkResult {
  done: number
  /** The number that did not fit into the queue. */
  left: number
}

/**
 * Dead letters: accepted runs that did not succeed and are not retried automatically. They can be inspected, edited, run again,
 * or dropped.
 */
export class DeadLetters {
  #parts: DeadLettersParts

  constructor(parts: DeadLettersParts) {
    this.#parts = parts
  }

  /** Without logs, in slices. A condition on `function_id` may use the function's name. */
  list(who: Principal, { filter, page }: ListQuery): AsyncIterable<Execution[]> {
    return this.#parts.ledger.list(this.#dead(who, filter), page)
  }

  async get(who: Principal, id: string): Promise<Execution> {
    const execution = await this.#parts.ledger.find(id)
    if (execution === null || execution.deadAt === null || !canSee(who, execution.projectId)) {
      throw notFound('Dead letter', id)
    }
    return execution
  }

  /** Replaces its input. */
  async edit(who: Principal, id: string, input: string | null): Promise<Execution> {
    return this.#rewritten({ ...(await this.get(who, id)), ...this.#input(await this.get(who, id), input) })
  }

  /** Runs it again under its id, as if it were new; with another input if one is given. Throws FaasError `queue_full`. */
  async redrive(who: Principal, id: string, input?: string | null): Promise<Execution> {
    const dead = await this.get(who, id)
    return this.#redriven(input === undefined ? dead : { ...dead, ...this.#input(dead, input) })
  }

  /** Runs all matches again, oldest first, until the queue is full. */
  async redriveAll(who: Principal, query: ListQuery): Promise<BulkResult> {
    const ids = await this.#found(who, query)
    for (const [done, id] of ids.entries()) {
      try {
        await this.redrive(who, id)
      } catch (error) {
        if (error instanceof FaasError && error.code === 'queue_full') return { done, left: ids.length - done }
        if (!(error instanceof FaasError) || error.code !== 'not_found') throw error
      }
    }
    return { done: ids.length, left: 0 }
  }

  /** The record stays, but it is no longer a dead letter. */
  async drop(who: Principal, id: string): Promise<void> {
    await this.#rewritten({ ...(await this.get(who, id)), deadAt: null })
  }

  async dropAll(who: Principal, query: ListQuery): Promise<BulkResult> {
    const ids = await this.#found(who, query)
    for (const id of ids) {
      await this.drop(who, id).catch((error: unknown) => {
        if (!(error instanceof FaasError) || error.code !== 'not_found') throw error
      })
    }
    return { done: ids.length, left: 0 }
  }

  /** An operation on many must have a filter. */
  async #found(who: Principal, { filter, page }: ListQuery): Promise<string[]> {
    if (filter.conditions.length === 0) {
      throw invalid(
        'Choose the dead letters by function_id, status or another filter; created_at=gte:1970-01-01 means all.',
      )
    }
    const ids: string[] = []
    for await (const slice of this.#parts.ledger.list(this.#dead(who, filter), page)) {
      ids.push(...slice.map(({ id }) => id))
    }
    return ids
  }

  #dead(who: Principal, filter: ExecutionFilter): ExecutionFilter {
    const conditions = filter.conditions.map((condition) => {
      const [value] = condition.values
      if (condition.column !== 'function_id' || condition.op !== 'eq' || value === undefined) return condition
      return { ...condition, values: [this.#parts.targets.idOfFunction(who, value) ?? value] }
    })
    return { ...filter, conditions, onlyDead: true }
  }

  async #redriven(dead: Execution): Promise<Execution> {
    const fresh: Execution = {
      ...dead,
      ...{ attempt: 0, log: '', phases: null, worker: null, startKind: null, coldReason: null },
      ...{ runAt: null, deadAt: null, delivery: null, deliverAt: null },
      terms: { ...dead.terms, runAtMs: this.#parts.now() },
    }
    reopenRecord(fresh)
    return (await this.#parts.invocation.redrive(fresh)).execution
  }

  async #rewritten(execution: Execution): Promise<Execution> {
    if (await this.#parts.ledger.rewrite(execution)) return execution
    throw notFound('Dead letter', execution.id)
  }

  /** The text is read as the input of a new execution is. */
  #input(execution: Execution, text: string | null): Pick<Execution, 'input' | 'inputKind'> {
    const input = inputFromText(text, this.#signatureOf(execution))
    return { input: inputAsText(input), inputKind: input.kind }
  }

  #signatureOf({ projectId, functionId, functionVersion }: Execution): Signature {
    try {
      return this.#parts.targets.resolveIn(projectId, { functionId, functionVersion }).revision.signature
    } catch {
      return signatureNames[0]
    }
  }
}
