import type { Manifest } from './manifest.ts'

/** A file of another platform as a manifest of ours. */
export interface Translated {
  manifest: Manifest
  folder: string
  /** What the file was taken for. */
  kind: string
  /** A line for each thing that is not deployed. */
  leftOut: string[]
  /** Where paths that the file names are found. */
  paths: string[]
}

/** What such a file says somewhere, before it is known what it is. */
export type Values = Record<string, unknown>

export const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const objectOf = (value: unknown): Values => (isObject(value) ? value : {})
