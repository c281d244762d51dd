import { type DiskSpace, endlessSpace } from '../domain/disk-space.ts'
import type { Execution, ExecutionFilter, FunctionCounts, Ledger, Page } from '../domain/execution.ts'
import type { PastCall } from '../domain/history.ts'
import { hashOfId, InFlight } from '../domain/in-flight.ts'
import type { FunctionError } from '../domain/outcome.ts'
import type { UsageFilter, UsageRow, UsageStore } from '../domain/usage.ts'
import type { LedgerVitals } from '../domain/vitals.ts'
import { type Write, writes } from './ledger-batch.ts'
import { Counters } from './ledger-counters.ts'
import { historyPages } from './ledger-history.ts'
import { listExecutions } from './ledger-list.ts'
import { LedgerQueue, type LedgerQueueOptions } from './ledger-queue.ts'
import { bytesOfProject, fileBytes, oldestKept, projectsOf } from './ledger-retention.ts'
import {
  columns,
  fromStored,
  insertRow,
  insertUsualRow,
  type Row,
  rewriteRow,
  type StoredExecution,
  updateRow,
} from './ledger-rows.ts'
import { usageOf, usageRow } from './ledger-usage.ts'
import { ledgerMigrations } from './migrations/ledger/embedded.ts'
import { type Connection, checkSound, migrate, openSqlite } from './sqlite.ts'

/** `path` must be a real file: the writer thread opens it too. */
export type LedgerOptions = Omit<LedgerQueueOptions, 'counterRows'>

/** A run that lasts longer gets a `running` row. */
const openRowAfterMs = 200
const sweepEveryMs = 100
/** Accounted bytes of a begin statement. */
const beginBytes = 100
/** Bytes of a row that do not depend on its texts. */
const rowBytes = 512
const pruneStepRows = 250
const prunePauseMs = 20
/** Pages of 4 KiB freed at once: a few milliseconds of the writer thread. */
const vacuumPages = 200
/** How long the size of a project's records is reused, because counting is slow. */
const recordBytesHoldMs = 60_000

/** The ledger in ledger.db: read here, written by a thread of its own (`ledger-writer.ts`). */
export class SqliteLedger implements Ledger, UsageStore {
  #clock: LedgerOptions['clock']
  #space: DiskSpace
  #connection: Connection
  #find: { get(id: string): StoredExecution | undefined }
  #counters: Counters
  #queue: LedgerQueue
  /** Active runs without a row. */
  #open = new InFlight<string, Execution>(hashOfId)
  /** Unfinished runs with a row. */
  #stored = new InFlight<string, Execution>(hashOfId)
  /** Active accepted runs whose row does not show the worker yet, by id, with the time of their begin. */
  #begun = new InFlight<string, { execution: Execution; at: number }>(hashOfId)
  #recordBytes = new Map<string, { bytes: number; at: number }>()
  #stopSweep: (() => void) | null = null
  #ending: Promise<void> | null = null

