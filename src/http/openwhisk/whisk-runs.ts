import { canonicalUuid, type NewId } from '../../domain/ids.ts'
import type { Principal } from '../../domain/platform/principal.ts'
import type { CallInput } from '../../domain/platform/worker.ts'
import type { Targets } from '../../services/functions/targets.ts'
import type { Finished, Invocation, RunRequest } from '../../services/runs/invocation.ts'
import type { Action } from './catalogue.ts'
import { definedIn, isOn, objectOf } from './key-values.ts'
import type { WhiskBody } from './whisk-call.ts'
import { WhiskError, whiskBadRequest } from './whisk-error.ts'

interface Parts {
  targets: Targets
  invocation: Invocation
  newId: NewId
}

export type Request = RunRequest & { executionId: string }

/** Runs actions: as calls that a caller awaits for a limited time, or as accepted runs. */
export class WhiskRuns {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `params`: an object or an array. Throws WhiskError. */
  request(who: Principal, action: Action, params: WhiskBody | unknown[]): Request {
    if (!Array.isArray(params)) refuseImmutable(action, Object.keys(params))
    const target = this.#parts.targets.resolve(who, { functionId: action.fn.id })
    const input = inputOf(withBinding(action, params))
    return { target, projectId: who.projectId, from: who.from, trigger: 'api', input, executionId: this.#parts.newId() }
  }

  /** Null: it did not end in time and continues. */
  async run(request: Request, waitMs: number): Promise<Finished | null> {
    const running = this.#parts.invocation.run(request)
    const late = Promise.withResolvers<null>()
    const timer = setTimeout(() => late.resolve(null), waitMs)
    try {
      const finished = await Promise.race([running, late.promise])
      if (finished !== null) refuseUnbegun(finished)
      return finished
    } finally {
      clearTimeout(timer)
      running.catch(() => {})
    }
  }

  async accept(request: Request): Promise<void> {
    await this.#parts.invocation.accept({ ...request, trigger: 'async' })
  }
}

/**
 * A binding's parameters rank between those of the package and those of the action; the function already contains the latter two.
 */
function withBinding({ binding, pkg, entity }: Action, params: WhiskBody | unknown[]): WhiskBody | unknown[] {
  if (binding === null || Array.isArray(params)) return params
  const defaults = objectOf(pkg?.fields.parameters ?? [], binding.fields.parameters, entity.fields.parameters)
  return { ...defaults, ...params }
}

function inputOf(params: WhiskBody | unknown[]): CallInput {
  const text = JSON.stringify(params)
  return { kind: 'json', body: Buffer.from(text), text }
}

/** Parameters whose value an action has fixed. */
export function immutableOf({ entity, pkg, binding }: Action): string[] {
  if (!isOn(entity.fields.annotations, 'final')) return []
  return definedIn(objectOf(pkg?.fields.parameters ?? [], binding?.fields.parameters ?? [], entity.fields.parameters))
}

export function refuseImmutable(action: Action, names: string[]): void {
  const immutable = immutableOf(action)
  const wrong = names.filter((name) => immutable.includes(name))
  if (wrong.length === 0) return
  throw whiskBadRequest(
    `Request defines parameters that are not allowed (e.g., reserved properties): ${wrong.join(', ')}.`,
  )
}

/** The action did not begin, so the caller may retry. */
function refuseUnbegun({ execution, outcome }: Finished): void {
  if (outcome.kind !== 'platform' || execution.startKind !== null) return
  throw new WhiskError(429, outcome.error.message)
}

/** The id in OpenWhisk's form: 32 digits. */
export const activationIdOf = (executionId: string): string => executionId.replaceAll('-', '')

export function executionIdOf(activationId: string): string {
  const id = canonicalUuid(activationId)
  if (id !== null) return id
  throw whiskBadRequest(
    `The activation id ${JSON.stringify(activationId.slice(0, 100))} is not valid: it has 32 hexadecimal digits.`,
  )
}
