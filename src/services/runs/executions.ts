import type { Clock } from '../../domain/clock.ts'
import { invalid, notFound } from '../../domain/errors.ts'
import { canonicalUuid } from '../../domain/ids.ts'
import type { ListQuery } from '../../domain/list.ts'
import { canSee, type Principal, refuseOtherFunctions, requireAdmin } from '../../domain/platform/principal.ts'
import type { Caller } from '../../domain/platform/worker.ts'
import type { Condition, Execution, Ledger } from '../../domain/runs/execution.ts'
import type { PastCall } from '../../domain/runs/history.ts'
import { inputFromText } from '../../domain/runs/input.ts'
import type { Log } from '../../domain/runs/log.ts'
import { maxDelayMs, type RunOptions } from '../../domain/runs/run-options.ts'
import { refuseOtherDestinations, refuseQueuesOfCall } from '../functions/function-token-limits.ts'
import { refuseQueues } from '../functions/refuse-queues.ts'
import type { TargetRef, Targets } from '../functions/targets.ts'
import type { AsyncRequests } from './async-requests.ts'
import type { Invocation } from './invocation.ts'

export interface NewExecution extends TargetRef {
  /** As in the contract: text that may be JSON. */
  input?: string | null
  /** Default true: respond when the run is over. */
  sync?: boolean | null
  description?: string | null
  /** The caller's header `traceparent`. */
  traceparent?: string | undefined
  /** How an accepted run is retried and delivered. */
  terms?: RunOptions | undefined
  /** Delay before it begins. */
  delayMs?: number | undefined
}

/** How the caller of an accepted run waits. */
export interface AcceptedWait {
  /** Null: until the end. */
  ms: number | null
  left: AbortSignal
}

export interface ExecutionsParts {
  ledger: Ledger
  invocation: Invocation
  asyncRequests: AsyncRequests
  targets: Targets
  hasKeystone: boolean
  /** Limit of bytes for a project's records; null: none. */
  maxBytesOf?(projectId: string): number | null
  retention: {
    /** 0 keeps all. */
    keepExecutionsDays: number
    keepExecutionsPerProject: number
    keepDeadLettersDays: number
    keepDeadLettersPerProject: number
  }
  clock: Pick<Clock, 'now'>
  log: Log
}

const dayMs = 86_400_000

/** Creates runs and keeps their records. */
export class Executions {
  #parts: ExecutionsParts

  constructor(parts: ExecutionsParts) {
    this.#parts = parts
  }

