import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Installation, PastCall } from '../domain/runs/history.ts'
import { cataloguePath } from './backup-layout.ts'
import { type Connection, openRaw } from './sqlite.ts'

/** Past calls from the ledger, for the simulator. */

const pageRows = 2000

/** Oldest first, one page at a time, so that the reader can yield in between. */
export function* historyPages(connection: Connection, sinceMs: number): Generator<PastCall[]> {
  const select = connection.prepare<[number, number, string, number], PastCall & { id: string }>(
    `SELECT id, function_id AS functionId, function_version AS functionVersion, created_at AS atMs, run_ms AS runMs,
      acquire_ms AS acquireMs, start_kind AS startKind, memory_peak_mb AS memoryPeakMb
    FROM executions INDEXED BY executions_time
    WHERE created_at >= ? AND (created_at, id) > (?, ?) AND run_ms IS NOT NULL AND is_image_run = 0
    ORDER BY created_at, id LIMIT ?`,
  )
  let [atMs, id] = [sinceMs - 1, '']
  for (;;) {
    const rows = select.all(atMs, atMs, id, pageRows)
    const last = rows.at(-1)
    if (last === undefined) return
    ;[atMs, id] = [last.atMs, last.id]
    yield rows.map(({ id: _id, ...call }) => call)
  }
}

/** Reads a ledger that may be in use, without changing it, and the functions in the catalogue beside it. */
export function readHistoryFile(file: string, sinceMs: number): { calls: PastCall[]; installation: Installation } {
  const ledger = openRaw(file, { readonly: true, fileMustExist: true })
  try {
    return { calls: [...historyPages(ledger, sinceMs)].flat(), installation: readInstallation(dirname(file)) }
  } finally {
    ledger.close()
  }
}

interface FunctionRow {
  id: string
  name: string | null
  memoryBytes: number
  concurrency: number
  image: string | null
  minMemoryBytes: number | null
}

function readInstallation(folder: string): Installation {
  const file = join(folder, cataloguePath)
  if (!existsSync(file)) return { functions: new Map(), generic: new Map() }
  const catalogue = openRaw(file, { readonly: true })
  try {
    const rows = catalogue
      .prepare<[], FunctionRow>(
        `SELECT functions.id, functions.name, memory_bytes AS memoryBytes, concurrency, image, min_memory_bytes AS minMemoryBytes
        FROM functions LEFT JOIN runtimes ON runtimes.id = functions.runtime_id`,
      )
      .all()
    const functions = rows.map(({ id, name, memoryBytes, concurrency, image, minMemoryBytes }) => {
      const inEffect = Math.max(memoryBytes, minMemoryBytes ?? 0)
      return [id, { name, memoryBytes: inEffect, concurrency, runtimeImage: image }] as const
    })
    const generic = catalogue
      .prepare<[], [string, number]>('SELECT image, max(min_memory_bytes) FROM runtimes GROUP BY image')
      .raw()
      .all() as [string, number][]
    return { functions: new Map(functions), generic: new Map(generic) }
  } finally {
    catalogue.close()
  }
}
