import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../domain/clock.ts'
import { FaasError } from '../domain/errors.ts'
import type { Execution, ExecutionFilter, FunctionCounts, Ledger, Page } from '../domain/execution.ts'
import type { Log } from '../domain/log.ts'
import type { FunctionError } from '../domain/outcome.ts'
import { Batch, type BatchMessage, type BatchReply, type Write, type WriterData, writes } from './ledger-batch.ts'
import { Counters } from './ledger-counters.ts'
import { listExecutions } from './ledger-list.ts'
import { oldestKept, projectsOf } from './ledger-retention.ts'
import { columns, fromStored, insertRow, type Row, type StoredExecution, updateRow } from './ledger-rows.ts'
import { ledgerMigrations } from './migrations/ledger/embedded.ts'
import { type Connection, migrate, openSqlite } from './sqlite.ts'

export interface LedgerOptions {
  /** Of ledger.db. A real file: the thread opens it too. */
  path: string
  clock: Clock
  log: Log
  /** The writing thread died: nothing can be recorded any more. Called once. */
  onFatal(error: Error): void
  /** How long a write waits for another program that has locked the file. */
  busyTimeoutMs?: number
}

/** A run that lasts longer than this gets its `running` row. */
const openRowAfterMs = 200
const sweepEveryMs = 100
/** Rows that nobody waits for are collected this long. */
const lingerMs = 10
const maxBatchRows = 1000
const maxBatchBytes = 4 * 1024 * 1024
/** What may wait for a slow or full disk; further rows are lost, and said to be. */
const maxPendingBytes = 64 * 1024 * 1024
const retryPauseMs = 1000
/** Share of a row that does not depend on its texts. */
const rowBytes = 512
const pruneStepRows = 250
const prunePauseMs = 20

/** The ledger in ledger.db: read here, written by a thread of its own (`ledger-writer.ts`). */
export class SqliteLedger implements Ledger {
  #options: LedgerOptions
  #connection: Connection
  #find: { get(id: string): StoredExecution | undefined }
  #writer: Worker
  #counters: Counters
  /** Runs that have begun and have no row yet, oldest first. */
  #open = new Map<string, Execution>()
  /** Runs that have not ended and have a row. */
  #stored = new Map<string, Execution>()
  #collecting = new Batch()
  #full: Batch[] = []
  #inFlight: Batch | null = null
  #pendingBytes = 0
  #lost = 0
  #stopTimer: (() => void) | null = null
  #stopSweep: (() => void) | null = null
  /** Set when the thread is gone, for good or ill. */
  #ended: FaasError | null = null
  #ending: Promise<void> | null = null

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#connection = openSqlite(options.path)
    migrate(this.#connection, ledgerMigrations)
    this.#find = this.#connection.prepare<[string], StoredExecution>(`SELECT ${columns} FROM executions WHERE id = ?`)
    this.#counters = new Counters(this.#connection)
    this.#writer = startWriter(options)
    this.#writer.on('message', (reply: BatchReply) => this.#replied(reply))
    this.#writer.on('error', (error) => this.#died(error))
    this.#writer.on('exit', () => this.#died(new Error('The thread that writes the ledger ended.')))
    this.#sweepLater()
  }

  async accept(execution: Execution): Promise<boolean> {
    this.#counters.add(execution)
    const changes = await this.#awaited(writes.insert, insertRow(execution), bytesOf(execution)).catch((error) => {
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
  }

  close(execution: Execution): void {
    const isOver = execution.status !== 'running'
    if (this.#open.delete(execution.id)) {
      if (!isOver) this.#stored.set(execution.id, execution)
      this.#unawaited(writes.insert, insertRow(execution), bytesOf(execution))
    } else {
      if (isOver) this.#stored.delete(execution.id)
      this.#unawaited(writes.update, updateRow(execution), bytesOf(execution))
    }
  }

