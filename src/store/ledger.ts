import { type DiskSpace, unlimitedSpace } from '../domain/platform/disk-space.ts'
import type { LedgerGauges } from '../domain/platform/gauges.ts'
import type { UsageFilter, UsageRow, UsageStore } from '../domain/platform/usage.ts'
import type { Execution, ExecutionFilter, FunctionCounts, Ledger, Page } from '../domain/runs/execution.ts'
import type { PastCall } from '../domain/runs/history.ts'
import { hashOfId, InFlight } from '../domain/runs/in-flight.ts'
import type { FunctionError } from '../domain/runs/outcome.ts'
import { type Write, writes } from './ledger-batch.ts'
import { Counters } from './ledger-counters.ts'
import { historyPages } from './ledger-history.ts'
import { listExecutions } from './ledger-list.ts'
import { LedgerPruning } from './ledger-pruning.ts'
import { LedgerQueue, type LedgerQueueOptions } from './ledger-queue.ts'
import { endCalls, undeliveredRuns, unfinishedRuns } from './ledger-recovery.ts'
import { bytesOfProject } from './ledger-retention.ts'
import {
  columns,
  fromStored,
  insertRow,
  insertUsualRow,
  type Row,
  rewriteRow,
  rowBytes,
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
  #pruning: LedgerPruning
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
    this.#space = options.space ?? unlimitedSpace
    this.#connection = openSqlite(options.path, undefined, { givesSpaceBack: true })
    checkSound(
      this.#connection,
      'restore it from a backup, or move ledger.db, ledger.db-wal and ledger.db-shm away: the record of executions and what waits is lost then, nothing else',
    )
    migrate(this.#connection, ledgerMigrations)
    this.#find = this.#connection.prepare<[string], StoredExecution>(`SELECT ${columns} FROM executions WHERE id = ?`)
    this.#counters = new Counters(this.#connection)
    this.#queue = new LedgerQueue({ ...options, counterRows: () => this.#counters.takeRows() })
    this.#pruning = new LedgerPruning({
      connection: this.#connection,
      queue: this.#queue,
      clock: this.#clock,
      readable: () => this.#readable(),
      isEnding: () => this.#ending !== null,
    })
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

  unfinished(): Execution[] {
    const executions = unfinishedRuns(this.#connection)
    for (const execution of executions) this.#stored.set(execution.id, execution)
    return executions
  }

  undelivered(): Execution[] {
    return undeliveredRuns(this.#connection)
  }

  settle(error: FunctionError): number {
    return endCalls(this.#connection, error, this.#clock.now())
  }

  async prune(
    maxAgeMs: number,
    maxRowsPerProject: number,
    maxBytesOf?: (projectId: string) => number | null,
  ): Promise<number> {
    return this.#pruning.prune(maxAgeMs, maxRowsPerProject, maxBytesOf)
  }

  async pruneDead(maxAgeMs: number, maxPerProject: number): Promise<number> {
    return this.#pruning.pruneDead(maxAgeMs, maxPerProject)
  }

  counts(functionId: string, version: number): FunctionCounts {
    return this.#counters.of(functionId, version)
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

  vitals(): LedgerGauges {
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
}

/** Ids of runs that began later are greater. */
const byId = (a: Execution, b: Execution): number => (a.id < b.id ? -1 : 1)

const bytesOf = ({ input, request, output, outputs, log }: Execution): number =>
  rowBytes +
  (input?.length ?? 0) +
  (request?.body?.length ?? 0) +
  (output?.length ?? 0) +
  (outputs?.length ?? 0) +
  log.length

/** The statement that stores a run, and its values. */
function insertion(execution: Execution): [kind: Write, row: Row] {
  const usual = insertUsualRow(execution)
  return usual === null ? [writes.insert, insertRow(execution)] : [writes.insertUsual, usual]
}