  /** Accepts the run with its terms, then waits. Returns the run as it is then. */
  async ask(who: Principal, given: NewExecution, { ms, left }: AcceptedWait): Promise<Execution> {
    const { targets, asyncRequests } = this.#parts
    const request = this.#requested(who, given)
    const destinations = [given.terms?.onSuccess, given.terms?.onFailure]
    refuseOtherDestinations(targets, who, destinations)
    refuseQueuesOfCall(who, destinations)
    refuseQueues({ hasKeystone: this.#parts.hasKeystone, hasTrust: request.target.fn.trustId !== null }, destinations)
    const accepted = await asyncRequests.accept({ ...request, trigger: 'async', terms: this.#termsOf(given) })
    const execution = await asyncRequests.waitFor(accepted, ms, left)
    return execution ?? this.get(who, accepted.id)
  }

  /** The run when it is over, or as it is after `ms`. */
  async wait(who: Principal, id: string, { ms, left }: AcceptedWait): Promise<Execution> {
    const execution = await this.#parts.asyncRequests.waitFor(await this.get(who, id), ms, left)
    if (execution === null) throw notFound('Execution', id)
    return execution
  }

  /**
   * A waiting run does not begin; an active one gets a cancel signal and is ended after the grace. Returns the run as it is then.
   */
  async cancel(who: Principal, id: string): Promise<Execution> {
    const { status } = await this.get(who, id)
    if (status === 'running') this.#parts.invocation.cancel(id)
    return this.get(who, id)
  }

  /**
   * Returns the run as it ended, or as it was accepted; `caller`: waits for its end. Throws FaasError when it cannot begin; a
   * failed run is a result.
   */
  async create(who: Principal, given: NewExecution, caller?: Caller): Promise<Execution> {
    const { invocation } = this.#parts
    const request = this.#requested(who, given)
    const isSync = given.sync ?? true
    const made = isSync
      ? await invocation.run({ ...request, trigger: 'api', caller })
      : await invocation.accept({ ...request, trigger: 'async' })
    return made.execution
  }

  /** Throws FaasError for a target that does not exist, or is not the caller's. */
  #requested(who: Principal, given: NewExecution) {
    const target = this.#parts.targets.resolve(who, given)
    refuseOtherFunctions(who, target.fn.id)
    return {
      target,
      from: who.from,
      projectId: who.projectId,
      input: inputFromText(given.input, target.revision.signature),
      description: given.description,
      traceparent: given.traceparent,
    }
  }

  /** Without logs, in slices. A condition on `function_id` may use the function's name. */
  list(who: Principal, { filter, page }: ListQuery): AsyncIterable<Execution[]> {
    const conditions = [...filter.conditions.map((one) => this.#withFunctionId(who, one)), ...onlyOfFunction(who)]
    return this.#parts.ledger.list({ ...filter, conditions }, page)
  }

  /** Finished calls of the whole server, in slices: input of the simulator. */
  history(who: Principal, sinceMs: number): AsyncGenerator<PastCall[]> {
    requireAdmin(who, 'Reading the history of all calls')
    return this.#parts.ledger.history(sinceMs)
  }

  async get(who: Principal, id: string): Promise<Execution> {
    const execution = await this.#parts.ledger.find(id)
    const isOthers = who.onlyFunction !== undefined && who.onlyFunction !== execution?.functionId
    if (execution === null || isOthers || !canSee(who, execution.projectId)) throw notFound('Execution', id)
    return execution
  }

  /** Whether a run with this id exists in any project. */
  async has(id: string): Promise<boolean> {
    return (await this.#parts.ledger.find(id)) !== null
  }

  /**
   * The output of the run, after a line with its id: so a log is never a single JSON value, which the `openstack` command cannot
   * show. Null while there is no output.
   */
  async log(who: Principal, id: string): Promise<string | null> {
    const execution = await this.get(who, id)
    const log = this.#parts.invocation.live(id)?.log ?? execution.log
    if (log === '' && execution.status === 'running') return null
    return `Execution ${id}\n${log}`
  }

  /** In any status. A waiting run does not begin; an active one continues and leaves no record. */
  async delete(who: Principal, id: string): Promise<void> {
    const { status } = await this.get(who, id)
    if (status === 'running') this.#parts.invocation.forget(id)
    await this.#parts.ledger.delete(id)
  }

  /** Removes records beyond the age or size to keep. Returns their number. */
  async prune(): Promise<number> {
    const { keepExecutionsDays, keepExecutionsPerProject, keepDeadLettersDays, keepDeadLettersPerProject } =
      this.#parts.retention
    const { ledger, log, maxBytesOf } = this.#parts
    const dead = await ledger.pruneDead(keepDeadLettersDays * dayMs, keepDeadLettersPerProject)
    if (dead > 0) log.warn({ executions: dead }, 'dead letters are kept no longer: they are plain records')
    return ledger.prune(keepExecutionsDays * dayMs, keepExecutionsPerProject, maxBytesOf)
  }

  /** The run begins after the delay and not before the time, whichever is later. */
  #termsOf({ terms = {}, delayMs }: NewExecution): RunOptions | undefined {
    const now = this.#parts.clock.now()
    const runAtMs = Math.max(terms.runAtMs ?? 0, delayMs === undefined ? 0 : now + delayMs)
    if (runAtMs > now + maxDelayMs) throw invalid('"run_at" is more than a year away: make a job of it.')
    if (runAtMs > now) return { ...terms, runAtMs }
    return Object.keys(terms).length === 0 ? undefined : terms
  }

  #withFunctionId(who: Principal, condition: Condition): Condition {
    const [value] = condition.values
    if (condition.column !== 'function_id' || condition.op !== 'eq' || value === undefined) return condition
    const id = canonicalUuid(value) ?? this.#parts.targets.idOfFunction(who, value)
    return id === null ? condition : { ...condition, values: [id] }
  }
}

const onlyOfFunction = ({ onlyFunction }: Principal): Condition[] =>
  onlyFunction === undefined ? [] : [{ column: 'function_id', op: 'eq', values: [onlyFunction] }]
