import type { Manifest } from './manifest.ts'

/** Another platform's file, converted to a manifest. */
export interface Translated {
  manifest: Manifest
  /** What OpenWhisk's API makes of it in addition; absent: nothing. */
  entities?: WhiskEntity[]
  folder: string
  /** The detected format, for messages. */
  kind: string
  /** A line for each part that is not deployed. */
  leftOut: string[]
  /** Folders in which relative paths of the file are resolved. */
  paths: string[]
}

/** Parsed but unvalidated content of such a file. */
export type Values = Record<string, unknown>

/** A package, an action's annotations, a sequence, a trigger or a rule, as OpenWhisk's API takes it. */
export interface WhiskEntity {
  kind: 'package' | 'action' | 'trigger' | 'rule'
  /** Below the namespace, such as `shop/greet`. */
  name: string
  /** Body of its PUT; keys that are absent stay as they are. */
  body: Values
  /** The alarm of a trigger, as the feed takes it. */
  alarm?: { feed: string; values: Values }
}

export const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const objectOf = (value: unknown): Values => (isObject(value) ? value : {})