  async flushed(): Promise<void> {
    const last = this.#collecting.isEmpty ? (this.#full.at(-1) ?? this.#inFlight) : this.#collecting
    if (last === null) return
    if (this.#ended !== null) throw this.#ended
    const committed = last.committed()
    this.#send()
    await committed
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

  async delete(id: string): Promise<boolean> {
    if (this.#open.delete(id)) return true
    this.#stored.delete(id)
    return (await this.#awaited(writes.delete, [id], rowBytes)) > 0
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

  settle(error: FunctionError): number {
    return this.#connection
      .prepare(
        "UPDATE executions SET status = 'error', error = ?, updated_at = ? WHERE status = 'running' AND is_sync = 1",
      )
      .run(JSON.stringify(error), this.#options.clock.now()).changes
  }

  async prune(maxAgeMs: number, maxRowsPerProject: number): Promise<number> {
    let removed = 0
    if (maxAgeMs > 0) {
      removed += await this.#removeInSteps(writes.pruneOlder, [this.#options.clock.now() - maxAgeMs])
    }
    if (maxRowsPerProject > 0) {
      await this.#readable()
      for (const projectId of projectsOf(this.#connection)) {
        const kept = await oldestKept(this.#connection, projectId, maxRowsPerProject)
        if (kept === null) continue
        removed += await this.#removeInSteps(writes.pruneProject, [projectId, kept.created_at, kept.rowid])
      }
    }
    return removed
  }

  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  /** Rejects when something could not be written; the thread and the file are let go of all the same. */
  async #end(): Promise<void> {
    this.#stopSweep?.()
    try {
      if (this.#ended === null) {
        this.#storeOpen(Number.POSITIVE_INFINITY)
        await this.flushed()
      }
    } finally {
      this.#stopTimer?.()
      await this.#stopWriter()
      this.#connection.close()
    }
  }

  async #stopWriter(): Promise<void> {
    if (this.#ended !== null) return
    this.#ended = new FaasError('shutting_down', 'The server is stopping.')
    const exited = once(this.#writer, 'exit')
    this.#writer.postMessage('end')
    await exited
  }

  /** Adds a statement whose changes the caller waits for, so it goes as soon as the batch in flight is done. */
  #awaited(kind: Write, row: Row, bytes: number): Promise<number> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    if (this.#pendingBytes > maxPendingBytes) return Promise.reject(notRecorded('too much waits for the disk'))
    const changes = this.#add(kind, row, bytes).changes()
    this.#send()
    return changes
  }

  /** Adds a statement that nobody waits for, so more of them may gather. */
  #unawaited(kind: Write, row: Row, bytes: number): void {
    if (this.#ended !== null || this.#pendingBytes > maxPendingBytes) return this.#lose()
    this.#add(kind, row, bytes)
    if (this.#full.length > 0) this.#send()
    else this.#sendAfter(lingerMs)
  }

  #add(kind: Write, row: Row, bytes: number): Batch {
    if (this.#collecting.rows.length >= maxBatchRows || this.#collecting.bytes >= maxBatchBytes) {
      this.#full.push(this.#collecting)
      this.#collecting = new Batch()
    }
    this.#collecting.add(kind, row, bytes)
    this.#pendingBytes += bytes
    return this.#collecting
  }

  #sendAfter(ms: number): void {
    if (this.#inFlight === null && this.#stopTimer === null) {
      this.#stopTimer = this.#options.clock.after(ms, () => this.#send())
    }
  }

  #send(): void {
    if (this.#inFlight !== null || this.#ended !== null) return
    this.#stopTimer?.()
    this.#stopTimer = null
    const batch = this.#full.shift() ?? this.#collecting
    if (batch.isEmpty) return
    if (batch === this.#collecting) this.#collecting = new Batch()
    for (const row of this.#counters.takeRows()) batch.add(writes.count, row, 0)
    this.#inFlight = batch
    this.#writer.postMessage({ kinds: batch.kinds, rows: batch.rows } satisfies BatchMessage)
  }

  #replied(reply: BatchReply): void {
    const batch = this.#inFlight as Batch
    this.#inFlight = null
    if ('failure' in reply) return this.#retryLater(batch, reply.failure)
    this.#pendingBytes -= batch.bytes
    if (reply.refused.length > 0) this.#options.log.error({ refused: reply.refused }, 'executions were not recorded')
    batch.settle(reply.changes, notRecorded(reply.refused))
    if (this.#full.length > 0 || this.#collecting.isAwaited) this.#send()
    else if (!this.#collecting.isEmpty) this.#sendAfter(lingerMs)
    if (this.#lost > 0 && this.#pendingBytes === 0) this.#sayWhatWasLost()
  }

  /** The disk is full, say: who waits is told, the rest is kept for another try. */
  #retryLater(failed: Batch, reason: string): void {
    this.#options.log.error(
      { reason, pendingBytes: this.#pendingBytes },
      'the ledger could not be written; trying again',
    )
    this.#full.unshift(failed)
    this.#failWaiters(notRecorded(reason))
    this.#sendAfter(retryPauseMs)
  }

  #failWaiters(error: FaasError): void {
    for (const batch of [...this.#full, this.#collecting]) batch.fail(error)
    for (const batch of this.#full) if (batch.isEmpty) this.#pendingBytes -= batch.bytes
    this.#full = this.#full.filter((batch) => !batch.isEmpty)
  }

  #died(error: Error): void {
    if (this.#ended !== null) return
    this.#ended = notRecorded(error)
    if (this.#inFlight !== null) this.#full.unshift(this.#inFlight)
    this.#inFlight = null
    this.#failWaiters(this.#ended)
    this.#options.onFatal(error)
  }

  /** Reads see what was written before them; while the disk refuses writes, they see what is on it. */
  async #readable(): Promise<void> {
    await this.flushed().catch(() => {})
  }

  #sweepLater(): void {
    const { clock } = this.#options
    this.#stopSweep = clock.after(sweepEveryMs, () => {
      this.#storeOpen(clock.now() - openRowAfterMs)
      this.#sweepLater()
    })
  }

  /** Gives runs that began until then their `running` row. */
  #storeOpen(until: number): void {
    for (const execution of this.#open.values()) {
      if (execution.createdAt > until) return
      this.#open.delete(execution.id)
      this.#stored.set(execution.id, execution)
      this.#unawaited(writes.insert, insertRow(execution), bytesOf(execution))
    }
  }

  async #removeInSteps(kind: Write, row: Row): Promise<number> {
    let removed = 0
    while (this.#ending === null) {
      const changes = await this.#awaited(kind, [...row, pruneStepRows], rowBytes)
      removed += changes
      if (changes < pruneStepRows) break
      await new Promise<void>((resolve) => this.#options.clock.after(prunePauseMs, resolve))
    }
    return removed
  }

  #lose(): void {
    this.#lost++
    if (this.#lost === 1) this.#options.log.error({}, 'executions are lost: the ledger cannot be written')
  }

  #sayWhatWasLost(): void {
    this.#options.log.warn({ lost: this.#lost }, 'the ledger is written again')
    this.#lost = 0
  }
}

function startWriter({ path, busyTimeoutMs }: LedgerOptions): Worker {
  const workerData: WriterData = { path, busyTimeoutMs }
  // Flags of the process are not for the thread: it would refuse some of them.
  return new Worker(new URL('./ledger-writer.ts', import.meta.url), { workerData, execArgv: [] })
}

const bytesOf = ({ input, output, log }: Execution): number =>
  rowBytes + (input?.length ?? 0) + (output?.length ?? 0) + log.length

const notRecorded = (cause: unknown): FaasError =>
  new FaasError('internal', 'The execution could not be recorded; see the server log.', { cause })
