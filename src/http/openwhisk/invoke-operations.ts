import type { Finished } from '../../services/runs/invocation.ts'
import { activationRecord, responseOf } from './activation-record.ts'
import type { Action, Catalogue } from './catalogue.ts'
import { numberIn, type WhiskAnswer, type WhiskBody, type WhiskCall } from './whisk-call.ts'
import { whiskBadRequest } from './whisk-error.ts'
import { activationIdOf, type WhiskRuns } from './whisk-runs.ts'

/** How long a blocking call waits before the response is only its id. */
export const defaultWaitMs = 60_000
/** Longer than OpenWhisk allows, because a sequence waits for its actions. */
const mostWaitMs = 900_000

/** HTTP status of a blocking call by the status code of its activation. */
const statuses = [200, 502, 502, 500] as const

/** Invokes actions. */
export class InvokeOperations {
  readonly #catalogue: Catalogue
  readonly #runs: WhiskRuns

  constructor({ catalogue, runs }: { catalogue: Catalogue; runs: WhiskRuns }) {
    this.#catalogue = catalogue
    this.#runs = runs
  }

  invoke = async (call: WhiskCall): Promise<WhiskAnswer> => {
    const { who, query } = call
    const action = this.#catalogue.action(who, call.name)
    const request = this.#runs.request(who, action, paramsIn(call.body))
    const activationId = activationIdOf(request.executionId)
    const headers = { 'X-Openwhisk-Activation-Id': activationId }
    const accepted = { status: 202, json: { activationId }, headers }
    if (query.get('blocking') !== 'true') {
      await this.#runs.accept(request)
      return accepted
    }
    const finished = await this.#runs.run(request, numberIn(query, 'timeout', defaultWaitMs, 1, mostWaitMs))
    if (finished === null) return accepted
    return { ...this.#answer(call, action, finished, query.get('result') === 'true'), headers }
  }

  #answer({ who }: WhiskCall, { entity }: Action, { execution }: Finished, isBare: boolean): WhiskAnswer {
    const response = responseOf(execution, entity.fields.limits?.timeout ?? 0)
    const status = statuses[response.statusCode]
    if (isBare) return { status, json: response.result }
    return { status, json: activationRecord(execution, entity, who.projectId) }
  }
}

/** An object or an array; an empty body is an empty object. Throws WhiskError. */
function paramsIn(body: Buffer): WhiskBody | unknown[] {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as WhiskBody
  } catch (error) {
    throw whiskBadRequest(`The request content was malformed: ${(error as Error).message}`)
  }
  throw whiskBadRequest('The request content was malformed: parameters must be a JSON object or an array.')
}
