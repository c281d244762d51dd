import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../domain/clock.ts'
import { Durations } from '../domain/durations.ts'
import { FaasError } from '../domain/errors.ts'
import type { DiskSpace } from '../domain/platform/disk-space.ts'
import type { LedgerGauges } from '../domain/platform/gauges.ts'
import type { Log } from '../domain/runs/log.ts'
import {
  Batch,
  type BatchMessage,
  type BatchReply,
  type CopyReply,
  type VacuumReply,
  type Write,
  type WriterData,
  type WriterMessage,
  writes,
} from './ledger-batch.ts'
import type { Row } from './ledger-rows.ts'
import { storageFailure } from './storage-full.ts'

export interface LedgerQueueOptions {
  /** Path of ledger.db. */
  path: string
  clock: Clock
  log: Log
  /** Called once when the thread died: nothing can be written any more. */
  onFatal(error: Error): void
  /** Rows of counters for the next batch. */
  counterRows(): Row[]
  /** How long a write waits for another program that has locked the file. */
  busyTimeoutMs?: number
  /** Limit of waiting bytes while the disk is slow or full; further rows are dropped and counted. */
  maxPendingBytes?: number
  /** While it is nearly full, callers leave rows out and call `lose`. */
  space?: DiskSpace
  /** Paths of files in a built program, which the modules would look for elsewhere. */
  files?: WriterFiles
}

export interface WriterFiles {
  addon?: string
  /** The thread's code, or its file. */
  ledgerThread?: string | URL
}

const defaultMaxPendingBytes = 256 * 1024 * 1024
/** How long rows that nobody awaits are collected. */
const lingerMs = 10
const maxBatchRows = 1000
const maxBatchBytes = 4 * 1024 * 1024
const retryPauseMs = 1000

/** Statements on their way to ledger.db: while the thread commits a batch, the next one is collected. */
export class LedgerQueue {
  #options: LedgerQueueOptions
  #maxPendingBytes: number
  #writer: Worker
  #collecting = new Batch()
  /** Full batches that come before it. */
  #full: Batch[] = []
  #inFlight: Batch | null = null
  #pendingBytes = 0
  /** Dropped rows: since the last log line, and in total. */
  #lost = 0
  #lostInAll = 0
  #commits = new Durations()
  #sentAt = 0
  #stopTimer: (() => void) | null = null
  #sendsThisTurn = false
  /** Copies in progress, by file. */
  #copies = new Map<string, (failure: string | null) => void>()
  /** Callers who wait for pages to be freed, in order. */
  #vacuums: ((freePages: number) => void)[] = []
  /** Set when the thread has ended for any reason. */
  #ended: FaasError | null = null
  /** True when the disk refused the last batch. */
  #isFailing = false

