import { parentPort, workerData } from 'node:worker_threads'
import type {
  BatchMessage,
  BatchReply,
  CopyReply,
  VacuumReply,
  Write,
  WriterData,
  WriterMessage,
} from './ledger-batch.ts'
import {
  beginSql,
  countSql,
  deleteSql,
  dropInputSql,
  expireOlderDeadLettersSql,
  expireProjectDeadLettersSql,
  insertSql,
  insertUsualSql,
  pruneOlderSql,
  pruneProjectSql,
  rewriteSql,
  updateSql,
} from './ledger-rows.ts'
import { addUsageSql, pruneUsageSql } from './ledger-usage.ts'
import { openSqlite, useAddon } from './sqlite.ts'

/** The thread that writes ledger.db: one transaction and one reply for each batch. Started by `ledger-queue.ts`. */

/** Pages copied in one step, of 4 KiB: less than a millisecond. */
const copyPages = 200

if (parentPort !== null) serve(parentPort, workerData)

function serve(port: NonNullable<typeof parentPort>, { path, busyTimeoutMs, addon }: WriterData): void {
  if (addon !== undefined) useAddon(addon)
  const connection = openSqlite(path, busyTimeoutMs)
  connection.pragma('cache_size = -16000')
  // In the order of `writes`.
  const statements = [
    ...[insertSql, updateSql, deleteSql, countSql, pruneOlderSql, pruneProjectSql],
    ...[rewriteSql, expireOlderDeadLettersSql, expireProjectDeadLettersSql, dropInputSql],
    ...[addUsageSql, pruneUsageSql, insertUsualSql, beginSql],
  ].map((text) => connection.prepare(text))

  const commit = connection.transaction(({ kinds, rows }: BatchMessage): BatchReply => {
    const changes: number[] = []
    const refused: string[] = []
    for (let i = 0; i < kinds.length; i++) {
      try {
        changes.push(statements[kinds[i] as Write]?.run(rows[i]).changes as number)
      } catch (error) {
        if (!isAboutTheRow(error) || !connection.inTransaction) throw error
        changes.push(-1)
        refused.push(String(error))
      }
    }
    return { changes, refused }
  })

  port.on('message', (message: WriterMessage) => {
    if (message === 'end') return end()
    if ('copyTo' in message) return void copy(message.copyTo)
    if ('vacuumPages' in message) return vacuum(message.vacuumPages)
    port.postMessage(answered(() => commit.immediate(message)))
  })

  /**
   * Copies in steps, with batches in between; on this connection, because writes of another one would restart SQLite's backup
   * each time.
   */
  async function copy(copyTo: string): Promise<void> {
    const failure = await connection.backup(copyTo, { progress: () => copyPages }).then(
      () => null,
      (error: unknown) => String(error),
    )
    port.postMessage({ copied: copyTo, failure } satisfies CopyReply)
  }

  /** Pages that cannot be freed now stay (the disk is full, or an older program made the file). */
  function vacuum(pages: number): void {
    let freePages = 0
    try {
      const before = connection.pragma('freelist_count', { simple: true }) as number
      connection.exec(`PRAGMA incremental_vacuum(${pages})`)
      const after = connection.pragma('freelist_count', { simple: true }) as number
      freePages = after < before ? after : 0
    } catch {}
    port.postMessage({ freePages } satisfies VacuumReply)
  }

  function end(): void {
    connection.close()
    port.close()
  }
}

/** A row that cannot be stored must not affect others; a full disk fails the whole batch. */
function isAboutTheRow(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code !== 'string' || /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test(code)
}

function answered(commit: () => BatchReply): BatchReply {
  try {
    return commit()
  } catch (error) {
    return { failure: String(error) }
  }
}
