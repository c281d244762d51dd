import type { KeyValue } from '../../domain/openwhisk.ts'
import type { Given } from './whisk-call.ts'
import { badRequest } from './whisk-error.ts'

/** Annotations and parameters: lists of keys with values. Pure. */

/** Throws WhiskError for what is none. */
export function keyValuesIn(name: string, given: unknown): KeyValue[] {
  if (Array.isArray(given) && given.every(isKeyValue)) {
    return given.map(({ key, value, init }) => ({ key, value, ...(init === true && { init }) }))
  }
  throw badRequest(`"${name}" must be an array of objects with "key" and "value".`)
}

const isKeyValue = (one: unknown): one is KeyValue =>
  typeof one === 'object' && one !== null && typeof (one as KeyValue).key === 'string' && 'value' in one

export const saidOf = (list: KeyValue[], key: string): unknown => list.findLast((one) => one.key === key)?.value

/** Whether an annotation says yes. */
export const isOn = (annotations: KeyValue[], key: string): boolean => saidOf(annotations, key) === true

/** Those with the key set, where it is not there already. */
export function withDefault(list: KeyValue[], key: string, value: unknown): KeyValue[] {
  return list.some((one) => one.key === key) ? list : [...list, { key, value }]
}

export const withValue = (list: KeyValue[], key: string, value: unknown): KeyValue[] => [
  ...list.filter((one) => one.key !== key),
  { key, value },
]

/** As one object, the later lists win; variables of the environment are no parameters. */
export function objectOf(...lists: KeyValue[][]): Given {
  const pairs = lists.flat().filter(({ init }) => init !== true)
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
}

/** Parameters that are to be variables, as texts. */
export function variablesOf(...lists: KeyValue[][]): Record<string, string> {
  const pairs = lists.flat().filter(({ init }) => init === true)
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** Parameters with a value that callers may not change. */
export const definedIn = (params: Given): string[] =>
  Object.keys(params).filter((key) => params[key] !== null && params[key] !== '')
