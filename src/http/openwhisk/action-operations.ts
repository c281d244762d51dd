import type { Fn } from '../../domain/functions/function.ts'
import type { WhiskEntity, WhiskFields, WhiskLimits } from '../../domain/functions/openwhisk.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { NewFunction } from '../../services/functions/function-creation.ts'
import type { FunctionFields } from '../../services/functions/function-fields.ts'
import type { Functions } from '../../services/functions/functions.ts'
import { retainedFieldsOf, uniqueFieldsOf } from '../../services/functions/replacement.ts'
import type { Runtimes } from '../../services/platform/runtimes.ts'
import { type ActionCode, codeOf } from './action-code.ts'
import {
  codeIn,
  componentsOf,
  defaultWhiskLimits,
  environmentOf,
  fieldsAfter,
  functionFieldsOf,
} from './action-fields.ts'
import { actionRecord } from './action-record.ts'
import { onlyFileIn } from './archives.ts'
import type { Action, Catalogue } from './catalogue.ts'
import { imageKind } from './kinds.ts'
import { checkedName, functionNameOf, partsOf, readName } from './names.ts'
import { checkSequence } from './sequence.ts'
import { objectIn, pageOf, type WhiskAnswer, type WhiskCall } from './whisk-call.ts'
import { whiskBadRequest, whiskConflict, whiskNotFound } from './whisk-error.ts'

export interface ActionOperationsParts {
  catalogue: Catalogue
  functions: Functions
  runtimes: Runtimes
  maxCodeBytes: number
  /** Called when an action was created or is about to be deleted; the jobs of its rules are adjusted. */
  onChange(who: Principal, gone?: string): Promise<void>
}

/** OpenWhisk's longest timeout of an action. */
const longestSequenceMs = 300_000

/** Creates, shows, changes and deletes actions in OpenWhisk's API. */
export class ActionOperations {
  readonly #parts: ActionOperationsParts

  constructor(parts: ActionOperationsParts) {
    this.#parts = parts
  }

  list = ({ who, query, name }: WhiskCall): WhiskAnswer => {
    const { limit, skip } = pageOf(query)
    const inPackage = (action: Action) => name === '' || partsOf(action.entity.name).pkg === name
    const all = this.#parts.catalogue.actions(who).filter(inPackage)
    const shown = all.slice(skip, skip + limit).map(({ entity }) => actionRecord(who.projectId, entity))
    return { status: 200, json: shown }
  }

  get = async (call: WhiskCall): Promise<WhiskAnswer> => {
    const { catalogue } = this.#parts
    const action = catalogue.action(call.who, call.name)
    const code = call.query.get('code') === 'false' ? undefined : await this.#code(call.who, action)
    return { status: 200, json: actionRecord(call.who.projectId, action.entity, code) }
  }

  put = async (call: WhiskCall): Promise<WhiskAnswer> => {
    const { who, name } = call
    const { catalogue } = this.#parts
    this.#checkPlace(who, name)
    const before = catalogue.perhapsAction(who, name)
    if (before !== null && call.query.get('overwrite') !== 'true') throw whiskConflict()
    const given = objectIn(call.body)
    const fields = fieldsAfter(given, before?.entity.fields ?? null, this.#usualLimits(who, name, given.exec))
    const text = codeIn(given.exec)
    const code = given.exec ? await codeOf(fields.exec, text, this.#parts.maxCodeBytes) : null
    const known = catalogue.perhaps(who, 'action', name)
    const fn = await this.#written(who, name, before, fields, code)
    const entity = catalogue.write(who, known, { kind: 'action', name, functionId: fn.id, fields })
    await this.#parts.onChange(who)
    return { status: 200, json: actionRecord(who.projectId, entity, text ?? undefined) }
  }

  delete = async (call: WhiskCall): Promise<WhiskAnswer> => {
    const { catalogue } = this.#parts
    const { entity, fn } = catalogue.action(call.who, call.name)
    await this.remove(call.who, entity, fn.id)
    return { status: 200, json: actionRecord(call.who.projectId, entity) }
  }

  async remove(who: Principal, entity: WhiskEntity, functionId: string): Promise<void> {
    const { onChange, functions } = this.#parts
    await onChange(who, entity.name)
    try {
      await functions.delete(who, functionId)
    } catch (error) {
      await onChange(who)
      throw error
    }
  }

  /** Updates the action after the defaults of its package changed; also used for its first write. */
  async refresh(who: Principal, { entity, fn, pkg }: Action): Promise<void> {
    const env = this.#environment(who, entity.name, fn.env, entity.writes, entity.fields, entity.fields, pkg)
    await this.#parts.functions.update(who, fn.id, { env, keepJobs: true })
  }

  /**
   * The default timeout of a sequence is the sum of its components', and its memory is small. Throws WhiskError when a component
   * is missing.
   */
  #usualLimits(who: Principal, name: string, exec: unknown): WhiskLimits {
    const components = componentsOf(exec)
    if (components === null) return defaultWhiskLimits
    const entityOf = (component: string): WhiskEntity => {
      const action = this.#parts.catalogue.perhapsAction(who, component)
      if (action === null) throw whiskBadRequest(`Sequence component does not exist: ${component}.`)
      return action.entity
    }
    if (this.#parts.catalogue.perhapsAction(who, name) !== null || !components.includes(name)) {
      checkSequence(name, components, (component) => {
        const entity = component === name ? { name, fields: { exec: undefined } } : entityOf(component)
        return { name: entity.name, components: entity.fields.exec?.components?.map(readName) ?? null }
      })
    }
    const timeouts = components.map(
      (component) => entityOf(component).fields.limits?.timeout ?? defaultWhiskLimits.timeout,
    )
    const timeout = Math.min(
      longestSequenceMs,
      timeouts.reduce((sum, one) => sum + one, 0),
    )
    return { ...defaultWhiskLimits, timeout, memory: 128 }
  }

  #checkPlace(who: Principal, name: string): void {
    const { pkg, name: own } = partsOf(name)
    checkedName(own)
    if (pkg === null) return
    const found = this.#parts.catalogue.perhaps(who, 'package', pkg)
    if (found === null) throw whiskNotFound()
    if (found.fields.binding)
      throw whiskBadRequest(`${pkg} is a binding: put the action into the package that it stands for.`)
  }

