import type { StartKind } from './start-kind.ts'

/** A finished call with the fields that worker policies need. Runs of images that end with each call are left out. */
export interface PastCall {
  functionId: string
  functionVersion: number
  atMs: number
  runMs: number
  acquireMs: number | null
  startKind: StartKind | null
  memoryPeakMb: number | null
}

/** Facts about a function in addition to its calls. */
export interface PastFunction {
  name: string | null
  /** Memory of one worker. */
  memoryBytes: number
  concurrency: number
  /** The image of its generic workers; null: it has an image of its own. */
  runtimeImage: string | null
}

/** Memory of a generic worker, by the runtime's image. */
export type GenericMemory = ReadonlyMap<string, number>

export interface Installation {
  functions: ReadonlyMap<string, PastFunction>
  generic: GenericMemory
}
