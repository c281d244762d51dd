import type { KeyValue, WhiskExec, WhiskFields, WhiskLimits } from '../../domain/functions/openwhisk.ts'
import type { FunctionFields } from '../../services/functions/function-fields.ts'
import { isArchive } from './archives.ts'
import { isOn, keyValuesIn, objectOf, valueOfKey, variablesOf, withDefault, withValue } from './key-values.ts'
import { imageKind, sequenceKind, shownKind } from './kinds.ts'
import { readName } from './names.ts'
import type { WhiskBody } from './whisk-call.ts'
import { whiskBadRequest } from './whisk-error.ts'

/** Converts a client's action fields to ours. Pure. Throws WhiskError. */

const mib = 1_048_576
export const defaultWhiskLimits: WhiskLimits = { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 }
const leastTimeoutMs = 100
const mostLogsMb = 10

/** The fields after the request; absent ones stay. `before`: null for a new action. `usual`: default limits. */
export function fieldsAfter(given: WhiskBody, before: WhiskFields | null, usual: WhiskLimits): WhiskFields {
  const exec = given.exec === undefined || given.exec === null ? before?.exec : execIn(given.exec)
  if (exec === undefined)
    throw whiskBadRequest('The request content was malformed: exec undefined, and the action is new.')
  const { annotations, parameters } = describedAfter(given, before)
  return {
    annotations: withDefault(withValue(annotations, 'exec', exec.kind), 'provide-api-key', false),
    parameters,
    exec,
    limits: limitsAfter(given.limits, before?.limits ?? usual),
  }
}

/** Annotations and parameters of an entity. */
export function describedAfter(
  given: WhiskBody,
  before: WhiskFields | null,
): { annotations: KeyValue[]; parameters: KeyValue[] } {
  const said = (name: 'annotations' | 'parameters') =>
    given[name] === undefined || given[name] === null ? (before?.[name] ?? []) : keyValuesIn(name, given[name])
  const dropped = Array.isArray(given.delAnnotations) ? given.delAnnotations : []
  return {
    annotations: said('annotations').filter(({ key }) => !dropped.includes(key)),
    parameters: said('parameters'),
  }
}

function execIn(given: unknown): WhiskExec {
  const { kind, code, main, image, components } = objectIn('exec', given)
  if (typeof kind !== 'string')
    throw whiskBadRequest("The request content was malformed: 'kind' must be a string in 'exec'.")
  if (kind === sequenceKind) return { kind, binary: false, components: componentsIn(components) }
  const named = { ...(typeof main === 'string' && main !== '' && { main }) }
  const binary = typeof code === 'string' && isArchive(code)
  if (kind !== imageKind) return { kind: shownKind(kind), binary, ...named }
  if (typeof image === 'string' && image !== '') return { kind, binary, image, ...named }
  throw whiskBadRequest(
    "The request content was malformed: 'image' must be a string defined in 'exec' for 'blackbox' actions.",
  )
}

/** Names of a sequence's actions; null: not a sequence. */
export function componentsOf(exec: unknown): string[] | null {
  const { kind, components } = exec === undefined || exec === null ? {} : objectIn('exec', exec)
  return kind === sequenceKind ? componentsIn(components).map(readName) : null
}

function componentsIn(given: unknown): string[] {
  if (!Array.isArray(given) || given.length === 0) throw whiskBadRequest('No component specified for the sequence.')
  return given.map((one) => `/_/${readName(one)}`)
}

/** The code in `exec`; null: none was sent. */
export function codeIn(given: unknown): string | null {
  const { code } = given === undefined || given === null ? {} : objectIn('exec', given)
  return typeof code === 'string' && code !== '' ? code : null
}

function limitsAfter(given: unknown, before: WhiskLimits): WhiskLimits {
  const said = given === undefined || given === null ? {} : objectIn('limits', given)
  const number = (name: keyof WhiskLimits, least: number, most: number): number => {
    const value = said[name] ?? before[name]
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    throw whiskBadRequest(
      `The limit '${name}' is ${JSON.stringify(value)}: it must be a whole number from ${least} to ${most}.`,
    )
  }
  return {
    timeout: number('timeout', leastTimeoutMs, Number.MAX_SAFE_INTEGER),
    memory: number('memory', 1, Number.MAX_SAFE_INTEGER),
    logs: number('logs', 0, mostLogsMb),
    concurrency: number('concurrency', 1, Number.MAX_SAFE_INTEGER),
  }
}

export function objectIn(name: string, given: unknown): WhiskBody {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as WhiskBody
  throw whiskBadRequest(`The request content was malformed: "${name}" must be an object.`)
}

/** The function fields of an action. */
export function functionFieldsOf(fields: WhiskFields): FunctionFields & { timeoutSeconds: number } {
  const { exec, limits = defaultWhiskLimits, annotations } = fields
  const description = valueOfKey(annotations, 'description')
  return {
    entry: exec?.main ?? 'main',
    timeoutSeconds: Math.ceil(limits.timeout / 1000),
    memoryBytes: limits.memory * mib,
    concurrency: limits.concurrency,
    api: isOn(annotations, 'provide-api-key') || exec?.kind === sequenceKind,
    ...(typeof description === 'string' && { description }),
  }
}

/** The environment of an action, merged with variables that were set on the function in other ways. */
export function environmentOf(
  before: Record<string, string>,
  about: {
    name: string
    project: string
    writes: number
    fields: WhiskFields
    was: WhiskFields | null
    pkg: KeyValue[]
  },
): Record<string, string> {
  const { name, project, writes, fields, was, pkg } = about
  const gone = new Set(
    [...(was?.parameters ?? []), ...fields.parameters].filter(({ init }) => init).map(({ key }) => key),
  )
  const kept = Object.entries(before).filter(([key]) => !gone.has(key) && !key.startsWith(ourPrefix))
  const defaults = objectOf(pkg, fields.parameters)
  return {
    ...Object.fromEntries(kept),
    ...variablesOf(fields.parameters),
    __OW_ACTION_NAME: `/${project}/${name}`,
    __OW_ACTION_VERSION: `0.0.${writes}`,
    ...(Object.keys(defaults).length > 0 && { __OW_PARAMETERS: JSON.stringify(defaults) }),
  }
}

const ourPrefix = '__OW_'
