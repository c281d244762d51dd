import type { KeyValue } from '../../domain/functions/openwhisk.ts'
import type { WhiskBody } from './whisk-call.ts'
import { whiskBadRequest } from './whisk-error.ts'

/** Annotations and parameters: lists of key-value pairs. Pure. */

/** Throws WhiskError for an invalid list. */
export function keyValuesIn(name: string, given: unknown): KeyValue[] {
  if (Array.isArray(given) && given.every(isKeyValue)) {
    return given.map(({ key, value, init }) => ({ key, value, ...(init === true && { init }) }))
  }
  throw whiskBadRequest(`"${name}" must be an array of objects with "key" and "value".`)
}

const isKeyValue = (one: unknown): one is KeyValue =>
  typeof one === 'object' && one !== null && typeof (one as KeyValue).key === 'string' && 'value' in one

export const valueOfKey = (list: KeyValue[], key: string): unknown => list.findLast((one) => one.key === key)?.value

/** Whether an annotation is true. */
export const isOn = (annotations: KeyValue[], key: string): boolean => valueOfKey(annotations, key) === true

/** The list with the key added unless it exists. */
export function withDefault(list: KeyValue[], key: string, value: unknown): KeyValue[] {
  return list.some((one) => one.key === key) ? list : [...list, { key, value }]
}

export const withValue = (list: KeyValue[], key: string, value: unknown): KeyValue[] => [
  ...list.filter((one) => one.key !== key),
  { key, value },
]

/** Merges lists into one object, later lists win; environment variables are left out. */
export function objectOf(...lists: KeyValue[][]): WhiskBody {
  const pairs = lists.flat().filter(({ init }) => init !== true)
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]))
}

/** Parameters that become environment variables, as text. */
export function variablesOf(...lists: KeyValue[][]): Record<string, string> {
  const pairs = lists.flat().filter(({ init }) => init === true)
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** Parameters with a value that callers may not override. */
export const definedIn = (params: WhiskBody): string[] =>
  Object.keys(params).filter((key) => params[key] !== null && params[key] !== '')
