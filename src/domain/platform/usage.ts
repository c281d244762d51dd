import type { Revision } from './worker.ts'

/** Use of functions, metered per day (UTC), function and owning project. */

export const usedFacts = {
  calls: 'attempts of executions that ended in a worker',
  busyGbSeconds: 'memory of workers while calls ran in them',
  idleGbSeconds: 'memory of workers that were kept warm for its calls',
  cpuSeconds: 'processor time of calls, and of what they leave running, where it can be measured',
  bytesIn: 'inputs',
  bytesOut: 'results and streamed answers',
} as const

export type UsageAmounts = Record<keyof typeof usedFacts, number>
export const usedNames = Object.keys(usedFacts) as (keyof UsageAmounts)[]

export interface UsageRow extends UsageAmounts {
  /** `2026-11-30`. */
  day: string
  projectId: string
  functionId: string
}

export interface UsageFilter {
  /** Null: every project. */
  projectId: string | null
  /** Both included. */
  fromDay: string
  toDay: string
}

export interface UsageStore {
  /** Adds to the stored use; written with the next batch, never awaited. */
  addUsage(rows: UsageRow[]): void
  /** By day, project and function. Includes earlier `addUsage` calls. */
  usage(filter: UsageFilter): Promise<UsageRow[]>
  /** The whole server's use of a day, synchronously: for the start. */
  usageOfDay(day: string): UsageRow[]
  pruneUsage(beforeDay: string): void
}

/** Receives from the pool how long a worker held its memory. Must be quick: every call passes here. */
export interface WorkerMeter {
  held(revision: Revision, ms: number, isBusy: boolean): void
  /** Processor time that the outcome of no call has told of. */
  spent(revision: Revision, ms: number): void
}

export const noUsageAmounts = (): UsageAmounts => Object.fromEntries(usedNames.map((name) => [name, 0])) as UsageAmounts

export function addUsed(to: UsageAmounts, more: UsageAmounts): void {
  for (const name of usedNames) to[name] += more[name]
}

export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10)

const dayMs = 86_400_000
export const msToNextDay = (atMs: number): number => dayMs - (((atMs % dayMs) + dayMs) % dayMs)

export type UsageKey = 'day' | 'project' | 'function'
export const usageKeys = ['day', 'project', 'function'] as const satisfies readonly UsageKey[]

/** A sum; fields that were not requested are null. */
export interface UsageSum extends UsageAmounts {
  day: string | null
  projectId: string | null
  functionId: string | null
}

/** Adds up rows that agree in the requested fields. Keeps the order of the first ones. Pure. */
export function summed(rows: readonly UsageRow[], by: readonly UsageKey[]): UsageSum[] {
  const sums = new Map<string, UsageSum>()
  for (const row of rows) {
    const day = by.includes('day') ? row.day : null
    const functionId = by.includes('function') ? row.functionId : null
    const projectId = by.includes('project') || functionId !== null ? row.projectId : null
    const key = JSON.stringify([day, projectId, functionId])
    const sum = sums.get(key) ?? { day, projectId, functionId, ...noUsageAmounts() }
    addUsed(sum, row)
    sums.set(key, sum)
  }
  return [...sums.values()]
}
