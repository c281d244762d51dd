import type { Clock } from '../domain/clock.ts'
import { type Write, writes } from './ledger-batch.ts'
import type { LedgerQueue } from './ledger-queue.ts'
import { bytesOfProject, fileBytes, oldestRetained, projectsOf } from './ledger-retention.ts'
import { type Row, rowBytes } from './ledger-rows.ts'
import type { Connection } from './sqlite.ts'

const pruneStepRows = 250
const prunePauseMs = 20
/** Pages of 4 KiB freed at once: a few milliseconds of the writer thread. */
const vacuumPages = 200

export interface LedgerPruningParts {
  connection: Connection
  queue: LedgerQueue
  clock: Clock
  /** Reads see earlier writes once it resolves. */
  readable(): Promise<void>
  isEnding(): boolean
}

/** Removes what is too old or too much, in steps that do not delay calls. */
export class LedgerPruning {
  #parts: LedgerPruningParts

  constructor(parts: LedgerPruningParts) {
    this.#parts = parts
  }

  async prune(
    maxAgeMs: number,
    maxRowsPerProject: number,
    maxBytesOf: (projectId: string) => number | null = () => null,
  ): Promise<number> {
    let removed = 0
    if (maxAgeMs > 0) {
      removed += await this.#removeInSteps(writes.pruneOlder, [this.#parts.clock.now() - maxAgeMs])
    }
    if (maxRowsPerProject > 0) {
      await this.#parts.readable()
      for (const projectId of projectsOf(this.#parts.connection)) {
        const kept = await oldestRetained(this.#parts.connection, projectId, maxRowsPerProject)
        if (kept === null) continue
        removed += await this.#removeInSteps(writes.pruneProject, [projectId, kept.created_at, kept.rowid])
      }
    }
    await this.#parts.readable()
    for (const projectId of projectsOf(this.#parts.connection)) {
      const mostBytes = maxBytesOf(projectId)
      if (mostBytes === null || mostBytes > fileBytes(this.#parts.connection)) continue
      const { oldest } = await bytesOfProject(this.#parts.connection, projectId, mostBytes)
      if (oldest === null) continue
      removed += await this.#removeInSteps(writes.pruneProject, [projectId, oldest.created_at, oldest.rowid])
    }
    if (removed > 0) await this.#giveSpaceBack()
    return removed
  }

  async pruneDead(maxAgeMs: number, maxPerProject: number): Promise<number> {
    let removed = 0
    if (maxAgeMs > 0) removed += await this.#removeInSteps(writes.buryOlder, [this.#parts.clock.now() - maxAgeMs])
    await this.#parts.readable()
    for (const projectId of this.#projectsWithDead(maxPerProject)) {
      removed += await this.#parts.queue.changes(writes.buryProject, [projectId, maxPerProject], rowBytes)
    }
    return removed
  }

  #projectsWithDead(moreThan: number): string[] {
    return this.#parts.connection
      .prepare<[number], string>(
        `SELECT project_id FROM executions INDEXED BY executions_dead WHERE dead_at IS NOT NULL
        GROUP BY project_id HAVING count(*) > ?`,
      )
      .pluck()
      .all(moreThan)
  }

  /** Frees the pages of removed rows in steps that do not delay calls. */
  async #giveSpaceBack(): Promise<void> {
    while (!this.#parts.isEnding() && (await this.#parts.queue.vacuum(vacuumPages)) > 0) {
      await new Promise<void>((resolve) => this.#parts.clock.after(prunePauseMs, resolve))
    }
  }

  async #removeInSteps(kind: Write, row: Row): Promise<number> {
    let removed = 0
    while (!this.#parts.isEnding()) {
      const changes = await this.#parts.queue.changes(kind, [...row, pruneStepRows], rowBytes)
      removed += changes
      if (changes < pruneStepRows) break
      await new Promise<void>((resolve) => this.#parts.clock.after(prunePauseMs, resolve))
    }
    return removed
  }
}
