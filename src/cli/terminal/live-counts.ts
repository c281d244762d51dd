import type { ServerEvent } from '../../client/events.ts'
import type { ExecutionRow } from '../../client/resources/executions.ts'

/** A row of `taibai top`: events of the last seconds, counted by function. */

export interface LiveRow {
  function_id: string
  /** Running calls whose beginning was seen. */
  running: number
  /** Calls in the window. */
  calls: number
  calls_per_second: number
  failed: number
  warm: number
  prewarmed: number
  cold: number
  p50_ms: number | null
  p99_ms: number | null
}

export interface LivePicture {
  /** Counts of the whole server; absent for callers other than admins. */
  server: { running?: number; queued?: number; jobs?: number; workers?: Record<string, number> }
  /** Events that the server dropped because this reader is slow. */
  missed: number
  functions: LiveRow[]
}

interface Ended {
  atMs: number
  row: ExecutionRow
}

/** Period of the rates and times. */
const windowMs = 10_000

export class LiveCounts {
  #since: number
  #server: LivePicture['server'] = {}
  #missed = 0
  #running = new Map<string, string>()
  #ended: Ended[] = []
  #seen = new Set<string>()

  constructor(nowMs: number) {
    this.#since = nowMs
  }

  note(event: ServerEvent, nowMs: number): void {
    if (event.event === 'server') this.#server = event.data
    if (event.event === 'missed') this.#missed += event.data.events
    if (event.event === 'execution') this.#noteRun(event.data, nowMs)
  }

  picture(nowMs: number): LivePicture {
    this.#ended = this.#ended.filter(({ atMs }) => atMs > nowMs - windowMs)
    const seconds = Math.max(0.001, Math.min(windowMs, nowMs - this.#since) / 1000)
    const rows = [...this.#seen].map((id) => this.#rowOf(id, seconds))
    rows.sort((a, b) => b.calls - a.calls || b.running - a.running)
    return { server: this.#server, missed: this.#missed, functions: rows }
  }

  #noteRun(row: ExecutionRow, nowMs: number): void {
    this.#seen.add(row.function_id)
    if (row.status === 'running') this.#running.set(row.id, row.function_id)
    else {
      this.#running.delete(row.id)
      this.#ended.push({ atMs: nowMs, row })
    }
  }

  #rowOf(id: string, seconds: number): LiveRow {
    const rows = this.#ended.filter(({ row }) => row.function_id === id).map(({ row }) => row)
    const startedBy = (kind: ExecutionRow['start_kind']): number => rows.filter((row) => row.start_kind === kind).length
    const totals = rows.flatMap(({ phases }) => phases?.total ?? []).sort((a, b) => a - b)
    return {
      function_id: id,
      running: [...this.#running.values()].filter((of) => of === id).length,
      calls: rows.length,
      calls_per_second: Math.round((rows.length / seconds) * 10) / 10,
      failed: rows.filter(({ status }) => status !== 'success').length,
      warm: startedBy('warm'),
      prewarmed: startedBy('prewarmed'),
      cold: startedBy('cold'),
      p50_ms: at(totals, 0.5),
      p99_ms: at(totals, 0.99),
    }
  }
}

const at = (sorted: number[], share: number): number | null =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
