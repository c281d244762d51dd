import { Durations } from '../../src/domain/durations.ts'
import { matchesCondition, paged } from '../../src/domain/list.ts'
import type { LedgerGauges } from '../../src/domain/platform/gauges.ts'
import type { Execution, ExecutionFilter, FunctionCounts, Ledger, Page } from '../../src/domain/runs/execution.ts'
import type { PastCall } from '../../src/domain/runs/history.ts'
import type { FunctionError } from '../../src/domain/runs/outcome.ts'

/** The ledger's contract in memory; nothing lasts. */
export class FakeLedger implements Ledger {
  readonly rows = new Map<string, Execution>()
  #counts = new Map<string, FunctionCounts>()
  /** Thrown by `accept` when set. */
  refusal: Error | null = null

  async accept(execution: Execution): Promise<boolean> {
    if (this.refusal !== null) throw this.refusal
    if (this.rows.has(execution.id)) return false
    this.open(execution)
    return true
  }

  open(execution: Execution): void {
    this.rows.set(execution.id, { ...execution })
    const key = `${execution.functionId}/${execution.functionVersion}`
    const { count } = this.#counts.get(key) ?? { count: 0 }
    this.#counts.set(key, { count: count + 1, lastAt: execution.createdAt })
  }

  async begun(execution: Execution): Promise<void> {
    this.close(execution)
  }

  /** A row that was deleted stays deleted. */
  close(execution: Execution): void {
    const request = execution.status === 'running' ? execution.request : null
    if (this.rows.has(execution.id)) this.rows.set(execution.id, { ...execution, request })
  }

  drop({ id }: Execution): void {
    this.rows.delete(id)
  }

  async rewrite(execution: Execution): Promise<boolean> {
    if (this.refusal !== null) throw this.refusal
    const row = this.rows.get(execution.id)
    if (row === undefined || row.status === 'running') return false
    this.rows.set(execution.id, { ...execution })
    return true
  }

  async flushed(): Promise<void> {}

  async find(id: string): Promise<Execution | null> {
    return this.rows.get(id) ?? null
  }

  async *list(filter: ExecutionFilter, page: Page): AsyncIterable<Execution[]> {
    const rows = [...this.rows.values()].filter((row) => isAsked(row, filter))
    rows.sort(byTime)
    if (page.newestFirst) rows.reverse()
    const found = paged(rows, page)
    if (found.length > 0) yield found.map((row) => ({ ...row, log: '' }))
  }

  async *history(sinceMs: number): AsyncGenerator<PastCall[]> {
    const rows = [...this.rows.values()].filter(
      ({ createdAt, phases, isImageRun }) => createdAt >= sinceMs && phases !== null && !isImageRun,
    )
    if (rows.length > 0) yield rows.toSorted(byTime).map(asPastCall)
  }

  async delete(id: string): Promise<boolean> {
    return this.rows.delete(id)
  }

  counts(functionId: string, version: number): FunctionCounts {
    return this.#counts.get(`${functionId}/${version}`) ?? { count: 0, lastAt: 0 }
  }

  unfinished(): Execution[] {
    return [...this.rows.values()].filter((row) => row.status === 'running' && !row.sync).toSorted(byTime)
  }

  undelivered(): Execution[] {
    const rows = [...this.rows.values()].filter(({ deliverAt }) => deliverAt !== null)
    return rows.toSorted((a, b) => Number(a.deliverAt) - Number(b.deliverAt))
  }

  settle(error: FunctionError): number {
    const left = [...this.rows.values()].filter((row) => row.status === 'running' && row.sync)
    for (const row of left) this.rows.set(row.id, { ...row, status: 'error', error })
    return left.length
  }

  async recordBytes(projectId: string): Promise<number> {
    const own = [...this.rows.values()].filter((row) => row.projectId === projectId)
    return own.reduce((sum, row) => sum + (row.output?.length ?? 0), 0)
  }

  async prune(): Promise<number> {
    return 0
  }

  vitals(): LedgerGauges {
    return { pendingBytes: 0, lostRows: 0, isFailing: false, commits: new Durations() }
  }

  async pruneDead(): Promise<number> {
    return 0
  }

  async end(): Promise<void> {}
}

const byTime = (a: Execution, b: Execution): number => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)

const asPastCall = (row: Execution): PastCall => ({
  functionId: row.functionId,
  functionVersion: row.functionVersion,
  atMs: row.createdAt,
  runMs: row.phases?.run ?? 0,
  acquireMs: row.phases?.acquire ?? null,
  startKind: row.startKind,
  memoryPeakMb: row.memoryPeakMb,
})

function isAsked(row: Execution, { projectId, conditions, onlyDead }: ExecutionFilter): boolean {
  if (onlyDead && row.deadAt === null) return false
  if (projectId !== null && row.projectId !== projectId) return false
  const columns = {
    function_id: row.functionId,
    status: row.status,
    description: row.description ?? '',
    project_id: row.projectId,
    trigger: row.trigger,
    trigger_id: row.triggerId ?? '',
    start_kind: row.startKind ?? '',
    function_alias: row.functionAlias ?? '',
    created_at: String(row.createdAt),
    error: row.error === null ? '' : JSON.stringify(row.error),
  }
  return conditions.every((condition) => matchesCondition(columns[condition.column], condition))
}
