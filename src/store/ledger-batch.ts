import type { Row } from './ledger-rows.ts'

/** Messages between `ledger.ts` and the thread of `ledger-writer.ts`. */

/** The thread's start data. */
export interface WriterData {
  path: string
  busyTimeoutMs: number | undefined
  /** Path of SQLite's add-on, when its package does not find it. */
  addon: string | undefined
}

/** Kinds of statements; a batch runs them in the order in which they were added. */
export const writes = {
  insert: 0,
  update: 1,
  delete: 2,
  count: 3,
  pruneOlder: 4,
  pruneProject: 5,
  rewrite: 6,
  buryOlder: 7,
  buryProject: 8,
  dropInput: 9,
  addUsage: 10,
  pruneUsage: 11,
  insertUsual: 12,
  begin: 13,
} as const
export type Write = (typeof writes)[keyof typeof writes]

export interface BatchMessage {
  kinds: Write[]
  /** Passing arrays of plain values to the thread costs 1 µs each; packing them into one buffer cost 2 µs. */
  rows: Row[]
}

/** Messages to the thread: rows to write, a file to copy the ledger to, pages to free, or the end. */
export type WriterMessage = BatchMessage | { copyTo: string } | { vacuumPages: number } | 'end'

/** Pages that can still be freed. */
export interface VacuumReply {
  freePages: number
}

export interface CopyReply {
  copied: string
  failure: string | null
}

/** `changes`: rows changed by each statement, -1 for refused ones. `failure`: nothing of the batch was written. */
export type BatchReply = { changes: number[]; refused: string[] } | { failure: string }

interface Waiter {
  /** Index of the statement whose changes are awaited; -1: the whole batch. */
  index: number
  resolve(changes: number): void
  reject(error: Error): void
}

/** Statements that are committed together, and who awaits the commit. */
export class Batch implements BatchMessage {
  kinds: Write[] = []
  rows: Row[] = []
  bytes = 0
  #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.rows.length === 0
  }

  get isAwaited(): boolean {
    return this.#waiters.length > 0
  }

  add(kind: Write, row: Row, bytes: number): void {
    this.kinds.push(kind)
    this.rows.push(row)
    this.bytes += bytes
  }

  /** Rows changed by the last added statement; rejects when it was refused. */
  changes(): Promise<number> {
    return this.#promise(this.rows.length - 1)
  }

  async committed(): Promise<void> {
    await this.#promise(-1)
  }

  /** `refusal`: the error for refused statements. */
  settle(changes: number[], refusal: () => Error): void {
    for (const { index, resolve, reject } of this.#waiters) {
      const count = changes[index] ?? 0
      if (count < 0) reject(refusal())
      else resolve(count)
    }
    this.#waiters = []
  }

  /** Rejects everybody who waits, and drops their statements. */
  fail(error: Error): void {
    const awaited = new Set(this.#waiters.map(({ index }) => index))
    for (const { reject } of this.#waiters) reject(error)
    this.#waiters = []
    this.kinds = this.kinds.filter((_, index) => !awaited.has(index))
    this.rows = this.rows.filter((_, index) => !awaited.has(index))
  }

  #promise(index: number): Promise<number> {
    return new Promise((resolve, reject) => this.#waiters.push({ index, resolve, reject }))
  }
}