  constructor(options: LedgerOptions) {
    this.#clock = options.clock
    this.#space = options.space ?? endlessSpace
    this.#connection = openSqlite(options.path, undefined, { givesSpaceBack: true })
    checkSound(
      this.#connection,
      'restore it from a backup, or move ledger.db, ledger.db-wal and ledger.db-shm away: the record of executions and what waits is lost then, nothing else',
    )
    migrate(this.#connection, ledgerMigrations)
    this.#find = this.#connection.prepare<[string], StoredExecution>(`SELECT ${columns} FROM executions WHERE id = ?`)
    this.#counters = new Counters(this.#connection)
    this.#queue = new LedgerQueue({ ...options, counterRows: () => this.#counters.takeRows() })
  }

  async accept(execution: Execution): Promise<boolean> {
    this.#space.refuseMore(bytesOf(execution))
    this.#counters.add(execution)
    const changes = await this.#queue.changes(...insertion(execution), bytesOf(execution)).catch((error) => {
      this.#counters.takeBack(execution)
      throw error
    })
    if (changes === 1) this.#stored.set(execution.id, execution)
    else this.#counters.takeBack(execution)
    return changes === 1
  }

  open(execution: Execution): void {
    this.#counters.add(execution)
    this.#open.set(execution.id, execution)
    if (this.#stopSweep === null) this.#sweepLater()
  }

  begun(execution: Execution): Promise<unknown> {
    this.#begun.set(execution.id, { execution, at: this.#clock.now() })
    if (this.#stopSweep === null) this.#sweepLater()
    return this.#queue.changes(writes.begin, [execution.attempt, execution.id], beginBytes)
  }

  close(execution: Execution, withoutInput = false): void {
    const isOver = execution.status !== 'running'
    this.#begun.delete(execution.id)
    if (this.#open.delete(execution.id)) {
      if (isOver && this.#space.isNearlyGone) return this.#queue.lose()
      if (!isOver) this.#stored.set(execution.id, execution)
      this.#queue.write(...insertion(execution), bytesOf(execution))
    } else {
      if (isOver) this.#stored.delete(execution.id)
      this.#queue.write(writes.update, updateRow(execution), bytesOf(execution))
      if (withoutInput) this.#queue.write(writes.dropInput, [execution.id], rowBytes)
    }
  }

  drop({ id }: Execution): void {
    this.#begun.delete(id)
    if (this.#open.delete(id)) return
    this.#stored.delete(id)
    this.#queue.write(writes.delete, [id], rowBytes)
  }

  async rewrite(execution: Execution): Promise<boolean> {
    const changes = await this.#queue.changes(writes.rewrite, rewriteRow(execution), bytesOf(execution))
    if (changes === 1 && execution.status === 'running') this.#stored.set(execution.id, execution)
    return changes === 1
  }

  flushed(): Promise<void> {
    return this.#queue.flushed()
  }

  /** Copies consistently into a new file, while writes continue. */
  async copyTo(file: string): Promise<void> {
    this.#storeOpen(Number.POSITIVE_INFINITY)
    await this.#queue.copyTo(file)
  }

  async find(id: string): Promise<Execution | null> {
    const live = this.#open.get(id) ?? this.#stored.get(id)
    if (live !== undefined) return live
    await this.#readable()
    const row = this.#find.get(id)
    return row === undefined ? null : fromStored(row)
  }

  async *list(filter: ExecutionFilter, page: Page): AsyncIterable<Execution[]> {
    this.#storeOpen(Number.POSITIVE_INFINITY)
    await this.#readable()
    yield* listExecutions(this.#connection, filter, page)
  }

  async *history(sinceMs: number): AsyncGenerator<PastCall[]> {
    await this.#readable()
    yield* historyPages(this.#connection, sinceMs)
  }

  async delete(id: string): Promise<boolean> {
    if (this.#open.delete(id)) return true
    this.#stored.delete(id)
    return (await this.#queue.changes(writes.delete, [id], rowBytes)) > 0
  }

  counts(functionId: string, version: number): FunctionCounts {
    return this.#counters.of(functionId, version)
  }

  unfinished(): Execution[] {
    const executions = this.#connection
      .prepare<[], StoredExecution>(
        `SELECT ${columns} FROM executions INDEXED BY executions_running
        WHERE status = 'running' AND is_sync = 0 ORDER BY created_at, id`,
      )
      .all()
      .map(fromStored)
    for (const execution of executions) this.#stored.set(execution.id, execution)
    return executions
  }

  undelivered(): Execution[] {
    return this.#connection
      .prepare<[], StoredExecution>(
        `SELECT ${columns} FROM executions INDEXED BY executions_undelivered
        WHERE deliver_at IS NOT NULL ORDER BY deliver_at`,
      )
      .all()
      .map(fromStored)
  }

  settle(error: FunctionError): number {
    return this.#connection
      .prepare(
        "UPDATE executions SET status = 'error', error = ?, updated_at = ? WHERE status = 'running' AND is_sync = 1",
      )
      .run(JSON.stringify(error), this.#clock.now()).changes
  }

  async recordBytes(projectId: string): Promise<number> {
    const known = this.#recordBytes.get(projectId)
    const now = this.#clock.elapsed()
    if (known !== undefined && now - known.at < recordBytesHoldMs) return known.bytes
    await this.#readable()
    const { bytes } = await bytesOfProject(this.#connection, projectId, Number.POSITIVE_INFINITY)
    this.#recordBytes.set(projectId, { bytes, at: now })
    return bytes
  }

  async prune(
    maxAgeMs: number,
    maxRowsPerProject: number,
    maxBytesOf: (projectId: string) => number | null = () => null,
  ): Promise<number> {
    let removed = 0
    if (maxAgeMs > 0) {
      removed += await this.#removeInSteps(writes.pruneOlder, [this.#clock.now() - maxAgeMs])
    }
    if (maxRowsPerProject > 0) {
      await this.#readable()
      for (const projectId of projectsOf(this.#connection)) {
        const kept = await oldestKept(this.#connection, projectId, maxRowsPerProject)
        if (kept === null) continue
        removed += await this.#removeInSteps(writes.pruneProject, [projectId, kept.created_at, kept.rowid])
      }
    }
    await this.#readable()
    for (const projectId of projectsOf(this.#connection)) {
      const mostBytes = maxBytesOf(projectId)
      if (mostBytes === null || mostBytes > fileBytes(this.#connection)) continue
      const { oldest } = await bytesOfProject(this.#connection, projectId, mostBytes)
      if (oldest === null) continue
      removed += await this.#removeInSteps(writes.pruneProject, [projectId, oldest.created_at, oldest.rowid])
    }
    if (removed > 0) await this.#giveSpaceBack()
    return removed
  }

  vitals(): LedgerVitals {
    return this.#queue.vitals()
  }

  addUsage(rows: UsageRow[]): void {
    for (const row of rows) this.#queue.write(writes.addUsage, usageRow(row), rowBytes)
  }

  async usage(filter: UsageFilter): Promise<UsageRow[]> {
    await this.#readable()
    return usageOf(this.#connection, filter)
  }

  usageOfDay(day: string): UsageRow[] {
    return usageOf(this.#connection, { projectId: null, fromDay: day, toDay: day })
  }

  pruneUsage(beforeDay: string): void {
    this.#queue.write(writes.pruneUsage, [beforeDay], rowBytes)
  }

  async pruneDead(maxAgeMs: number, maxPerProject: number): Promise<number> {
    let removed = 0
    if (maxAgeMs > 0) removed += await this.#removeInSteps(writes.buryOlder, [this.#clock.now() - maxAgeMs])
    await this.#readable()
    for (const projectId of this.#projectsWithDead(maxPerProject)) {
      removed += await this.#queue.changes(writes.buryProject, [projectId, maxPerProject], rowBytes)
    }
    return removed
  }

  #projectsWithDead(moreThan: number): string[] {
    return this.#connection
      .prepare<[number], string>(
        `SELECT project_id FROM executions INDEXED BY executions_dead WHERE dead_at IS NOT NULL
        GROUP BY project_id HAVING count(*) > ?`,
      )
      .pluck()
      .all(moreThan)
  }

  /** Frees the pages of removed rows in steps that do not delay calls. */
  async #giveSpaceBack(): Promise<void> {
    while (this.#ending === null && (await this.#queue.vacuum(vacuumPages)) > 0) {
      await new Promise<void>((resolve) => this.#clock.after(prunePauseMs, resolve))
    }
  }

  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    this.#stopSweep?.()
    this.#storeOpen(Number.POSITIVE_INFINITY)
    try {
      await this.#queue.end()
    } finally {
      this.#connection.close()
    }
  }

  /** Reads see earlier writes; while the disk refuses writes, they see what is on it. */
  async #readable(): Promise<void> {
    await this.flushed().catch(() => {})
  }

  /** One timer for all active runs, and none when there are none. */
  #sweepLater(): void {
    this.#stopSweep = this.#clock.after(sweepEveryMs, () => {
      this.#stopSweep = null
      this.#storeOpen(this.#clock.now() - openRowAfterMs)
      if (this.#open.size + this.#begun.size > 0) this.#sweepLater()
    })
  }

  /** Stores a `running` row for runs that began until then; existing rows are updated with their worker. */
  #storeOpen(until: number): void {
    for (const { execution, at } of this.#begun.values()) {
      if (at > until) continue
      this.#begun.delete(execution.id)
      this.#queue.write(writes.update, updateRow(execution), bytesOf(execution))
    }
    const due = this.#open.values().filter(({ createdAt }) => createdAt <= until)
    for (const execution of due.sort(byId)) {
      this.#open.delete(execution.id)
      this.#stored.set(execution.id, execution)
      this.#queue.write(...insertion(execution), bytesOf(execution))
    }
  }

  async #removeInSteps(kind: Write, row: Row): Promise<number> {
    let removed = 0
    while (this.#ending === null) {
      const changes = await this.#queue.changes(kind, [...row, pruneStepRows], rowBytes)
      removed += changes
      if (changes < pruneStepRows) break
      await new Promise<void>((resolve) => this.#clock.after(prunePauseMs, resolve))
    }
    return removed
  }
}

/** Ids of runs that began later are greater. */
const byId = (a: Execution, b: Execution): number => (a.id < b.id ? -1 : 1)

const bytesOf = ({ input, request, output, log }: Execution): number =>
  rowBytes + (input?.length ?? 0) + (request?.body?.length ?? 0) + (output?.length ?? 0) + log.length

/** The statement that stores a run, and its values. */
function insertion(execution: Execution): [kind: Write, row: Row] {
  const usual = insertUsualRow(execution)
  return usual === null ? [writes.insert, insertRow(execution)] : [writes.insertUsual, usual]
}
