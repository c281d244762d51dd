import { isDeepStrictEqual } from 'node:util'
import { FaasError, invalid } from '../../domain/errors.ts'
import type { Fn } from '../../domain/functions/function.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { FunctionFields } from '../../services/functions/function-fields.ts'
import type { CountedFn, Functions } from '../../services/functions/functions.ts'
import { retainedFieldsOf, uniqueFieldsOf } from '../../services/functions/replacement.ts'
import { codeOf, deploymentIn, statusOf } from './deployment.ts'
import { accepted, type GatewayAnswer, type GatewayCall, textIn } from './gateway-call.ts'

interface Parts {
  functions: Functions
}

const wholeList = { limit: null, marker: null }

/** Creates, shows, changes and deletes functions in the format of OpenFaaS's gateway. */
export class FunctionOperations {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  list = ({ who }: GatewayCall): GatewayAnswer => {
    const filter = { projectId: who.projectId, conditions: [] }
    const named = this.#parts.functions.list({ filter, page: wholeList }).filter(({ name }) => name !== null)
    return { status: 200, json: named.map(statusOf) }
  }

  get = ({ who, name }: GatewayCall): GatewayAnswer => ({ status: 200, json: statusOf(this.#own(who, name)) })

  create = async ({ who, given }: GatewayCall): Promise<GatewayAnswer> => {
    const { name, image, fields } = deploymentIn(given)
    await this.#parts.functions.create(who, { ...fields, name, code: codeOf(image) })
    return accepted
  }

  /** Few fields of an image function can change; for other changes the function is created anew under its name. */
  update = async ({ who, given }: GatewayCall): Promise<GatewayAnswer> => {
    const { name, image, fields } = deploymentIn(given)
    const fn = this.#own(who, name)
    if (fn.code.source !== 'image') {
      throw new FaasError(
        'conflict',
        `${name} is not an image but code of a runtime: delete it first, or choose another name.`,
      )
    }
    const { timeoutSeconds, minWorkers, maxWorkers, ...fixed } = fields
    const isSame = Object.entries(fixed).every(([field, value]) => isDeepStrictEqual(fn[field as keyof Fn], value))
    if (!isSame) await this.#replaced(who, fn, fields, image)
    else {
      const other = fn.code.image === image ? {} : { image }
      const light = { timeoutSeconds, minWorkers, maxWorkers, ...other, keepJobs: true }
      await this.#parts.functions.update(who, fn.id, definedOf(light))
    }
    return accepted
  }

  delete = async ({ who, given }: GatewayCall): Promise<GatewayAnswer> => {
    const fn = this.#own(who, textIn(given, 'functionName'))
    await this.#parts.functions.delete(who, fn.id)
    return accepted
  }

  /** Sets the number of workers that are always kept; 0: none. */
  scale = async ({ who, name, given }: GatewayCall): Promise<GatewayAnswer> => {
    const { replicas } = given
    if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
      throw invalid('"replicas" must be a whole number.')
    }
    await this.#parts.functions.update(who, this.#own(who, name).id, { minWorkers: replicas, keepJobs: true })
    return accepted
  }

  async #replaced(who: Principal, fn: CountedFn, fields: FunctionFields, image: string): Promise<void> {
    const { functions } = this.#parts
    const kept = retainedFieldsOf(fn, { isImage: true, said })
    await functions.replace(who, { fn }, { ...kept, ...fields, ...uniqueFieldsOf(fn), code: codeOf(image) })
  }

  #own(who: Principal, name: string): CountedFn {
    const fn = this.#parts.functions.get(who, name)
    if (fn.projectId === who.projectId) return fn
    throw new FaasError('not_found', `There is no function ${name}.`)
  }
}

/** What OpenFaaS has words for; the rest stays. */
const said = [
  ...(['env', 'timeoutSeconds', 'concurrency', 'minWorkers', 'maxWorkers'] as const),
  ...(['memoryBytes', 'cpuMillicpu', 'cpuMaxMillicpu'] as const),
] satisfies (keyof FunctionFields)[]

/** The object without undefined fields. */
const definedOf = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
