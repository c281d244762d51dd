import type { Clock } from '../../domain/clock.ts'
import { FaasError, notFound } from '../../domain/errors.ts'
import type { Backup, BackupStore } from '../../domain/platform/backup.ts'
import { type Principal, requireAdmin } from '../../domain/platform/principal.ts'
import type { Log } from '../../domain/runs/log.ts'

export interface BackupsParts {
  store: BackupStore
  clock: Clock
  log: Log
  rules: {
    /** Hours between automatic backups; 0: none. */
    backupEveryHours: number
    /** Number of automatic backups to keep, the newest; 0: all. */
    backupKeep: number
  }
}

const hourMs = 3_600_000

/** Copies of all persistent data, on request and by schedule. For admins only: a copy contains the data of all projects. */
export class Backups {
  #parts: BackupsParts
  #making: Promise<Backup> | null = null
  #stopTimer: () => void = () => {}

  constructor(parts: BackupsParts) {
    this.#parts = parts
  }

  /** One at a time: concurrent requests share one backup. */
  create(who: Principal): Promise<Backup> {
    requireAdmin(who, 'Making a backup')
    return this.#create()
  }

  list(who: Principal): Promise<Backup[]> {
    requireAdmin(who, 'Listing backups')
    return this.#parts.store.list()
  }

  async open(who: Principal, name: string): Promise<{ stream: ReadableStream<Uint8Array>; sizeBytes: number }> {
    requireAdmin(who, 'Reading a backup')
    const found = await this.#parts.store.open(name)
    if (found === null) throw notFound('Backup', name)
    return found
  }

  async delete(who: Principal, name: string): Promise<void> {
    requireAdmin(who, 'Deleting a backup')
    if (!(await this.#parts.store.delete(name))) throw notFound('Backup', name)
  }

  /** Starts the schedule; the first backup is made when the last one is old enough. */
  async start(): Promise<void> {
    const { store, clock, rules } = this.#parts
    if (rules.backupEveryHours === 0) return
    const last = (await store.list()).at(-1)
    const everyMs = rules.backupEveryHours * hourMs
    const inMs = last === undefined ? everyMs : Math.max(0, last.createdAt + everyMs - clock.now())
    this.#stopTimer = clock.after(inMs, () => void this.#onTime())
  }

  async close(): Promise<void> {
    this.#stopTimer()
    await this.#making?.catch(() => {})
  }

  async #onTime(): Promise<void> {
    const { clock, log, rules } = this.#parts
    try {
      const { name, sizeBytes } = await this.#create()
      log.info({ backup: name, bytes: sizeBytes }, 'backup made')
      await this.#prune()
    } catch (error) {
      log.error({ err: error }, 'a backup could not be made')
    }
    this.#stopTimer = clock.after(rules.backupEveryHours * hourMs, () => void this.#onTime())
  }

  #create(): Promise<Backup> {
    const { store, clock } = this.#parts
    const name = `taibai-${new Date(clock.now())
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replaceAll(':', '-')}.tar`
    this.#making ??= store
      .create(name)
      .catch((cause: unknown) => {
        if (cause instanceof FaasError) throw cause
        throw new FaasError('internal', 'The backup could not be made; see the server log.', { cause })
      })
      .finally(() => {
        this.#making = null
      })
    return this.#making
  }

  async #prune(): Promise<void> {
    const { store, rules } = this.#parts
    if (rules.backupKeep === 0) return
    for (const { name } of (await store.list()).slice(0, -rules.backupKeep)) await store.delete(name)
  }
}
