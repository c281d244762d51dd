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
export function ledgerRows(data: DataFolder, where = '1', ...values: unknown[]): LedgerRow[] {
  const ledger = new Sqlite(join(data.path, 'ledger.db'), { readonly: true, timeout: 10_000 })
  try {
    return ledger
      .prepare(`SELECT * FROM executions WHERE ${where} ORDER BY created_at, id`)
      .all(...values) as LedgerRow[]
  } finally {
    ledger.close()
  }
}
