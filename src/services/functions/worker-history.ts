import type { Clock } from '../../domain/clock.ts'
import type { Pool, RetainedWorker } from '../../domain/platform/worker.ts'
import type { StartKind } from '../../domain/runs/start-kind.ts'

export const workerStates = ['busy', 'idle', 'paused', 'generic', 'leaving'] as const
export type WorkerState = (typeof workerStates)[number]

/** What the workers held at one time, in bytes, and what was started since the time before. */
export interface WorkerSample {
  atMs: number
  /** Memory of all workers, including those that are starting. */
  reservedBytes: number
  waitingCalls: number
  states: Record<WorkerState, number>
  /** By function, those that held most. */
  functions: Map<string, number>
  starts: Record<StartKind, number>
}

export interface WorkerHistoryParts {
  pool: Pick<Pool, 'retainedWorkers' | 'vitals'>
  /** Starts of calls, counted since the server began. */
  starts: Readonly<Record<StartKind, number>>
  clock: Clock
}

export const sampleEveryMs = 5000
/** A quarter of an hour. */
const mostSamples = 180
/** Limit of functions in one sample. */
const mostFunctions = 20

/** The memory of the workers over the last quarter of an hour, and the starts of calls. Kept in memory: a restart begins anew. */
export class WorkerHistory {
  #parts: WorkerHistoryParts
  #samples: WorkerSample[] = []
  #lastStarts: Record<StartKind, number>
  #stopTimer: () => void = () => {}

  constructor(parts: WorkerHistoryParts) {
    this.#parts = parts
    this.#lastStarts = { ...parts.starts }
  }

  /** Looks at the workers now, and by the clock from now on. */
  start(): void {
    this.#look()
    this.#stopTimer = this.#parts.clock.after(sampleEveryMs, () => this.start())
  }

  close(): void {
    this.#stopTimer()
  }

  /** The oldest first. */
  samples(): readonly WorkerSample[] {
    return this.#samples
  }

  #look(): void {
    const { pool, starts, clock } = this.#parts
    const { reservedBytes, waitingCalls } = pool.vitals()
    const workers = pool.retainedWorkers()
    const since = (kind: StartKind) => starts[kind] - this.#lastStarts[kind]
    this.#samples.push({
      atMs: clock.now(),
      reservedBytes,
      waitingCalls,
      states: bytesByState(workers),
      functions: mostOf(bytesByFunction(workers)),
      starts: { warm: since('warm'), prewarmed: since('prewarmed'), cold: since('cold') },
    })
    this.#lastStarts = { ...starts }
    if (this.#samples.length > mostSamples) this.#samples.shift()
  }
}

function bytesByState(workers: RetainedWorker[]): Record<WorkerState, number> {
  const states = { busy: 0, idle: 0, paused: 0, generic: 0, leaving: 0 }
  for (const { state, memoryBytes } of workers) states[state as WorkerState] += memoryBytes
  return states
}

function bytesByFunction(workers: RetainedWorker[]): Map<string, number> {
  const bytes = new Map<string, number>()
  for (const { functionId, memoryBytes } of workers)
    if (functionId !== null) bytes.set(functionId, (bytes.get(functionId) ?? 0) + memoryBytes)
  return bytes
}

const mostOf = (bytes: Map<string, number>): Map<string, number> =>
  new Map([...bytes].sort(([, a], [, b]) => b - a).slice(0, mostFunctions))