  constructor(options: LedgerQueueOptions) {
    this.#options = options
    this.#maxPendingBytes = options.maxPendingBytes ?? defaultMaxPendingBytes
    this.#writer = startWriter(options)
    this.#writer.on('message', (reply: BatchReply | CopyReply | VacuumReply) => {
      if ('copied' in reply) this.#copies.get(reply.copied)?.(reply.failure)
      else if ('freePages' in reply) this.#vacuums.shift()?.(reply.freePages)
      else this.#replied(reply)
    })
    this.#writer.on('error', (error) => this.#died(error))
    this.#writer.on('exit', () => this.#died(new Error('The thread that writes the ledger ended.')))
  }

  /**
   * Writes at the end of this turn of the event loop, together with everything else of the turn, or when the current batch is
   * done. Resolves to the number of changed rows; rejects when nothing could be written.
   */
  changes(kind: Write, row: Row, bytes: number): Promise<number> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    if (this.#pendingBytes > this.#maxPendingBytes) return Promise.reject(tooMuchWaits())
    const changes = this.#add(kind, row, bytes).changes()
    if (this.#inFlight === null && !this.#sendsThisTurn) {
      this.#sendsThisTurn = true
      setImmediate(this.#sendNow)
    }
    return changes
  }

  /** Nobody awaits the row, so more may gather first. It is kept and retried while the disk refuses. */
  write(kind: Write, row: Row, bytes: number): void {
    if (this.#ended !== null || this.#pendingBytes > this.#maxPendingBytes) return this.lose()
    this.#add(kind, row, bytes)
    if (this.#full.length > 0) this.#send()
    else this.#sendAfter(lingerMs)
  }

  vitals(): LedgerGauges {
    return {
      pendingBytes: this.#pendingBytes,
      lostRows: this.#lostInAll,
      isFailing: this.#isFailing || this.#ended !== null,
      commits: this.#commits,
    }
  }

  /** Resolves when everything so far is on disk. Rejects when the disk refuses it now. */
  async flushed(): Promise<void> {
    const last = this.#collecting.isEmpty ? (this.#full.at(-1) ?? this.#inFlight) : this.#collecting
    if (last === null) return
    if (this.#ended !== null) throw this.#ended
    const committed = last.committed()
    this.#send()
    await committed
  }

  /** Copies the file with everything written so far; writes continue meanwhile. Rejects when the copy fails. */
  async copyTo(file: string): Promise<void> {
    await this.flushed()
    if (this.#ended !== null) throw this.#ended
    await new Promise<void>((resolve, reject) => {
      this.#copies.set(file, (failure) => (failure === null ? resolve() : reject(new Error(failure))))
      this.#writer.postMessage({ copyTo: file } satisfies WriterMessage)
    }).finally(() => this.#copies.delete(file))
  }

  /** Frees pages between two batches. Resolves to the number that are still free; 0 when no more can be freed. */
  vacuum(pages: number): Promise<number> {
    if (this.#ended !== null) return Promise.resolve(0)
    this.#writer.postMessage({ vacuumPages: pages } satisfies WriterMessage)
    return new Promise((resolve) => this.#vacuums.push(resolve))
  }

  /** Writes the rest. Rejects when that fails; the thread ends anyway. */
  async end(): Promise<void> {
    if (this.#ended !== null) return
    try {
      await this.flushed()
    } finally {
      this.#sayWhatIsLeft()
      this.#stopTimer?.()
      await this.#stopWriter()
    }
  }

  #sayWhatIsLeft(): void {
    const left = [this.#inFlight, ...this.#full, this.#collecting].reduce(
      (sum, batch) => sum + (batch?.rows.length ?? 0),
      0,
    )
    if (left + this.#lost === 0) return
    this.#options.log.error({ writes: left + this.#lost }, 'the server stops, and these could not be recorded')
  }

  async #stopWriter(): Promise<void> {
    if (this.#ended !== null) return
    this.#ended = new FaasError('shutting_down', 'The server is stopping.')
    const exited = once(this.#writer, 'exit')
    this.#writer.postMessage('end')
    await exited
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

  #sendNow = (): void => {
    this.#sendsThisTurn = false
    this.#send()
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
    for (const row of this.#options.counterRows()) batch.add(writes.count, row, 0)
    this.#inFlight = batch
    this.#sentAt = this.#options.clock.elapsed()
    this.#writer.postMessage({ kinds: batch.kinds, rows: batch.rows } satisfies BatchMessage)
  }

  #replied(reply: BatchReply): void {
    const batch = this.#inFlight as Batch
    this.#inFlight = null
    if ('failure' in reply) return this.#retryLater(batch, reply.failure)
    this.#isFailing = false
    this.#pendingBytes -= batch.bytes
    this.#commits.add(this.#options.clock.elapsed() - this.#sentAt)
    if (reply.refused.length > 0) this.#options.log.error({ refused: reply.refused }, 'executions were not recorded')
    batch.settle(reply.changes, () => notRecorded(reply.refused))
    if (this.#full.length > 0 || this.#collecting.isAwaited) this.#send()
    else if (!this.#collecting.isEmpty) this.#sendAfter(lingerMs)
    if (this.#lost > 0 && this.#pendingBytes === 0 && !this.#options.space?.isNearlyGone) this.#sayWhatWasLost()
  }

  /** For example a full disk: callers who wait get an error, the rest is kept for a retry. */
  #retryLater(failed: Batch, reason: string): void {
    const keys = { reason, pendingBytes: this.#pendingBytes }
    this.#isFailing = true
    this.#options.log.error(keys, 'the ledger could not be written; trying again')
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
    for (const fail of this.#copies.values()) fail(error.message)
    this.#options.onFatal(error)
  }

  /** Counts a dropped row for the log. */
  lose(): void {
    this.#lost++
    this.#lostInAll++
    if (this.#lost === 1) this.#options.log.error({}, 'executions are not recorded: the disk takes no more')
  }

  #sayWhatWasLost(): void {
    this.#options.log.warn({ lost: this.#lost }, 'executions are recorded again')
    this.#lost = 0
  }
}

function startWriter({ path, busyTimeoutMs, files = {} }: LedgerQueueOptions): Worker {
  const workerData: WriterData = { path, busyTimeoutMs, addon: files.addon }
  const thread = files.ledgerThread ?? new URL('./ledger-writer.ts', import.meta.url)
  // The process's flags are not passed to the thread, which would refuse some of them.
  return new Worker(thread, { eval: typeof thread === 'string', workerData, execArgv: [] })
}

const notRecorded = (cause: unknown): FaasError =>
  storageFailure(
    cause,
    new FaasError('internal', 'The execution could not be recorded; see the server log.', { cause }),
  )

const tooMuchWaits = (): FaasError =>
  new FaasError('queue_full', 'Too many records wait to be written; try again later.')
