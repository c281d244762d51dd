import type { WhiskEntity, WhiskRule } from '../../domain/functions/openwhisk.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { describedAfter } from './action-fields.ts'
import { entityRecord } from './action-record.ts'
import type { Catalogue } from './catalogue.ts'
import { checkedName, namespaceOf, partsOf, readName } from './names.ts'
import type { RuleJobs } from './rule-jobs.ts'
import { objectIn, pageOf, type WhiskAnswer, type WhiskBody, type WhiskCall } from './whisk-call.ts'
import { whiskBadRequest } from './whisk-error.ts'

interface Parts {
  catalogue: Catalogue
  ruleJobs: RuleJobs
}

/** Rules: while a rule is active, its action runs when its trigger fires. */
export class RuleOperations {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  list = ({ who, query }: WhiskCall): WhiskAnswer => {
    const { limit, skip } = pageOf(query)
    const all = this.#parts.catalogue.list(who, 'rule').slice(skip, skip + limit)
    return { status: 200, json: all.map((entity) => ruleRecord(who.projectId, entity)) }
  }

  get = ({ who, name }: WhiskCall): WhiskAnswer => {
    return { status: 200, json: ruleRecord(who.projectId, this.#parts.catalogue.get(who, 'rule', name)) }
  }

  put = async ({ who, name, query, body }: WhiskCall): Promise<WhiskAnswer> => {
    const { catalogue } = this.#parts
    const before = catalogue.before(who, 'rule', checkedName(name), query.get('overwrite') === 'true')
    const given = objectIn(body)
    const was = before?.fields.rule
    const rule: WhiskRule = {
      trigger: given.trigger === undefined ? (was?.trigger ?? '') : nameIn(given.trigger),
      action: given.action === undefined ? (was?.action ?? '') : nameIn(given.action),
      status: statusIn(given.status, was?.status ?? 'active'),
      job: was?.job ?? null,
    }
    this.#checkEnds(who, rule)
    const fields = { ...describedAfter(given, before?.fields ?? null), rule }
    return this.#written(who, before, name, fields)
  }

  switch = async ({ who, name, body }: WhiskCall): Promise<WhiskAnswer> => {
    const before = this.#parts.catalogue.get(who, 'rule', name)
    const { status } = objectIn(body)
    const rule = { ...(before.fields.rule as WhiskRule), status: statusIn(status, null) }
    return this.#written(who, before, name, { ...before.fields, rule })
  }

  delete = async ({ who, name }: WhiskCall): Promise<WhiskAnswer> => {
    return { status: 200, json: ruleRecord(who.projectId, await this.#parts.ruleJobs.remove(who, name)) }
  }

  /** The rule is not stored when its job cannot be created. */
  async #written(
    who: Principal,
    before: WhiskEntity | null,
    name: string,
    fields: WhiskEntity['fields'],
  ): Promise<WhiskAnswer> {
    const { catalogue, ruleJobs } = this.#parts
    const entity = catalogue.write(who, before, { kind: 'rule', name, fields })
    try {
      await ruleJobs.settle(who)
    } catch (error) {
      if (before === null) catalogue.delete(entity)
      else catalogue.put(before)
      throw error
    }
    return { status: 200, json: ruleRecord(who.projectId, entity) }
  }

  #checkEnds(who: Principal, { trigger, action }: WhiskRule): void {
    if (this.#parts.catalogue.perhaps(who, 'trigger', trigger) === null) {
      throw whiskBadRequest(`The trigger ${JSON.stringify(trigger)} of the rule does not exist: make it first.`)
    }
    if (this.#parts.catalogue.perhapsAction(who, action) === null) {
      throw whiskBadRequest(`The action ${JSON.stringify(action)} of the rule does not exist: make it first.`)
    }
  }
}

/** A name, or an object with path and name. */
function nameIn(given: unknown): string {
  if (typeof given !== 'object' || given === null) return readName(given)
  const { path, name } = given as WhiskBody
  return readName(`/${path}/${name}`)
}

function statusIn(given: unknown, usual: WhiskRule['status'] | null): WhiskRule['status'] {
  if (given === 'active' || given === 'inactive') return given
  if (usual !== null && (given === undefined || given === null || given === '')) return usual
  throw whiskBadRequest(`The status of a rule must be "active" or "inactive", and not ${JSON.stringify(given)}.`)
}

function ruleRecord(project: string, entity: WhiskEntity): Record<string, unknown> {
  const { parameters: _none, ...shown } = entityRecord(project, entity)
  const { trigger = '', action = '', status } = entity.fields.rule ?? {}
  return {
    ...shown,
    status,
    trigger: { name: trigger, path: project },
    action: { name: partsOf(action).name, path: namespaceOf(project, action) },
  }
}
