import type { FunctionCounts } from '../../domain/runs/execution.ts'

export type WithExecutionCount<T> = T & { count: number }

/** A function or version with its number of executions; the last execution also moves `updatedAt`. */
export function withCount<T extends { updatedAt: number | null }>(
  row: T,
  counts: FunctionCounts,
): WithExecutionCount<T> {
  const { count, lastAt } = counts
  const updatedAt = count === 0 ? row.updatedAt : Math.max(row.updatedAt ?? 0, lastAt)
  return { ...row, count, updatedAt }
}
