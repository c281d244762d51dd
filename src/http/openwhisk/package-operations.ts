import type { KeyValue, WhiskEntity } from '../../domain/functions/openwhisk.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import { describedAfter, objectIn as fieldIn } from './action-fields.ts'
import type { ActionOperations } from './action-operations.ts'
import { entityRecord } from './action-record.ts'
import type { Action, Catalogue } from './catalogue.ts'
import { checkedName, partsOf } from './names.ts'
import { objectIn, pageOf, type WhiskAnswer, type WhiskBody, type WhiskCall } from './whisk-call.ts'
import { WhiskError, whiskBadRequest, whiskNotFound } from './whisk-error.ts'

/** Packages: prefixes of action names with parameters for all of them; a binding refers to another package. */
export class PackageOperations {
  readonly #catalogue: Catalogue
  readonly #actions: Pick<ActionOperations, 'refresh' | 'remove'>

  constructor({ catalogue, actions }: { catalogue: Catalogue; actions: Pick<ActionOperations, 'refresh' | 'remove'> }) {
    this.#catalogue = catalogue
    this.#actions = actions
  }

  list = ({ who, query }: WhiskCall): WhiskAnswer => {
    const { limit, skip } = pageOf(query)
    const all = this.#catalogue.list(who, 'package').slice(skip, skip + limit)
    return { status: 200, json: all.map((entity) => packageRecord(who.projectId, entity)) }
  }

  get = ({ who, name }: WhiskCall): WhiskAnswer => {
    const entity = this.#catalogue.get(who, 'package', name)
    const { binding } = entity.fields
    const provider = binding ? this.#catalogue.perhaps(who, 'package', binding.name) : null
    const { annotations, parameters } = entity.fields
    const shown = {
      ...packageRecord(who.projectId, entity),
      annotations: joined(provider?.fields.annotations ?? [], annotations),
      parameters: joined(provider?.fields.parameters ?? [], parameters),
      actions: this.#actionsIn(who, provider?.name ?? name).map(({ entity }) => actionShown(entity)),
      feeds: [],
    }
    return { status: 200, json: shown }
  }

  put = async ({ who, name, query, body }: WhiskCall): Promise<WhiskAnswer> => {
    const before = this.#catalogue.before(who, 'package', checkedName(name), query.get('overwrite') === 'true')
    const given = objectIn(body)
    const binding = given.binding === undefined ? (before?.fields.binding ?? null) : this.#bindingIn(who, name, given)
    if (binding !== null && before !== null && this.#actionsIn(who, name).length > 0) {
      throw new WhiskError(409, 'Resource is a package and not a package binding: it has actions.')
    }
    const fields = { ...describedAfter(given, before?.fields ?? null), binding }
    const entity = this.#catalogue.write(who, before, { kind: 'package', name, fields })
    const haveChanged = JSON.stringify(fields.parameters) !== JSON.stringify(before?.fields.parameters ?? [])
    if (haveChanged) for (const action of this.#actionsIn(who, name)) await this.#actions.refresh(who, action)
    return { status: 200, json: packageRecord(who.projectId, entity) }
  }

  delete = async ({ who, name, query }: WhiskCall): Promise<WhiskAnswer> => {
    const entity = this.#catalogue.get(who, 'package', name)
    const actions = this.#actionsIn(who, name)
    if (actions.length > 0 && query.get('force') !== 'true') {
      throw new WhiskError(
        409,
        `Package not empty (contains ${actions.length} ${actions.length === 1 ? 'entity' : 'entities'}). Set force param or delete package contents.`,
      )
    }
    for (const { entity, fn } of actions) await this.#actions.remove(who, entity, fn.id)
    this.#catalogue.delete(entity)
    return { status: 200, json: packageRecord(who.projectId, entity) }
  }

  /** There are no shared packages to refresh. */
  refresh = ({ name }: WhiskCall): WhiskAnswer => {
    if (name !== 'refresh') throw whiskNotFound()
    return { status: 204 }
  }

  #actionsIn(who: Principal, name: string): Action[] {
    return this.#catalogue.actions(who).filter(({ entity }) => partsOf(entity.name).pkg === name)
  }

  /** Null: the package is no binding. */
  #bindingIn(who: Principal, own: string, given: WhiskBody): { namespace: string; name: string } | null {
    const { namespace, name } = given.binding === null ? {} : (fieldIn('binding', given.binding) as WhiskBody)
    if (namespace === undefined && name === undefined) return null
    if (namespace !== '_' && namespace !== who.projectId) {
      throw whiskBadRequest('Binding references a package of another namespace: only your own can be bound here.')
    }
    const provider = typeof name === 'string' ? this.#catalogue.perhaps(who, 'package', name) : null
    if (provider === null || provider.name === own)
      throw whiskBadRequest('Binding references a package that does not exist.')
    if (provider.fields.binding) throw whiskBadRequest('Cannot bind to another package binding.')
    return { namespace: who.projectId, name: provider.name }
  }
}

const packageRecord = (project: string, entity: WhiskEntity): Record<string, unknown> => ({
  ...entityRecord(project, entity),
  binding: entity.fields.binding ?? {},
})

const actionShown = ({ name, writes, fields }: WhiskEntity): object => ({
  name: partsOf(name).name,
  version: `0.0.${writes}`,
  annotations: fields.annotations,
  parameters: fields.parameters,
})

/** Later entries win. */
function joined(first: KeyValue[], then: KeyValue[]): KeyValue[] {
  return [...first.filter(({ key }) => then.every((one) => one.key !== key)), ...then]
}
