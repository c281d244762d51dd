import { FaasError } from '../../domain/errors.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { Condition, Execution } from '../../domain/runs/execution.ts'
import type { Executions } from '../../services/runs/executions.ts'
import { activationRecord, logsOf, responseOf } from './activation-record.ts'
import type { Catalogue } from './catalogue.ts'
import { readName } from './names.ts'
import { pageOf, type WhiskAnswer, type WhiskCall } from './whisk-call.ts'
import { whiskBadRequest, whiskNotFound } from './whisk-error.ts'
import { executionIdOf } from './whisk-runs.ts'

/** Finished runs as activations. A running one is not listed yet, as in OpenWhisk. */
export class ActivationOperations {
  readonly #catalogue: Catalogue
  readonly #executions: Executions

  constructor({ catalogue, executions }: { catalogue: Catalogue; executions: Executions }) {
    this.#catalogue = catalogue
    this.#executions = executions
  }

  list = async ({ who, query }: WhiskCall): Promise<WhiskAnswer> => {
    const { limit, skip } = pageOf(query)
    const isWhole = query.get('docs') === 'true'
    const named = this.#named(who, query.get('name'))
    const found = named === null ? [] : await this.#found(who, [...named, ...timesIn(query)], skip, limit)
    const json: object[] = []
    for (const execution of found) json.push(await this.#shown(who, execution, isWhole))
    return { status: 200, json }
  }

  get = async ({ who, name }: WhiskCall): Promise<WhiskAnswer> => {
    return { status: 200, json: this.#record(who, await this.#over(who, name)) }
  }

  logs = async ({ who, name }: WhiskCall): Promise<WhiskAnswer> => {
    const execution = await this.#over(who, name)
    const entity = this.#catalogue.ofFunction(who, execution.functionId)
    return { status: 200, json: { logs: logsOf(execution, entity, execution.updatedAt ?? execution.createdAt) } }
  }

  result = async ({ who, name }: WhiskCall): Promise<WhiskAnswer> => {
    const execution = await this.#over(who, name)
    const timeoutMs = this.#catalogue.ofFunction(who, execution.functionId)?.fields.limits?.timeout ?? 0
    return { status: 200, json: responseOf(execution, timeoutMs) }
  }

  async #over(who: Principal, activationId: string): Promise<Execution> {
    const execution = await this.#get(who, executionIdOf(activationId))
    if (execution.status === 'running') throw whiskNotFound()
    return execution
  }

  async #get(who: Principal, id: string): Promise<Execution> {
    try {
      return await this.#executions.get(who, id)
    } catch (error) {
      if (error instanceof FaasError && error.code === 'not_found') throw whiskNotFound()
      throw error
    }
  }

  async #found(who: Principal, conditions: Condition[], skip: number, limit: number): Promise<Execution[]> {
    const page = { limit: null, marker: null, newestFirst: true }
    const found: Execution[] = []
    let passed = 0
    for await (const slice of this.#executions.list(who, { filter: { projectId: who.projectId, conditions }, page })) {
      for (const execution of slice) {
        if (execution.status === 'running' || passed++ < skip) continue
        found.push(execution)
        if (found.length === limit) return found
      }
    }
    return found
  }

  /** Lists do not contain logs. */
  async #shown(who: Principal, execution: Execution, isWhole: boolean): Promise<object> {
    return this.#record(who, isWhole ? await this.#get(who, execution.id) : execution, isWhole)
  }

  #record(who: Principal, execution: Execution, withResult = true): object {
    const entity = this.#catalogue.ofFunction(who, execution.functionId)
    return activationRecord(execution, entity, who.projectId, withResult)
  }

  /** Null: there is no such action. */
  #named(who: Principal, name: string | null): Condition[] | null {
    if (name === null || name === '') return []
    const action = this.#catalogue.perhapsAction(who, readName(name))
    return action === null ? null : [{ column: 'function_id', op: 'eq', values: [action.fn.id] }]
  }
}

function timesIn(query: URLSearchParams): Condition[] {
  return (
    [
      ['since', 'gte'],
      ['upto', 'lte'],
    ] as const
  ).flatMap(([name, op]) => {
    const text = query.get(name)
    if (text === null || text === '' || text === '0') return []
    if (!/^\d{1,15}$/.test(text)) throw whiskBadRequest(`The query parameter '${name}' must be a time in milliseconds.`)
    return [{ column: 'created_at' as const, op, values: [text] }]
  })
}
