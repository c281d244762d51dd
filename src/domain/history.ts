import type { StartKind } from './start-kind.ts'

/** A call that has ended, as far as it matters for how workers are kept. Runs of images that end with each call are not among them. */
export interface PastCall {
  functionId: string
  functionVersion: number
  atMs: number
  runMs: number
  acquireMs: number | null
  startKind: StartKind | null
  memoryPeakMb: number | null
}

/** What is known of a function beside its calls. */
export interface PastFunction {
  name: string | null
  /** Memory of one worker. */
  memoryBytes: number
  concurrency: number
  /** The image that its generic workers have; null: an image of its own. */
  runtimeImage: string | null
}

/** Memory of a worker that belongs to no function yet, by the runtime's image. */
export type GenericMemory = ReadonlyMap<string, number>

export interface Installation {
  functions: ReadonlyMap<string, PastFunction>
  generic: GenericMemory
}
