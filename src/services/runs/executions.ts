import { notFound } from '../../domain/errors.ts'
import type { Condition, Execution, Ledger } from '../../domain/execution.ts'
import type { PastCall } from '../../domain/history.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import { inputFromText } from '../../domain/input.ts'
import type { ListQuery } from '../../domain/list.ts'
import { canSee, type Principal, requireAdmin } from '../../domain/principal.ts'
import type { Caller } from '../../domain/worker.ts'
import type { TargetRef, Targets } from '../functions/targets.ts'
import type { Invocation } from './invocation.ts'

export interface NewExecution extends TargetRef {
  /** As the contract has it: text that may be JSON. */
  input?: string | null
  /** Default true: answer when the run is over. */
  sync?: boolean | null
  description?: string | null
}

export interface ExecutionsParts {
  ledger: Ledger
  invocation: Invocation
  targets: Targets
  retention: {
    /** 0 keeps all. */
    keepExecutionsDays: number
    keepExecutionsPerProject: number
  }
}

const dayMs = 86_400_000

/** Makes runs, and keeps the record of them. */
export class Executions {
  #parts: ExecutionsParts

  constructor(parts: ExecutionsParts) {
    this.#parts = parts
  }

  /** The run as it ended, or as it was accepted; `caller`: who waits for its end. Throws FaasError when it cannot begin; a failed run is a result. */
  async create(who: Principal, given: NewExecution, caller?: Caller): Promise<Execution> {
    const { targets, invocation } = this.#parts
    const target = targets.resolve(who, given)
    const request = {
      target,
      projectId: who.projectId,
      input: inputFromText(given.input, target.revision.signature),
      description: given.description,
    }
    const isSync = given.sync ?? true
    const made = isSync
      ? await invocation.run({ ...request, trigger: 'api', caller })
      : await invocation.accept({ ...request, trigger: 'async' })
    return made.execution
  }

  /** Without logs, in slices. A condition on `function_id` may name the function. */
  list(who: Principal, { filter, page }: ListQuery): AsyncIterable<Execution[]> {
    const conditions = filter.conditions.map((condition) => this.#withFunctionId(who, condition))
    return this.#parts.ledger.list({ ...filter, conditions }, page)
  }

  /** Calls of the whole server that have ended, in slices: what the simulator works with. */
  history(who: Principal, sinceMs: number): AsyncGenerator<PastCall[]> {
    requireAdmin(who, 'Reading the history of all calls')
    return this.#parts.ledger.history(sinceMs)
  }

  async get(who: Principal, id: string): Promise<Execution> {
    const execution = await this.#parts.ledger.find(id)
    if (execution === null || !canSee(who, execution.projectId)) throw notFound('Execution', id)
    return execution
  }

  /** Whether there is a run with this id, whoever's. */
  async has(id: string): Promise<boolean> {
    return (await this.#parts.ledger.find(id)) !== null
  }

  /**
   * What the run printed, below a line with its id: so a log is never one JSON value, which the `openstack` command cannot
   * show. Null while there is nothing.
   */
  async log(who: Principal, id: string): Promise<string | null> {
    const execution = await this.get(who, id)
    const log = this.#parts.invocation.live(id)?.log ?? execution.log
    if (log === '' && execution.status === 'running') return null
    return `Execution ${id}\n${log}`
  }

  /** In any status. A run that waits does not begin any more; one that runs goes on, and leaves no record. */
  async delete(who: Principal, id: string): Promise<void> {
    const { status } = await this.get(who, id)
    if (status === 'running') this.#parts.invocation.forget(id)
    await this.#parts.ledger.delete(id)
  }

  /** Removes what is older or more than is kept. Returns how many. */
  async prune(): Promise<number> {
    const { keepExecutionsDays, keepExecutionsPerProject } = this.#parts.retention
    return this.#parts.ledger.prune(keepExecutionsDays * dayMs, keepExecutionsPerProject)
  }

  #withFunctionId(who: Principal, condition: Condition): Condition {
    const [value] = condition.values
    if (condition.column !== 'function_id' || condition.op !== 'eq' || value === undefined) return condition
    const id = canonicalUuid(value) ?? this.#parts.targets.idOfFunction(who, value)
    return id === null ? condition : { ...condition, values: [id] }
  }
}
