import type { Manifest } from './manifest.ts'

/** Another platform's file, converted to a manifest. */
export interface Translated {
  manifest: Manifest
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

export const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const objectOf = (value: unknown): Values => (isObject(value) ? value : {})
