import type { WhiskEntity } from '../../domain/functions/openwhisk.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { describedAfter } from './action-fields.ts'
import { entityRecord } from './action-record.ts'
import type { Catalogue } from './catalogue.ts'
import { objectOf } from './key-values.ts'
import { checkedName, namespaceOf, partsOf } from './names.ts'
import type { RuleJobs } from './rule-jobs.ts'
import { objectIn, pageOf, type WhiskAnswer, type WhiskBody, type WhiskCall } from './whisk-call.ts'
import { activationIdOf, type WhiskRuns } from './whisk-runs.ts'

interface Parts {
  catalogue: Catalogue
  runs: WhiskRuns
  ruleJobs: RuleJobs
}

/** Triggers: named events that a call or an alarm fires; active rules decide which actions run. */
export class TriggerOperations {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  list = ({ who, query }: WhiskCall): WhiskAnswer => {
    const { limit, skip } = pageOf(query)
    const all = this.#parts.catalogue.list(who, 'trigger').slice(skip, skip + limit)
    return { status: 200, json: all.map((entity) => entityRecord(who.projectId, entity)) }
  }

  get = ({ who, name }: WhiskCall): WhiskAnswer => {
    return { status: 200, json: this.#record(who, this.#parts.catalogue.get(who, 'trigger', name)) }
  }

  put = async ({ who, name, query, body }: WhiskCall): Promise<WhiskAnswer> => {
    const { catalogue, ruleJobs } = this.#parts
    const before = catalogue.before(who, 'trigger', checkedName(name), query.get('overwrite') === 'true')
    const fields = { ...before?.fields, ...describedAfter(objectIn(body), before?.fields ?? null) }
    const entity = catalogue.write(who, before, { kind: 'trigger', name, fields })
    await ruleJobs.settle(who)
    return { status: 200, json: this.#record(who, entity) }
  }

  delete = async ({ who, name }: WhiskCall): Promise<WhiskAnswer> => {
    const { catalogue, ruleJobs } = this.#parts
    const entity = catalogue.get(who, 'trigger', name)
    const json = this.#record(who, entity)
    catalogue.delete(entity)
    await ruleJobs.settle(who)
    return { status: 200, json }
  }

  /** The activation id is that of the first action: the trigger itself runs nothing. */
  fire = async ({ who, name, body }: WhiskCall): Promise<WhiskAnswer> => {
    const { catalogue } = this.#parts
    const trigger = catalogue.get(who, 'trigger', name)
    const params = { ...objectOf(trigger.fields.parameters), ...objectIn(body) }
    const active = this.#rulesOf(who, name).filter(({ fields }) => fields.rule?.status === 'active')
    const actions = active.flatMap(({ fields }) => catalogue.perhapsAction(who, fields.rule?.action ?? '') ?? [])
    if (actions.length === 0) return { status: 204 }
    const ids = await this.#accepted(actions.map((action) => () => this.#run(who, action, params)))
    return { status: 202, json: { activationId: activationIdOf(ids[0] as string) } }
  }

  async #run(who: Principal, action: Parameters<WhiskRuns['request']>[1], params: WhiskBody): Promise<string> {
    const request = this.#parts.runs.request(who, action, params)
    await this.#parts.runs.accept(request)
    return request.executionId
  }

  /** A refused action does not stop the others; when all are refused, the call fails. */
  async #accepted(runs: (() => Promise<string>)[]): Promise<string[]> {
    const settled = await Promise.allSettled(runs.map((run) => run()))
    const ids = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    if (ids.length === 0) throw (settled[0] as PromiseRejectedResult).reason
    return ids
  }

  #rulesOf(who: Principal, trigger: string): WhiskEntity[] {
    return this.#parts.catalogue.list(who, 'rule').filter(({ fields }) => fields.rule?.trigger === trigger)
  }

  #record(who: Principal, entity: WhiskEntity): Record<string, unknown> {
    const rules = this.#rulesOf(who, entity.name).map(({ name, fields: { rule } }) => {
      const action = rule?.action ?? ''
      const about = {
        action: { name: partsOf(action).name, path: namespaceOf(who.projectId, action) },
        status: rule?.status,
      }
      return [`${who.projectId}/${name}`, about]
    })
    return { ...entityRecord(who.projectId, entity), limits: {}, rules: Object.fromEntries(rules) }
  }
}
