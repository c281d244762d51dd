import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { DataFolder } from './data-folder.ts'

export interface LedgerRow {
  id: string
  function_id: string
  status: string
  created_at: number
  updated_at: number | null
  is_sync: number
  attempt: number
  /** Since when it is a dead letter. */
  dead_at: number | null
  /** When it is tried (again). */
  run_at: number | null
  trigger: string
  description: string | null
  error: string | null
  output: string | null
}

/** What is written of a data folder's executions, oldest first: times in ms, which the API rounds to seconds. */
export const ledgerRows = (data: DataFolder, where = '1', ...values: unknown[]): LedgerRow[] =>
  reading(data, (ledger) =>
    ledger.prepare(`SELECT * FROM executions WHERE ${where} ORDER BY created_at, id`).all(...values),
  ) as LedgerRow[]

/** How many there are: to ask again and again, where reading thousands would take the processor from those that run them. */
export const ledgerCount = (data: DataFolder, where = '1'): number =>
  reading(data, (ledger) => ledger.prepare(`SELECT count(*) FROM executions WHERE ${where}`).pluck().get()) as number

function reading<T>(data: DataFolder, read: (ledger: Sqlite.Database) => T): T {
  const ledger = new Sqlite(join(data.path, 'ledger.db'), { readonly: true, timeout: 10_000 })
  try {
    return read(ledger)
  } finally {
    ledger.close()
  }
}