  async #written(
    who: Principal,
    name: string,
    before: Action | null,
    fields: WhiskFields,
    code: ActionCode | null,
  ): Promise<Fn> {
    const { functions, catalogue } = this.#parts
    const pkg = catalogue.perhaps(who, 'package', partsOf(name).pkg ?? '')
    const writes = (before?.entity.writes ?? 0) + 1
    const env = this.#environment(who, name, before?.fn.env ?? {}, writes, fields, before?.entity.fields ?? null, pkg)
    const { entry, memoryBytes, ...common } = functionFieldsOf(fields)
    const all = fields.exec?.kind === imageKind ? { ...common, env } : { ...common, entry, memoryBytes, env }
    const isSame = before !== null && (code === null || this.#runsIn(who, before.fn, code))
    if (isSame) return functions.update(who, before.fn.id, { ...all, ...sentAs(code, before.fn), keepJobs: true })
    const { runtime, signature, ...sent } = code as ActionCode
    const size = code?.runtime === undefined ? { memoryBytes } : {}
    const given = { ...all, ...size, ...sent, runtime, signature }
    return before === null
      ? functions.create(who, { name: functionNameOf(name), ...given })
      : this.#replaced(who, before, given)
  }

  /** What OpenWhisk has no words for stays. */
  #replaced(who: Principal, { entity, fn }: Action, given: NewFunction): Promise<Fn> {
    const { functions, onChange } = this.#parts
    const kept = retainedFieldsOf(fn, { isImage: given.runtime === undefined, said })
    const instead = { fn, aside: () => onChange(who, entity.name), back: () => onChange(who) }
    return functions.replace(who, instead, { ...kept, ...uniqueFieldsOf(fn), ...given })
  }

  #environment(
    { projectId: project }: Principal,
    name: string,
    before: Record<string, string>,
    writes: number,
    fields: WhiskFields,
    was: WhiskFields | null,
    pkg: WhiskEntity | null,
  ): Record<string, string> {
    return environmentOf(before, { name, project, writes, fields, was, pkg: pkg?.fields.parameters ?? [] })
  }

  /** Another language or image needs a new function. */
  #runsIn(who: Principal, fn: Fn, { runtime, code }: ActionCode): boolean {
    if (runtime === undefined) return JSON.stringify(fn.code) === JSON.stringify(code)
    return fn.runtimeId === this.#parts.runtimes.byNameOrId(who, runtime).id
  }

  async #code(who: Principal, { entity, fn }: Action): Promise<string | undefined> {
    if (fn.packageHash === null || entity.fields.exec?.components !== undefined) return undefined
    const { stream } = await this.#parts.functions.download(who, fn.id)
    const zip = Buffer.from(await new Response(stream).arrayBuffer())
    const text = entity.fields.exec?.binary === false ? onlyFileIn(zip) : null
    return text ?? zip.toString('base64')
  }
}

/** What every action says of itself. */
const said = ['env', 'timeoutSeconds', 'memoryBytes', 'concurrency', 'api'] satisfies (keyof FunctionFields)[]

/** The fields of an update: an image itself cannot change, only its settings. */
function sentAs(code: ActionCode | null, fn: Fn) {
  if (code === null || fn.code.source === 'image') return {}
  const { runtime: _same, ...sent } = code
  return sent
}
