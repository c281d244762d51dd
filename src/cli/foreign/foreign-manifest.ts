import type { Manifest } from '../manifest/manifest.ts'

/** Another platform's file, converted to a manifest. */
export interface ForeignManifest {
  manifest: Manifest
  /** What OpenWhisk's API makes of it in addition; absent: nothing. */
  entities?: WhiskManifestEntity[]
  folder: string
  /** The detected format, for messages. */
  kind: string
  /** A line for each part that is not deployed. */
  leftOut: string[]
  /** Folders in which relative paths of the file are resolved. */
  paths: string[]
}

/** Parsed but unvalidated content of such a file. */
export type ParsedValues = Record<string, unknown>

/** A package, an action's annotations, a sequence, a trigger or a rule, as OpenWhisk's API takes it. */
export interface WhiskManifestEntity {
  kind: 'package' | 'action' | 'trigger' | 'rule'
  /** Below the namespace, such as `shop/greet`. */
  name: string
  /** Body of its PUT; keys that are absent stay as they are. */
  body: ParsedValues
  /** The alarm of a trigger, as the feed takes it. */
  alarm?: { feed: string; values: ParsedValues }
}

export const isObject = (value: unknown): value is ParsedValues =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const objectOf = (value: unknown): ParsedValues => (isObject(value) ? value : {})
