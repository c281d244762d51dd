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
